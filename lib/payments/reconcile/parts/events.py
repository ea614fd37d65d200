"""Events that Stripe lists, beside our inbox."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from lib.models import InboxEvent
from lib.payments.events import HANDLED, Event
from lib.payments.inbox import EVENTS_KEPT
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.parts.part import Part, Reading, only_id


def _events_compared(reading: Reading, page: Sequence[Event]) -> list[Finding]:
    first = reading.session.scalar(select(func.min(InboxEvent.received_at)))
    if first is None:
        return []  # nothing was ever received here: the past is not missing
    known = set(
        reading.session.scalars(
            select(InboxEvent.event_id).where(InboxEvent.event_id.in_([event.id for event in page]))
        )
    )
    return [
        Finding(
            kind="event_missing",
            ours=None,
            theirs=f"{event.type} of {event.facts.id if event.facts else 'an unknown object'}",
            stripe_id=event.id,
            since=event.created,
        )
        for event in page
        if event.id not in known and event.created is not None and event.created >= first
    ]


EVENTS: Final = Part(
    "events",
    "Events",
    lambda gateway, after, since: gateway.lists.events(after, since, types=HANDLED),
    only_id,
    _events_compared,
    kept=EVENTS_KEPT,
)
