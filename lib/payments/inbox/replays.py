"""Applying events again: a dry run that shows what would change, then exactly that.

    rehearsing --> rehearsed --a person says yes--> running --> done
                       +------ a person says no --> dropped

A replay is about one event or about all since a time. Its steps are the objects that those events are about,
since an object is asked for once for all of its events. In the dry run each step is applied in a transaction
that is rolled back; its difference is kept. In the real run a step is applied only if it changes nothing that
was not shown. Both are the worker's: they may be long, they show how far they are, and whoever holds the
lease goes on where another stopped.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, update

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import AdminError, StripeFailed
from lib.core.work import reading, rehearsing, working
from lib.models import InboxEvent, InboxReplay, InboxReplayStep
from lib.payments.events import HANDLED
from lib.payments.gateway import Gateway
from lib.payments.inbox import applying, differences, leases
from lib.payments.inbox.intake import insert_once
from lib.payments.inbox.leases import BACKOFF, INBOX, TRIES
from lib.payments.inbox.pictures import Picture, picture_of

LEASE: Final = timedelta(minutes=3)
_PLANNED_AT_ONCE: Final = 1000
_BEFORE: Final = {"rehearsing": "waiting", "running": "rehearsed"}

_log = logging.getLogger(__name__)


def advance(
    database: Database, gateway: Gateway | None, *, now: datetime | None = None, limit: int = 20, log: bool
) -> int:
    """Take some steps of the replay that waits longest; gives how many, 0 when there is nothing to do.

    `log`: whether production's log of events is ours to write.
    """
    present = now or moments.now()
    owner = f"replay:{uuid.uuid4()}"
    replay = _take(database, owner, present)
    if replay is None:
        return 0
    worker = _Replaying(database, gateway, replay, present, log)
    try:
        return worker.some(limit)
    finally:
        _release(database, replay.id, owner)


@dataclass(frozen=True, slots=True)
class _Replaying:
    database: Database
    gateway: Gateway | None
    replay: InboxReplay
    now: datetime
    log: bool

    def some(self, limit: int) -> int:
        """The next steps of the replay, or what comes after the last one."""
        if self.replay.total is None:
            return self._plan()
        steps = self._next_steps(limit)
        if not steps:
            self._end()
            return 1
        done = 0
        for stripe_id in steps:
            if not self._step(stripe_id):
                break
            done += 1
        return done

    def _plan(self) -> int:
        """Note the objects that the replay is about, a thousand at a time, in the order of their ids."""
        planned = 0
        after = ""
        while True:
            with reading(self.database, INBOX, now=self.now) as view:
                objects = list(
                    view.session.scalars(
                        select(InboxEvent.stripe_object_id)
                        .where(*self._events(), InboxEvent.stripe_object_id > after)
                        .distinct()
                        .order_by(InboxEvent.stripe_object_id)
                        .limit(_PLANNED_AT_ONCE)
                    )
                )
            with leases.writing(self.database) as connection:
                for stripe_id in objects:
                    row = {"replay_id": self.replay.id, "stripe_object_id": stripe_id, "state": "waiting"}
                    insert_once(connection, InboxReplayStep, row)
            planned += len(objects)
            if len(objects) < _PLANNED_AT_ONCE:
                break
            after = str(objects[-1])
        self._set(total=planned)
        return max(planned, 1)

    def _events(self) -> tuple[ColumnElement[bool], ...]:
        acted_on = InboxEvent.event_type.in_(sorted(HANDLED))
        if self.replay.event_id is not None:
            return (acted_on, InboxEvent.event_id == self.replay.event_id)
        assert self.replay.since is not None
        return (
            acted_on,
            InboxEvent.state != "ignored",
            InboxEvent.received_at >= self.replay.since,
            InboxEvent.received_at <= self.replay.asked_at,
        )

    def _next_steps(self, limit: int) -> list[str]:
        with reading(self.database, INBOX, now=self.now) as view:
            return list(
                view.session.scalars(
                    select(InboxReplayStep.stripe_object_id)
                    .where(
                        InboxReplayStep.replay_id == self.replay.id,
                        InboxReplayStep.state == _BEFORE[self.replay.state],
                    )
                    .order_by(InboxReplayStep.stripe_object_id)
                    .limit(limit)
                )
            )

    def _step(self, stripe_id: str) -> bool:
        """One step; False when Stripe cannot be asked now, and the replay waits for a while."""
        try:
            event_ids, event_type = self._events_of(stripe_id)
            picture = picture_of(self.gateway, stripe_id, event_type)
            if self.replay.state == "rehearsing":
                self._rehearse(stripe_id, event_ids, picture)
            else:
                self._apply(stripe_id, event_ids, picture)
        except StripeFailed as error:
            if self.replay.attempts + 1 < TRIES:
                pause = BACKOFF[min(self.replay.attempts, len(BACKOFF) - 1)]
                self._set(attempts=self.replay.attempts + 1, next_attempt_at=self.now + pause)
                return False
            self._close(stripe_id, "failed", outcome=str(error))
        except AdminError as error:
            self._close(stripe_id, "refused", outcome=str(error))
        except Exception as error:  # noqa: BLE001 - one object that fails holds up no other
            _log.exception("The replay %s failed at %s", self.replay.id, stripe_id)
            self._close(stripe_id, "failed", outcome=type(error).__name__)
        return True

    def _events_of(self, stripe_id: str) -> tuple[list[str], str]:
        """The events of one object, in the order in which they happened, and the newest one's type."""
        with reading(self.database, INBOX, now=self.now) as view:
            found = view.session.execute(
                select(*leases.COLUMNS).where(*self._events(), InboxEvent.stripe_object_id == stripe_id)
            )
            events = sorted((leases.Waiting(*row) for row in found), key=lambda event: event.order)
        return [event.event_id for event in events], events[-1].event_type if events else ""

    def _rehearse(self, stripe_id: str, event_ids: list[str], picture: Picture | None) -> None:
        with rehearsing(self.database, INBOX, now=self.now) as work:
            difference = applying.again(work, event_ids, picture, self.log)
        self._close(stripe_id, "rehearsed", difference=differences.text(difference))

    def _apply(self, stripe_id: str, event_ids: list[str], picture: Picture | None) -> None:
        with reading(self.database, INBOX, now=self.now) as view:
            shown = view.session.scalar(
                select(InboxReplayStep.difference).where(
                    InboxReplayStep.replay_id == self.replay.id,
                    InboxReplayStep.stripe_object_id == stripe_id,
                )
            )
        with working(self.database, INBOX, now=self.now) as work:
            applying.again(work, event_ids, picture, self.log, differences.read(shown))
        self._close(stripe_id, "applied")

    def _close(self, stripe_id: str, state: str, **values: Any) -> None:
        with leases.writing(self.database) as connection:
            connection.execute(
                update(InboxReplayStep)
                .where(
                    InboxReplayStep.replay_id == self.replay.id,
                    InboxReplayStep.stripe_object_id == stripe_id,
                )
                .values(state=state, **values)
            )
            connection.execute(
                update(InboxReplay)
                .where(InboxReplay.id == self.replay.id)
                .values(done=InboxReplay.done + 1, attempts=0, lease_until=moments.now() + LEASE)
            )
        self.replay.attempts = 0

    def _end(self) -> None:
        if self.replay.state == "running":
            self._set(state="done", finished_at=self.now, next_attempt_at=None)
            return
        with reading(self.database, INBOX, now=self.now) as view:
            steps = view.session.execute(
                select(InboxReplayStep.stripe_object_id, InboxReplayStep.difference)
                .where(InboxReplayStep.replay_id == self.replay.id)
                .order_by(InboxReplayStep.stripe_object_id)
                .execution_options(yield_per=1000)
            )
            shown = differences.digest((row[0], row[1]) for row in steps)
        self._set(state="rehearsed", rehearsed_at=self.now, next_attempt_at=None, digest=shown)

    def _set(self, **values: Any) -> None:
        with leases.writing(self.database) as connection:
            connection.execute(update(InboxReplay).where(InboxReplay.id == self.replay.id).values(**values))


