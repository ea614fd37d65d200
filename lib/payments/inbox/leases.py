"""Who works on which object, what is due, and putting off what failed.

The lease on an object is a row, never an open transaction: Stripe is asked while it is held. Losing it (the
process died, or was slow) is harmless, because an event changes its state by compare-and-set.
"""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, func, or_, select, update

from lib.core.access import Actor, system
from lib.core.database import Database
from lib.core.errors import AdminError, Invalid
from lib.core.work import reading
from lib.models import InboxEvent, StripeObject, StripeWebhook, masks
from lib.payments.inbox.intake import insert_missing

INBOX: Final[Actor] = system("inbox")
WAITING: Final = ("received", "failed")
LEASE: Final = timedelta(minutes=3)

BACKOFF: Final = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""How long after the first, second ... try the next one comes."""

TRIES: Final = len(BACKOFF) + 1
"""After so many failures an event is parked."""

TRIES_TO_MATCH: Final = 6
"""After so many tries without a row of ours, which takes about a quarter of an hour, it is unmatched."""

_RANKS: Final = {
    "customer.subscription.created": 0,
    "customer.subscription.updated": 1,
    "customer.subscription.deleted": 2,
    "invoice.payment_failed": 0,
    "invoice.marked_uncollectible": 1,
    "invoice.payment_succeeded": 2,
    "invoice.voided": 2,
    "charge.dispute.created": 0,
    "charge.dispute.updated": 1,
    "charge.dispute.closed": 2,
    "refund.updated": 0,
    "refund.failed": 1,
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event whose turn it is."""

    event_id: str
    event_type: str
    stripe_object_id: str | None
    stripe_created: datetime | None
    received_at: datetime

    @property
    def order(self) -> tuple[datetime, int, datetime]:
        """What sorts the events of one object: Stripe's seconds, then the order that types imply."""
        return (self.stripe_created or self.received_at, rank(self.event_type), self.received_at)


def rank(event_type: str | None) -> int:
    """The place of a type among the events of one object and one second; a type without one comes last."""
    return _RANKS.get(event_type or "", 9)


def due(database: Database, now: datetime, limit: int) -> list[Waiting]:
    """The events whose turn it is, the longest waiting first. Each state is read by its own index range."""
    found: list[tuple[datetime, Waiting]] = []
    with reading(database, INBOX, now=now) as view:
        for state in WAITING:
            statement = (
                select(func.coalesce(InboxEvent.next_attempt_at, now), *COLUMNS)
                .where(InboxEvent.state == state, InboxEvent.next_attempt_at <= now)
                .order_by(InboxEvent.next_attempt_at)
                .limit(limit)
            )
            found += [(row[0], Waiting(*row[1:])) for row in view.session.execute(statement)]
    found.sort(key=lambda each: (each[0], *each[1].order))
    return [event for _, event in found[:limit]]


def due_of(database: Database, stripe_ids: Sequence[str], now: datetime) -> dict[str, list[Waiting]]:
    """The events of some objects whose turn it is, by object, in the order in which they happened."""
    with reading(database, INBOX, now=now) as view:
        rows = view.session.execute(
            select(*COLUMNS).where(
                InboxEvent.stripe_object_id.in_(stripe_ids),
                InboxEvent.state.in_(WAITING),
                InboxEvent.next_attempt_at <= now,
            )
        )
        events = sorted((Waiting(*row) for row in rows), key=lambda event: event.order)
    return {
        stripe_id: [event for event in events if event.stripe_object_id == stripe_id]
        for stripe_id in stripe_ids
    }


def take(database: Database, stripe_ids: Sequence[str], owner: str, now: datetime) -> list[str]:
    """Take the leases on objects, in one commit; gives those that nobody else holds."""
    with writing(database) as connection:
        insert_missing(connection, StripeObject, [{"stripe_id": stripe_id} for stripe_id in stripe_ids])
        connection.execute(
            _TAKE, [{"wanted": each, "owner": owner, "now": now, "until": now + LEASE} for each in stripe_ids]
        )
        held = select(StripeObject.stripe_id).where(
            StripeObject.stripe_id.in_(stripe_ids), StripeObject.lease_owner == owner
        )
        return list(connection.scalars(held))


def release(database: Database, stripe_ids: Sequence[str], owner: str) -> None:
    """Give leases back, in one commit, those that are still ours."""
    with writing(database) as connection:
        connection.execute(
            update(StripeObject)
            .where(StripeObject.stripe_id.in_(stripe_ids), StripeObject.lease_owner == owner)
            .values(lease_owner=None, lease_until=None)
        )


def hasten(database: Database, event_id: str, now: datetime) -> None:
    """Make an event that waits for its next try due now."""
    with writing(database) as connection:
        connection.execute(
            update(InboxEvent)
            .where(InboxEvent.event_id == event_id, InboxEvent.state.in_(WAITING))
            .values(next_attempt_at=now)
        )


def put_off(
    database: Database, events: Sequence[Waiting], error: Exception, *, now: datetime, log: bool
) -> None:
    """Keep why events could not be applied, and when they are tried again; park them after `TRIES`.

    An event that cannot be read will not be readable later: it is parked at once. `log`: whether production's
    log is ours to write.
    """
    if not isinstance(error, AdminError):
        _log.error("Applying %s failed.", ", ".join(event.event_id for event in events), exc_info=error)
    message = masks.mask("log", str(error) if isinstance(error, AdminError) else _first_line(error))
    with writing(database) as connection:
        for event in events:
            attempts = connection.scalar(
                select(InboxEvent.attempts).where(
                    InboxEvent.event_id == event.event_id, InboxEvent.state.in_(WAITING)
                )
            )
            if attempts is None:  # somebody else has applied it meanwhile
                continue
            tries = attempts + 1
            parked = tries >= TRIES or isinstance(error, Invalid)
            connection.execute(
                update(InboxEvent)
                .where(InboxEvent.event_id == event.event_id, InboxEvent.attempts == attempts)
                .values(
                    state="parked" if parked else "failed",
                    attempts=tries,
                    error=message,
                    next_attempt_at=None if parked else now + BACKOFF[tries - 1],
                )
            )
            if log:
                _log_failure(connection, event.event_id, message, tries)


def _log_failure(connection: Connection, event_id: str, message: str | None, tries: int) -> None:
    connection.execute(
        update(StripeWebhook)
        .where(StripeWebhook.event_id == event_id)
        .values(processed=False, error_message=message, retry_count=tries)
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:500]}" if lines else type(error).__name__


COLUMNS: Final = (
    InboxEvent.event_id,
    InboxEvent.event_type,
    InboxEvent.stripe_object_id,
    InboxEvent.stripe_created,
    InboxEvent.received_at,
)


_TAKE: Final = (
    update(StripeObject)
    .where(
        StripeObject.stripe_id == bindparam("wanted"),
        or_(StripeObject.lease_until.is_(None), StripeObject.lease_until <= bindparam("now")),
    )
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"))
)


def writing(database: Database) -> AbstractContextManager[Connection]:
    """A transaction of the inbox's own books, without an audit entry: nothing of production's is changed."""
    return database.primary.execution_options(writes=True).begin()
