"""Every hour: who may stop paying, found anew from the rows that are there; and until when cards are good.

The app keeps nothing of a card. What there is to know comes with Stripe's events about payment methods: the
newest one of each customer is kept, without number or brand. A customer of whom no such event came has no
card that is known, which is not the same as no card.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from lib.core.access import system
from lib.core.database import Database
from lib.core.moments import next_month
from lib.core.settings import Settings
from lib.core.work import Work, job, working
from lib.jobs import runs
from lib.models import CardOnFile, CoupleAtRisk, StripeWebhook, sortable
from lib.payments.events.fields import at, ident, text, whole
from lib.services.at_risk import reasons

NAME: Final = "at-risk"
ACTOR: Final = system("worker")
AT_LEAST_EVERY: Final = timedelta(hours=1)
# An event that took this long to commit is still seen.
OVERLAP: Final = timedelta(hours=1)
AT_ONCE: Final = 500
_TOLD_BY: Final = (
    "payment_method.attached",
    "payment_method.updated",
    "payment_method.automatically_updated",
    "payment_method.detached",
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a run found: entries of the list, and events about cards that it read."""

    entries: int
    card_events: int


def is_due(database: Database, now: datetime) -> bool:
    """Whether the last run is an hour ago."""
    newest = runs.latest(database, NAME)
    return newest is None or now - newest.started_at >= AT_LEAST_EVERY


def run(database: Database, now: datetime) -> Looked:
    """Read what Stripe told of cards since the last run, then find everybody anew.

    Raises Refused while another process does the same.
    """
    done = runs.latest(database, NAME, state="done")
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        with working(database, ACTOR, now=now) as work:
            events = read_cards(work, since=done.started_at - OVERLAP if done else None)
        with working(database, ACTOR, now=now) as work:
            entries = look(work)
        under_way.summary |= {"entries": entries, "card_events": events}
    return Looked(entries, events)


def run_for_day(database: Database, _day: date, _settings: Settings, now: datetime) -> Looked:
    """The same, as the schedule calls it: the day makes no difference."""
    return run(database, now)


@job
def look(work: Work) -> int:
    """Find everybody who may stop paying, in the place of those from before; gives how many entries."""
    work.session.execute(delete(CoupleAtRisk))
    for statement in reasons.statements(work.now):
        work.session.execute(statement)
    found = work.session.scalar(select(func.count()).select_from(CoupleAtRisk)) or 0
    work.count("admin_couples_at_risk", found)
    return found


@job
def read_cards(work: Work, *, since: datetime | None = None) -> int:
    """Keep what events about cards tell, oldest first, from a moment on or all; gives how many there were."""
    told = select(StripeWebhook.event_type, StripeWebhook.event_data).where(
        StripeWebhook.event_type.in_(_TOLD_BY)
    )
    if since is not None:
        told = told.where(sortable(StripeWebhook.created_at) >= since)
    in_order = told.order_by(sortable(StripeWebhook.created_at), StripeWebhook.id)
    number = 0
    for events in work.session.execute(in_order.execution_options(yield_per=AT_ONCE)).partitions():
        number += len(events)
        _keep(work, events)
    work.count("events about cards", number)
    return number


def _keep(work: Work, events: Any) -> None:
    cards: dict[str, dict[str, Any]] = {}
    gone: set[str] = set()
    for kind, event in events:
        card = _card(event)
        if kind.endswith("detached"):
            gone.add(ident(at(event, "data", "object")) or "")
        elif card is not None:
            gone.discard(card["card_id"])
            cards[card["stripe_customer_id"]] = card
    kept = [card for card in cards.values() if card["card_id"] not in gone]
    stored = CardOnFile.stripe_customer_id.in_([card["stripe_customer_id"] for card in kept])
    work.session.execute(delete(CardOnFile).where(CardOnFile.card_id.in_(gone) | stored))
    if kept:
        work.session.execute(insert(CardOnFile), kept)


def _card(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an event says of a card; None where it says no customer, or not until when the card is good."""
    source = at(event, "data", "object")
    customer, card_id = text(at(source, "customer")), ident(source)
    year, month = whole(at(source, "card", "exp_year")), whole(at(source, "card", "exp_month"))
    created = whole(at(event, "created"))
    if not (customer and card_id and year and month and 1 <= month <= 12 and 2000 <= year <= 2200):
        return None
    end = next_month(date(year, month, 1))
    return {
        "stripe_customer_id": customer,
        "card_id": card_id,
        "good_until": datetime(end.year, end.month, 1, tzinfo=UTC),
        "told_at": datetime.fromtimestamp(created or 0, tz=UTC),
    }