def _take(database: Database, owner: str, now: datetime) -> InboxReplay | None:
    """The replay that waits longest, held for a while; None when there is none, or somebody else has it."""
    due = (
        InboxReplay.state.in_(tuple(_BEFORE)),
        InboxReplay.next_attempt_at <= now,
        or_(InboxReplay.lease_until.is_(None), InboxReplay.lease_until <= now),
    )
    with reading(database, INBOX, now=now) as view:
        replay_id = view.session.scalar(
            select(InboxReplay.id).where(*due).order_by(InboxReplay.next_attempt_at, InboxReplay.id).limit(1)
        )
    if replay_id is None:
        return None
    with leases.writing(database) as connection:
        taken = connection.execute(
            update(InboxReplay)
            .where(InboxReplay.id == replay_id, *due)
            .values(lease_owner=owner, lease_until=now + LEASE)
        )
        if taken.rowcount != 1:
            return None
    with reading(database, INBOX, now=now) as view:
        return view.session.get(InboxReplay, replay_id)


def _release(database: Database, replay_id: str, owner: str) -> None:
    with leases.writing(database) as connection:
        connection.execute(
            update(InboxReplay)
            .where(InboxReplay.id == replay_id, InboxReplay.lease_owner == owner)
            .values(lease_owner=None, lease_until=None)
        )
