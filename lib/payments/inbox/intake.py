"""Storing what came, at once and once."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import reading
from lib.models import Base, InboxEvent, StripeWebhook, new_id, sortable
from lib.payments.events import HANDLED, require_event
from lib.payments.events.fields import at, flag, ident, moment, text

Received = Literal["stored", "duplicate"]

_AT_ONCE: Final = 64
"""So many events are committed together at most."""

_OVERLAP: Final = timedelta(minutes=10)
"""How long the app may take to commit a row that it has dated already."""


def receive(
    database: Database,
    event: Mapping[str, Any],
    *,
    livemode_expected: bool | None,
    now: datetime | None = None,
) -> Received:
    """Store an event that Stripe signed, in production's log and in our inbox; nothing is applied yet.

    `livemode_expected`: whether our key moves real money; None when there is no key to compare with.

    Raises Refused when the event is of the other of test and live mode, and Invalid when it is no event that
    carries its object. There is no audit entry: nothing was changed but the record of what came.
    """
    event = storable(require_event(event))
    livemode = flag(event.get("livemode"))
    if None not in (livemode, livemode_expected) and livemode != livemode_expected:
        came, ours = ("live", "test") if livemode else ("test", "live")
        raise Refused(
            f"The event {event['id']} is of {came} mode, and our key is of {ours} mode. Point this endpoint "
            f"at {ours} mode in Stripe, or change STRIPE_SECRET_KEY."
        )
    received_at = now or moments.now()
    entry = _entry(event, received_at)
    done = entry["state"] == "ignored"
    log = {
        "id": new_id(),
        "event_id": event["id"],
        "event_type": event["type"],
        "event_data": event,
        "processed": done,
        "processed_at": received_at if done else None,
        "retry_count": 0,
        "created_at": received_at,
    }
    return "stored" if _LANE.store(database, log, entry) else "duplicate"


def discover(database: Database, *, now: datetime | None = None, limit: int = 500) -> int:
    """Take the events that the app has logged since into our inbox; gives how many. The log stays as it is.

    Raises nothing for a log entry that is no event: it is taken as well, and parked when it is its turn.
    """
    present = now or moments.now()
    with reading(database, system("inbox"), now=present) as view:
        newest = view.session.scalar(select(func.max(InboxEvent.received_at)))
        known = select(InboxEvent.event_id).where(InboxEvent.event_id == StripeWebhook.event_id)
        logged = (
            select(
                StripeWebhook.event_id,
                StripeWebhook.event_type,
                StripeWebhook.event_data,
                StripeWebhook.created_at,
            )
            .where(~known.exists())
            .order_by(sortable(StripeWebhook.created_at), StripeWebhook.id)
            .limit(limit)
        )
        if newest is not None:
            logged = logged.where(sortable(StripeWebhook.created_at) >= newest - _OVERLAP)
        found = view.session.execute(logged).all()
    entries = [
        _entry(
            {**(data if isinstance(data, Mapping) else {}), "id": event_id, "type": event_type},
            logged_at or present,
        )
        | {"next_attempt_at": present if event_type in HANDLED else None}
        for event_id, event_type, data, logged_at in found
    ]
    if not entries:
        return 0
    with _LANE.writing(database) as connection:
        return sum(insert_once(connection, InboxEvent, entry) for entry in entries)


def storable(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event as every engine can keep it: without NUL (jsonb refuses it) and halves of characters."""
    printed = json.dumps(event, ensure_ascii=False)
    if "\\u0000" not in printed and _is_utf8(printed):
        return event
    cleaned: dict[str, Any] = _clean(event)
    return cleaned


def insert_once(connection: Connection, model: type[Base], values: Mapping[str, Any]) -> bool:
    """Insert a row unless its key is there already; says whether it was inserted."""
    statement = _insert_unless_there(connection, model).values(**values)
    # SQLAlchemy keeps the count of an INSERT only when asked to.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def insert_missing(connection: Connection, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those rows whose keys are not there yet, in one statement; all rows have the same columns."""
    connection.execute(_insert_unless_there(connection, model), rows)


def _insert_unless_there(connection: Connection, model: type[Base]) -> Any:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(model).on_conflict_do_nothing()


@dataclass(slots=True, eq=False)
class _Waiting:
    """An event that waits to be written, and what came of it."""

    database: Database
    log: Mapping[str, Any]
    entry: Mapping[str, Any]
    stored: bool | None = None
    failure: Exception | None = None


class _Lane:
    """One writer at a time, who writes for all that came meanwhile: many events are one commit.

    Writers that queue here wait 16 ms at the 99th percentile; those that queue at SQLite's lock waited 86 ms.
    A commit waits for the disk, so while one is under way the others gather, and the next one takes them all.
    """

    def __init__(self) -> None:
        self._writer = threading.Lock()
        self._gathering = threading.Lock()
        self._waiting: list[_Waiting] = []

    def store(self, database: Database, log: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
        """Write one event; says whether it is new. Returns once it is on disk."""
        mine = _Waiting(database, log, entry)
        with self._gathering:
            self._waiting.append(mine)
        with self._writer:
            while mine.stored is None and mine.failure is None:
                self._write(self._gathered())
        if mine.failure is not None:
            raise mine.failure
        return bool(mine.stored)

    @contextmanager
    def writing(self, database: Database) -> Iterator[Connection]:
        """A transaction of another kind, while no event is written."""
        with self._writer, database.primary.execution_options(writes=True).begin() as connection:
            yield connection

    def _gathered(self) -> list[_Waiting]:
        """The first of those that wait, all for one database."""
        with self._gathering:
            first = self._waiting[0].database
            mine = [each for each in self._waiting if each.database is first][:_AT_ONCE]
            self._waiting = [each for each in self._waiting if each not in mine]
        return mine

    def _write(self, waiting: list[_Waiting]) -> None:
        """Write them in one transaction; if one of them cannot be, each in its own."""
        try:
            with waiting[0].database.primary.execution_options(writes=True).begin() as connection:
                stored = [_insert(connection, each) for each in waiting]
        except Exception as failure:  # noqa: BLE001 - it is raised where the event came from
            if len(waiting) == 1:
                waiting[0].failure = failure
            else:
                for each in waiting:
                    self._write([each])
            return
        for each, is_new in zip(waiting, stored, strict=True):
            each.stored = is_new


def _insert(connection: Connection, waiting: _Waiting) -> bool:
    insert_once(connection, StripeWebhook, waiting.log)
    return insert_once(connection, InboxEvent, waiting.entry)


_LANE: Final = _Lane()


def _is_utf8(printed: str) -> bool:
    try:
        printed.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return value


def _entry(event: Mapping[str, Any], received_at: datetime) -> dict[str, Any]:
    acted_on = event["type"] in HANDLED
    return {
        "event_id": event["id"],
        "event_type": event["type"],
        "stripe_object_id": ident(at(event, "data", "object")),
        "stripe_created": moment(event.get("created")),
        "api_version": text(event.get("api_version")),
        "livemode": bool(event.get("livemode")),
        "state": "received" if acted_on else "ignored",
        "outcome": None if acted_on else f"This product does not act on {event['type'][:80]}.",
        "attempts": 0,
        "next_attempt_at": received_at if acted_on else None,
        "received_at": received_at,
    }
