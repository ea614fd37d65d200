"""Stripe inbox: what Stripe told us, what came of it, and leaving an event that nobody needs.

Applying events again is in `inbox_replays`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, or_, select

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.listing import COUNTED_UP_TO, AnySelect, Column, listing
from lib.core.work import View, Work, action, query
from lib.models import InboxEvent, StripeWebhook, masks, sortable
from lib.payments import inbox
from lib.payments.events import HANDLED
from lib.services import inbox_replays

STATES: Final = ("received", "failed", "parked", "unmatched", "applied", "ignored")
"""The states, those that wait or want a person first."""

TYPES: Final = tuple(sorted(HANDLED))
"""The types that this product acts on."""

RELATED_COLUMNS: Final = (
    Column("event_type", "Event"),
    Column("stripe_created", "Happened", "moment"),
    Column("state", "State", "status"),
    Column("event_id", "Event id", "id"),
)
UNAPPLIED: Final = ("received", "failed", "parked", "unmatched")
"""The states of events that our rows do not follow yet."""

WARNED_BEFORE: Final = timedelta(days=5)
"""So long before Stripe stops listing an event, people are told that it was not applied."""

_RELATED: Final = 20


@dataclass(frozen=True, slots=True)
class Ageing:
    """Unapplied events that Stripe lists for less than five days still, and those it lists no more."""

    near: int
    over: int


@dataclass(frozen=True, slots=True)
class Related:
    """Another event about the same object of Stripe's."""

    event_id: str
    event_type: str
    stripe_created: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event and what became of it.

    `changed`: `{"table/id": {"column": [before, after]}}`, empty when nothing was. `payload`: as Stripe sent
    it, None when production's log has lost it. Both come with personal data hidden. `why_not_replay`,
    `why_not_ignore`: None where it may be asked for.
    """

    event_id: str
    event_type: str
    stripe_object_id: str | None
    stripe_created: datetime | None
    api_version: str | None
    livemode: bool
    state: str
    outcome: str | None
    error: str | None
    attempts: int
    received_at: datetime
    applied_at: datetime | None
    next_attempt_at: datetime | None
    changed: Mapping[str, Mapping[str, list[Any]]]
    payload: Mapping[str, Any] | None
    related: tuple[Related, ...]
    why_not_replay: str | None
    why_not_ignore: str | None


@listing(
    Permission.INBOX_READ,
    columns=(
        Column("received_at", "Received", "moment"),
        Column("event_type", "Event"),
        Column("stripe_object_id", "About", "id"),
        Column("state", "State", "status"),
        Column("outcome", "Outcome"),
        Column("error", "Error"),
        Column("attempts", "Attempts", "count"),
        Column("stripe_created", "Happened", "moment"),
        Column("event_id", "Event id", "id"),
    ),
)
def events(*, state: str | None = None, type: str | None = None, q: str | None = None) -> AnySelect:  # noqa: A002 - the filter's name in the address
    """Events, newest first. `q`: the id of an event, or of the object that it is about."""
    statement = select(
        InboxEvent.received_at,
        InboxEvent.event_type,
        InboxEvent.stripe_object_id,
        InboxEvent.state,
        InboxEvent.outcome,
        InboxEvent.error,
        InboxEvent.attempts,
        InboxEvent.stripe_created,
        InboxEvent.event_id,
    ).order_by(InboxEvent.received_at.desc(), InboxEvent.event_id.desc())
    if state:
        statement = statement.where(InboxEvent.state == state)
    if type:
        statement = statement.where(InboxEvent.event_type == type)
    if q and q.strip():
        wanted = q.strip()[:255]
        statement = statement.where(or_(InboxEvent.event_id == wanted, InboxEvent.stripe_object_id == wanted))
    return statement


@query(Permission.INBOX_READ)
def counts(view: View) -> dict[str, int]:
    """How many events are in each state, counted to 10,001 and no further. One statement."""
    each = [
        select(func.count())
        .select_from(select(1).where(InboxEvent.state == state).limit(COUNTED_UP_TO + 1).subquery())
        .scalar_subquery()
        .label(state)
        for state in STATES
    ]
    return dict(zip(STATES, view.session.execute(select(*each)).one(), strict=True))


@query(Permission.INBOX_READ)
def one(view: View, event_id: str) -> Event:
    """One event with its payload and what it changed. Raises NotFound when it never came."""
    entry = view.session.get(InboxEvent, event_id)
    if entry is None:
        raise NotFound(f"There is no event {event_id[:40]} in the inbox. Check the address.")
    payload = view.session.scalar(select(StripeWebhook.event_data).where(StripeWebhook.event_id == event_id))
    return Event(
        event_id=entry.event_id,
        event_type=entry.event_type,
        stripe_object_id=entry.stripe_object_id,
        stripe_created=entry.stripe_created,
        api_version=entry.api_version,
        livemode=entry.livemode,
        state=entry.state,
        outcome=entry.outcome,
        error=entry.error,
        attempts=entry.attempts,
        received_at=entry.received_at,
        applied_at=entry.applied_at,
        next_attempt_at=entry.next_attempt_at,
        changed=masks.redact(json.loads(entry.changed)) if entry.changed else {},
        payload=payload,
        related=_related(view, entry),
        why_not_replay=inbox_replays.why_not(entry),
        why_not_ignore=None if entry.state in UNAPPLIED else f"It is {entry.state} already.",
    )


@query(Permission.INBOX_READ)
def ageing(view: View) -> Ageing:
    """Events that were not applied and that Stripe soon stops listing, or does no longer. One statement."""
    old = [
        select(func.count())
        .select_from(
            select(1)
            .where(
                InboxEvent.state.in_(UNAPPLIED),
                sortable(InboxEvent.stripe_created) < view.now - age,
            )
            .limit(COUNTED_UP_TO + 1)
            .subquery()
        )
        .scalar_subquery()
        for age in (inbox.EVENTS_KEPT - WARNED_BEFORE, inbox.EVENTS_KEPT)
    ]
    near, over = view.session.execute(select(*old)).one()
    return Ageing(near - over, over)


@action(Permission.INBOX_REPLAY, about="admin_inbox")
def ignore(work: Work, event_id: str, *, reason: str) -> None:
    """Leave an event that was not applied for good: it is not tried again, and no longer waits for anybody.

    Raises NotFound when it never came, and Refused when it was applied or is ignored already.
    """
    entry = work.session.get(InboxEvent, event_id)
    if entry is None:
        raise NotFound(f"There is no event {event_id[:40]} in the inbox. Check the address.")
    if entry.state not in UNAPPLIED:
        raise Refused(f"This event is {entry.state} already: there is nothing left to ignore.")
    entry.state = "ignored"
    entry.outcome = f"Ignored by {work.actor.email}: {reason.strip()}"
    entry.next_attempt_at = None


def _related(view: View, entry: InboxEvent) -> tuple[Related, ...]:
    if entry.stripe_object_id is None:
        return ()
    rows = view.session.execute(
        select(InboxEvent.event_id, InboxEvent.event_type, InboxEvent.stripe_created, InboxEvent.state)
        .where(InboxEvent.stripe_object_id == entry.stripe_object_id, InboxEvent.event_id != entry.event_id)
        .order_by(InboxEvent.stripe_created.desc(), InboxEvent.event_id.desc())
        .limit(_RELATED)
    )
    return tuple(Related(*row) for row in rows)
