"""Events that Stripe lists and that never came: fetched, and received like any other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import InboxEvent
from lib.payments.events import HANDLED, Event
from lib.payments.gateway import Gateway
from lib.payments.inbox.intake import receive
from lib.payments.inbox.leases import INBOX

EVENTS_KEPT: Final = timedelta(days=30)
"""How long Stripe lists events. What is older can only be found by comparing the objects themselves."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many events Stripe listed, and how many of them had never come."""

    listed: int
    stored: int


def fetch_missing(
    database: Database,
    gateway: Gateway,
    *,
    since: datetime,
    now: datetime | None = None,
    progress: Callable[[int], None] = lambda _listed: None,
) -> Fetched:
    """Receive the events since then that are not in the inbox, a page of Stripe's list at a time.

    Only of the types that are acted on, and no older than 30 days. They are applied when it is their turn.
    """
    present = now or moments.now()
    listed = stored = 0
    after: str | None = None
    while True:
        page = gateway.lists.events(after, max(since, present - EVENTS_KEPT), types=HANDLED)
        for event in _unknown(database, page.items):
            stored += receive(database, event.raw, livemode_expected=gateway.livemode, now=now) == "stored"
        listed += len(page.items)
        progress(listed)
        after = page.after
        if after is None:
            return Fetched(listed, stored)


def _unknown(database: Database, events: tuple[Event, ...]) -> list[Event]:
    """Those that never came, the oldest first."""
    with reading(database, INBOX) as view:
        known = set(
            view.session.scalars(
                select(InboxEvent.event_id).where(InboxEvent.event_id.in_([event.id for event in events]))
            )
        )
    return [event for event in reversed(events) if event.id not in known]
