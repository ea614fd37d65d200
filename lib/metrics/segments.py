"""MRR and its movements by plan, by billing period, or by how couples came, from `admin_metric_daily`.

Segments add up to the whole: a couple's movement is in the segment of its last entry of the day.
"""

from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any, Final

from sqlalchemy import func, select

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column
from lib.core.moments import month_start
from lib.core.work import View, query
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.revenue import NOTHING_YET
from lib.metrics.series import Moved
from lib.models import MetricDay, SubscriptionPlan
from lib.models.types import TotalCents

DAY_COLUMNS: Final = (
    Column("day", "Day", "day"),
    Column("segment", "Segment"),
    Column("mrr_cents", "MRR", "money"),
    Column("subscriptions", "Subscriptions", "count"),
)
MONTH_COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("segment", "Segment"),
    Column("net_cents", "Net change of MRR", "money"),
    Column("new_arr_cents", "New, annualised", "money"),
    Column("reactivation_arr_cents", "Reactivation", "money"),
    Column("expansion_arr_cents", "Expansion", "money"),
    Column("contraction_arr_cents", "Contraction", "money"),
    Column("churn_arr_cents", "Churn", "money"),
)
_UNKNOWN: Final = "Not known"
_COLUMNS: Final[dict[str, Any]] = {
    "plan": func.coalesce(SubscriptionPlan.plan_name, MetricDay.plan_id),
    "billing period": MetricDay.billing_period,
    "source": MetricDay.source,
}
CHOICES: Final = tuple(_COLUMNS)


@dataclass(frozen=True, slots=True)
class SegmentDay:
    """What one segment brings in at the end of a day."""

    day: date
    segment: str
    currency: str
    arr_cents: int
    subscriptions: int

    @property
    def mrr_cents(self) -> int:
        """The monthly amount, rounded once."""
        return money.monthly(self.arr_cents)


@dataclass(frozen=True, slots=True)
class SegmentSeries:
    """Days in order, for each of `names` in turn: the largest on the last day first."""

    currency: str
    names: tuple[str, ...]
    days: tuple[SegmentDay, ...]
    basis: Basis
    why_not: str | None

    def of(self, name: str | None) -> "SegmentSeries":
        """One segment by itself; all of them for None."""
        if name is None:
            return self
        return replace(self, names=(name,), days=tuple(day for day in self.days if day.segment == name))


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentMonth(Moved):
    """What moved in one segment in a month."""

    month: date
    segment: str
    currency: str

    @property
    def net_cents(self) -> int:
        """By how much it moved MRR, in cents a month."""
        return money.monthly(self.net_arr_cents)


@dataclass(frozen=True, slots=True)
class SegmentMonths:
    """Months in order, each with its segments."""

    months: tuple[SegmentMonth, ...]
    basis: Basis
    why_not: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """The segments in which something moved, in the order of their names."""
        return tuple(sorted({each.segment for each in self.months}))

    def of(self, name: str | None) -> "SegmentMonths":
        """One segment by itself; all of them for None."""
        if name is None:
            return self
        return replace(self, months=tuple(each for each in self.months if each.segment == name))


@query(Permission.REVENUE_READ)
def mrr_by_segment(
    view: View, since: date, until: date, by: str, currency: str = "USD", policy: Policy = HOUSE
) -> SegmentSeries:
    """MRR at the end of each day from `since` to `until` in each segment. One statement.

    Raises Invalid for what is no segment.
    """
    standing = (func.sum(MetricDay.arr_cents, type_=TotalCents), func.sum(MetricDay.subscriptions))
    rows = view.session.execute(_by_day(since, until, by, currency, policy, *standing)).all()
    days = [SegmentDay(row[0], row[1] or _UNKNOWN, currency, int(row[3]), int(row[4])) for row in rows]
    last = {day.segment: day.arr_cents for day in days}
    names = sorted(last, key=lambda name: (-last[name], name))
    ordered = sorted(days, key=lambda each: (names.index(each.segment), each.day))
    counted_at = max((row[2] for row in rows), default=None)
    basis = Basis(policy, len({day.day for day in days}), "days", counted_at)
    return SegmentSeries(currency, tuple(names), tuple(ordered), basis, None if days else NOTHING_YET)


@query(Permission.REVENUE_READ)
def movements_by_segment(
    view: View, since: date, until: date, by: str, currency: str = "USD", policy: Policy = HOUSE
) -> SegmentMonths:
    """What moved in each segment, by month from that of `since` to that of `until`. One statement.

    Raises Invalid for what is no segment.
    """
    names = tuple(Moved.__dataclass_fields__)
    sums = [func.sum(getattr(MetricDay, name), type_=TotalCents) for name in names]
    rows = view.session.execute(_by_day(month_start(since), until, by, currency, policy, *sums)).all()
    in_order = sorted(rows, key=lambda row: (month_start(row[0]), row[1] or _UNKNOWN))
    months = tuple(
        SegmentMonth(
            month=month,
            segment=segment,
            currency=currency,
            **{name: sum(int(row[3 + n]) for row in inside) for n, name in enumerate(names)},
        )
        for (month, segment), rows_of in groupby(
            in_order, key=lambda row: (month_start(row[0]), row[1] or _UNKNOWN)
        )
        for inside in [list(rows_of)]
    )
    basis = Basis(policy, len({row[0] for row in rows}), "days", max((row[2] for row in rows), default=None))
    return SegmentMonths(months, basis, None if months else NOTHING_YET)


def _by_day(since: date, until: date, by: str, currency: str, policy: Policy, *sums: Any) -> AnySelect:
    if by not in _COLUMNS:
        raise Invalid(f"Segments are {', '.join(CHOICES)}, not “{by[:40]}”.")
    segment = _COLUMNS[by]
    return (
        select(MetricDay.day, segment.label("segment"), func.max(MetricDay.computed_at), *sums)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == MetricDay.plan_id)
        .where(
            MetricDay.day.between(since, until),
            MetricDay.policy == policy.name,
            MetricDay.currency == currency,
            MetricDay.plan_id != "",
        )
        .group_by(MetricDay.day, segment)
        .order_by(MetricDay.day)
    )
