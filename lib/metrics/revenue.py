"""What the Revenue page shows, read from `admin_metric_daily` alone: one statement for each function.

What the roll-ups do not hold is None with a reason, never 0. A day is complete when it was over by the time
it was counted.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select

from lib.core.access import Permission
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.moments import day_bounds, month_start, next_month
from lib.core.work import View, query
from lib.metrics.figure import Basis, Figure
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.series import (
    MRR_COLUMNS,
    PLAN_COLUMNS,
    Month,
    MonthSeries,
    Moved,
    MrrDay,
    MrrSeries,
    PlanMix,
    PlanShare,
)
from lib.models import MetricDay, SubscriptionPlan
from lib.models.types import TotalCents

COMPARED_WITH: Final = timedelta(days=30)
NOTHING_YET: Final = (
    "There are no daily figures for this time. The worker fills them within the hour; "
    "`python -m lib jobs run daily` does it now."
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures at the top of the page, as of `day` (None while nothing was counted).

    `change` is MRR against 30 days before `day`, in cents; `growth` the same as a share.
    """

    day: date | None
    complete: bool
    mrr: Figure
    arr: Figure
    couples: Figure
    arpa: Figure
    change: Figure
    growth: Figure


@query(Permission.REVENUE_READ)
def currencies(view: View, policy: Policy = HOUSE) -> list[str]:
    """The currencies in which something ever recurred, the largest first."""
    newest = select(func.max(MetricDay.day)).where(MetricDay.policy == policy.name).scalar_subquery()
    return list(
        view.session.scalars(
            select(MetricDay.currency)
            .where(MetricDay.day == newest, MetricDay.policy == policy.name, MetricDay.plan_id == "")
            .order_by(MetricDay.arr_cents.desc(), MetricDay.currency)
        )
    )


@query(Permission.REVENUE_READ)
def mrr_by_day(
    view: View, since: date, until: date, currency: str = "USD", policy: Policy = HOUSE
) -> MrrSeries:
    """MRR at the end of each day from `since` to `until`, with the day's movements."""
    days = _days(view, since, until, currency, policy)
    return MrrSeries(currency, days, _basis(policy, days), None if days else NOTHING_YET)


@query(Permission.REVENUE_READ)
def summary(view: View, today: date, currency: str = "USD", policy: Policy = HOUSE) -> Summary:
    """MRR, ARR, couples, ARPA and the change over 30 days, as of the newest day counted up to `today`."""
    rows = view.session.execute(
        _totals(currency, policy)
        .where(MetricDay.day <= today)
        .order_by(MetricDay.day.desc())
        .limit(COMPARED_WITH.days + 1)
    )
    days = {row.day: _day(row, policy.zone) for row in rows}
    if not days:
        basis = Basis(policy, 0, "subscriptions", None)
        money_, count, share = (
            Figure(None, unit, basis, currency, NOTHING_YET) for unit in ("money", "count", "share")
        )
        return Summary(None, False, money_, money_, count, money_, money_, share)
    now = next(iter(days.values()))
    return _summary(now, days.get(now.day - COMPARED_WITH), policy)


@query(Permission.REVENUE_READ)
def plan_mix(view: View, day: date, currency: str = "USD", policy: Policy = HOUSE) -> PlanMix:
    """What each plan brings in at the end of a day, or of the newest day counted before it."""
    rows = view.session.execute(plans.build(day=day, currency=currency, policy=policy.name)).all()
    total = sum(row.arr_cents for row in rows)
    shares = tuple(
        PlanShare(
            row.plan_id,
            row.plan or row.plan_id,
            row.billing_period,
            row.currency,
            int(row.arr_cents),
            int(row.subscriptions),
            Fraction(int(row.arr_cents), int(total)) if total else None,
        )
        for row in rows
    )
    basis = Basis(
        policy,
        sum(plan.subscriptions for plan in shares),
        "subscriptions",
        max((row.computed_at for row in rows), default=None),
    )
    return PlanMix(rows[0].day if rows else None, currency, shares, basis, None if rows else NOTHING_YET)


@query(Permission.REVENUE_READ)
def churn_by_month(
    view: View, since: date, until: date, currency: str = "USD", policy: Policy = HOUSE
) -> MonthSeries:
    """Movements and customer churn of each month from that of `since` to that of `until`."""
    first = month_start(since)
    days = _days(view, first - timedelta(days=1), until, currency, policy)
    before = {day.day: day for day in days}
    counted = [day for day in days if day.day >= first]
    newest = counted[-1].day if counted else until
    months = tuple(
        _month(month, tuple(inside), before.get(month - timedelta(days=1)), newest)
        for month, inside in groupby(counted, key=lambda day: month_start(day.day))
    )
    return MonthSeries(currency, months, _basis(policy, days), None if months else NOTHING_YET)


@listing(Permission.REVENUE_READ, columns=(*MRR_COLUMNS, Column("computed_at", "Counted at", "moment")))
def days(*, since: date, until: date, currency: str = "USD", policy: str = HOUSE.name) -> AnySelect:
    """The days behind the MRR chart, newest first."""
    return _totals(currency, policy).where(MetricDay.day.between(since, until)).order_by(MetricDay.day.desc())


