"""Production's own daily roll-up of revenue, `revenue_analytics`, worked out from raw rows.

The table has no currency and no policy: amounts are in US dollars, what recurs is the house policy's.

    revenue      payments that went through, by the day they were made and by kind; refunded ones included,
                 since the refund stands in its own column
    refunds      refunds that Stripe paid, by the day they were paid
    new          subscriptions created on the day
    canceled     subscriptions that ended on the day, by the ledger

What was stored is not trusted: it is compared first, and written only where ROLLUPS says so.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from lib.core import money
from lib.metrics.policies import HOUSE
from lib.metrics.spans import in_days, utc_day
from lib.models import (
    MetricDay,
    Payment,
    Refund,
    RevenueDay,
    Subscription,
    SubscriptionChange,
    new_id,
)

CURRENCY: Final = "USD"
_KINDS: Final = {
    "subscription": "subscription_revenue_cents",
    "credits": "credits_revenue_cents",
    "add_on": "addons_revenue_cents",
    "box": "addons_revenue_cents",
    "coaching": "addons_revenue_cents",
    "gift": "gift_revenue_cents",
}
_COLUMNS: Final = (
    *dict.fromkeys(_KINDS.values()),
    "total_revenue_cents",
    "new_subscriptions",
    "canceled_subscriptions",
    "refunds_cents",
    "mrr_cents",
    "arr_cents",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of a day that raw rows say otherwise than it is stored; `stored` is None where no row is."""

    day: date
    figure: str
    stored: int | None
    counted: int


@dataclass(slots=True)
class Following:
    """Has the table follow what is counted if `write`, and gathers what it had otherwise in any case."""

    write: bool
    differences: list[Difference] = field(default_factory=list)

    def follow(self, session: Session, since: date, until: date, moment: datetime) -> bool:
        """Compare the days from `since` to `until` and write them if asked; gives whether it wrote.

        The roll-ups of those days must be there: what recurs is read from them.
        """
        counted = counted_days(session, since, until, recurring(session, since, until))
        self.differences += compare(session, counted)
        if self.write:
            _write(session, counted, moment)
        return self.write


def recurring(session: Session, since: date, until: date) -> dict[date, int]:
    """What recurs in annualised cents under the house policy, by day, as the roll-ups have it."""
    rows = session.execute(
        select(MetricDay.day, MetricDay.arr_cents).where(
            MetricDay.day.between(since, until),
            MetricDay.policy == HOUSE.name,
            MetricDay.currency == CURRENCY,
            MetricDay.plan_id == "",
        )
    )
    return {day: arr_cents for day, arr_cents in rows}  # noqa: C416 - rows are not pairs


def counted_days(
    session: Session, since: date, until: date, recurs: Mapping[date, int]
) -> dict[date, dict[str, int]]:
    """Every figure of every day from `since` to `until` from raw rows; `recurs` in annualised cents."""
    found = _figures(session, since, until)
    days = (since + timedelta(days=offset) for offset in range((until - since).days + 1))
    return {
        day: dict.fromkeys(_COLUMNS, 0)
        | found[day]
        | {"arr_cents": recurs.get(day, 0), "mrr_cents": money.monthly(recurs.get(day, 0))}
        for day in days
    }


def compare(session: Session, counted: Mapping[date, Mapping[str, int]]) -> Iterator[Difference]:
    """The figures that are stored otherwise, in the order of days; where no row is, those that are not 0."""
    table = RevenueDay.__table__
    stored = {
        row["analytics_date"]: row
        for row in session.execute(
            select(table).where(RevenueDay.analytics_date.between(min(counted), max(counted)))
        ).mappings()
    }
    for day, figures in counted.items():
        row = stored.get(day)
        for name, value in figures.items():
            was = None if row is None else row[name] or 0
            if (was or 0) != value:
                yield Difference(day, name, was, value)


def _write(session: Session, counted: Mapping[date, Mapping[str, int]], moment: datetime) -> None:
    stored_days = select(RevenueDay.analytics_date, RevenueDay.id).where(
        RevenueDay.analytics_date.between(min(counted), max(counted))
    )
    stored = {day: key for day, key in session.execute(stored_days)}  # noqa: C416 - rows are not pairs
    for day, values in counted.items():
        if day in stored:
            session.execute(update(RevenueDay).where(RevenueDay.id == stored[day]).values(values))
        else:
            session.execute(
                insert(RevenueDay).values(id=new_id(), analytics_date=day, created_at=moment, **values)
            )


def _figures(session: Session, since: date, until: date) -> dict[date, dict[str, int]]:
    found: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    _add_payments(session, since, until, found)
    refund_day = utc_day(Refund.processed_at)
    for day, cents in session.execute(
        select(refund_day, func.sum(Refund.refund_amount_cents))
        .join(Payment, Payment.id == Refund.transaction_id)
        .where(
            Refund.status == "processed",
            in_days(Refund.processed_at, since, until),
            func.upper(func.coalesce(Payment.currency, CURRENCY)) == CURRENCY,
        )
        .group_by(refund_day)
    ):
        found[day]["refunds_cents"] = int(cents)
    created_day = utc_day(Subscription.created_at)
    for day, number in session.execute(
        select(created_day, func.count())
        .where(in_days(Subscription.created_at, since, until))
        .group_by(created_day)
    ):
        found[day]["new_subscriptions"] = number
    for day, number in session.execute(_ended(since, until)):
        found[day]["canceled_subscriptions"] = number
    return found


def _add_payments(session: Session, since: date, until: date, found: dict[date, dict[str, int]]) -> None:
    day = utc_day(Payment.created_at)
    paid = (
        select(day, Payment.transaction_type, func.sum(Payment.amount_cents))
        .where(
            in_days(Payment.created_at, since, until),
            Payment.status.in_(("succeeded", "refunded")),
            Payment.transaction_type.in_(tuple(_KINDS)),
            func.upper(func.coalesce(Payment.currency, CURRENCY)) == CURRENCY,
        )
        .group_by(day, Payment.transaction_type)
    )
    for made_on, kind, cents in session.execute(paid):
        found[made_on][_KINDS[kind]] += int(cents)
        found[made_on]["total_revenue_cents"] += int(cents)


def _ended(since: date, until: date) -> Select[date, int]:
    """Per day, how many subscriptions became canceled; a second entry that says so again is not counted."""
    change = SubscriptionChange
    touched = select(change.subscription_id).where(in_days(change.effective_at, since, until))
    before = func.lag(change.status).over(
        partition_by=change.subscription_id, order_by=(change.effective_at, change.seq)
    )
    history = (
        select(utc_day(change.effective_at).label("day"), change.status, before.label("before"))
        .where(change.subscription_id.in_(touched))
        .subquery()
    )
    return (
        select(history.c.day, func.count())
        .where(
            history.c.status == "canceled",
            history.c.before.is_distinct_from("canceled"),
            history.c.day.between(since, until),
        )
        .group_by(history.c.day)
    )