@listing(Permission.REVENUE_READ, columns=(Column("day", "Day", "day"), *PLAN_COLUMNS[:3]))
def plans(*, day: date, currency: str = "USD", policy: str = HOUSE.name) -> AnySelect:
    """What stands at the end of the newest day counted up to `day`, by plan and billing period."""
    mine = and_(MetricDay.policy == policy, MetricDay.currency == currency)
    newest = select(func.max(MetricDay.day)).where(MetricDay.day <= day, mine).scalar_subquery()
    arr = func.sum(MetricDay.arr_cents, type_=TotalCents)
    return (
        select(
            MetricDay.day,
            MetricDay.plan_id,
            SubscriptionPlan.plan_name.label("plan"),
            MetricDay.billing_period,
            MetricDay.currency,
            arr.label("arr_cents"),
            _monthly(arr).label("mrr_cents"),
            func.sum(MetricDay.subscriptions).label("subscriptions"),
            func.max(MetricDay.computed_at).label("computed_at"),
        )
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == MetricDay.plan_id)
        .where(MetricDay.day == newest, mine, MetricDay.plan_id != "")
        .group_by(
            MetricDay.day,
            MetricDay.plan_id,
            SubscriptionPlan.plan_name,
            MetricDay.billing_period,
            MetricDay.currency,
        )
        # A segment in which something moved, and nothing stands, has a row as well.
        .having(func.sum(MetricDay.subscriptions) != 0)
        .order_by(arr.desc(), MetricDay.plan_id)
    )


def _totals(currency: str, policy: Policy | str) -> AnySelect:
    return select(
        MetricDay.day,
        MetricDay.currency,
        MetricDay.arr_cents,
        _monthly(MetricDay.arr_cents).label("mrr_cents"),
        MetricDay.subscriptions,
        MetricDay.couples,
        *(getattr(MetricDay, name) for name in Moved.__dataclass_fields__),
        MetricDay.computed_at,
    ).where(
        MetricDay.policy == (policy if isinstance(policy, str) else policy.name),
        MetricDay.currency == currency,
        MetricDay.plan_id == "",
    )


def _monthly(arr_cents: Any) -> ColumnElement[int]:
    """`money.monthly` in SQL, for amounts that are not negative."""
    monthly: ColumnElement[int] = (arr_cents + 6) // 12
    return monthly


def _days(view: View, since: date, until: date, currency: str, policy: Policy) -> tuple[MrrDay, ...]:
    rows = view.session.execute(
        _totals(currency, policy).where(MetricDay.day.between(since, until)).order_by(MetricDay.day)
    )
    return tuple(_day(row, policy.zone) for row in rows)


def _day(row: AnyRow, zone: str) -> MrrDay:
    return MrrDay(
        day=row.day,
        currency=row.currency,
        arr_cents=row.arr_cents,
        subscriptions=row.subscriptions,
        couples=row.couples or 0,
        complete=row.computed_at >= day_bounds(row.day, zone)[1],
        computed_at=row.computed_at,
        **{name: getattr(row, name) for name in Moved.__dataclass_fields__},
    )


def _basis(policy: Policy, days: tuple[MrrDay, ...]) -> Basis:
    return Basis(policy, len(days), "days", max((day.computed_at for day in days), default=None))


def _summary(now: MrrDay, then: MrrDay | None, policy: Policy) -> Summary:
    basis = Basis(policy, now.subscriptions, "subscriptions", now.computed_at)

    def figure(value: int | Fraction | None, unit: Any, why_not: str | None = None) -> Figure:
        return Figure(value, unit, basis, now.currency, why_not if value is None else None)

    not_counted = f"{now.day - COMPARED_WITH} was not counted, so there is nothing to compare with."
    change = Fraction(now.arr_cents - then.arr_cents, 12) if then else None
    growth = Fraction(now.arr_cents - then.arr_cents, then.arr_cents) if then and then.arr_cents else None
    return Summary(
        now.day,
        now.complete,
        mrr=figure(Fraction(now.arr_cents, 12), "money"),
        arr=figure(now.arr_cents, "money"),
        couples=figure(now.couples, "count"),
        arpa=figure(
            Fraction(now.arr_cents, 12 * now.couples) if now.couples else None,
            "money",
            "No couple pays on this day, so there is no average.",
        ),
        change=figure(change, "money", not_counted),
        growth=figure(
            growth, "share", "Nothing recurred 30 days ago, so there is no rate." if then else not_counted
        ),
    )


def _month(month: date, inside: tuple[MrrDay, ...], before: MrrDay | None, newest: date) -> Month:
    end = next_month(month) - timedelta(days=1)
    first = month if before else inside[0].day
    missing = (min(end, newest) - first).days + 1 - len(inside)
    sums = {name: sum(getattr(day, name) for day in inside) for name in Moved.__dataclass_fields__}
    churn, why_not = None, None
    if missing:
        why_not = f"Days of this month that were never counted: {missing}."
    elif before is None:
        why_not = "Counting began in this month, so nobody knows how many couples there were at its start."
    elif before.couples == 0:
        why_not = "No couple was active at the start."
    else:
        churn = Fraction(sums["churned_couples"], before.couples)
    return Month(
        month=month,
        currency=inside[0].currency,
        opening_arr_cents=before.arr_cents if before else None,
        closing_arr_cents=inside[-1].arr_cents,
        couples_at_start=before.couples if before else None,
        complete=inside[-1].complete and inside[-1].day == end,
        missing_days=missing,
        churn=churn,
        why_not=why_not,
        **sums,
    )
