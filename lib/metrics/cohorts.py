"""Cohorts: the couples that first paid in one month, and what became of them and of their money since.

A cohort's age is in calendar months: age 0 is the end of its own month, age n the end of the nth month after
it. Who joined and left in the same month is in the cohort and no longer there at age 0. A cell whose month is
not over is not mature: it shows what stands so far. Averages are made from mature cells alone.

Everything is read from `admin_cohort_months`: one statement for each function.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import func, select

from lib.core.access import Permission
from lib.core.moments import month_bounds
from lib.core.work import View, query
from lib.metrics.figure import Basis, share_of
from lib.metrics.policies import HOUSE, Policy
from lib.models import CohortMonth, SubscriptionPlan

NOTHING_YET: Final = (
    "No cohort was counted for this choice. The worker counts cohorts after the days; "
    "`python -m lib jobs run cohorts` does it now."
)
VIAS: Final = ("organic", "referral", "paid_ad", "social", "partner", "gift")
"""How couples come, by the app's own codes."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cohort at one age, as of the end of `month` or, while that is not over, of the last count.

    `logo` is couples that pay / couples that joined, `revenue` annualised cents now / when they joined; None
    where there is nothing to divide by.
    """

    age: int
    month: date
    couples: int
    arr_cents: int
    logo: Fraction | None
    revenue: Fraction | None
    mature: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """The couples that first paid in the month `cohort`: how many, at what, and one cell for each age."""

    cohort: date
    joined: int
    opening_arr_cents: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Average:
    """All cohorts that are mature at one age, as if they were one.

    `logo` is weighted by couples and stands on `joined` of them in `cohorts` cohorts; `revenue` is weighted
    by opening revenue and stands on `opening_arr_cents`.
    """

    age: int
    logo: Fraction | None
    revenue: Fraction | None
    cohorts: int
    joined: int
    opening_arr_cents: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Cohorts in the order of time, with their averages by age; `why_not` when there is none at all."""

    currency: str
    cohorts: tuple[Cohort, ...]
    averages: tuple[Average, ...]
    basis: Basis
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Worth:
    """What a cohort has brought in by one age: cents paid and cents paid back since it began.

    `per_couple` is their difference / couples that joined, in cents; None of nobody.
    """

    age: int
    month: date
    paid_cents: int
    refunded_cents: int
    per_couple: Fraction | None
    mature: bool


@dataclass(frozen=True, slots=True)
class CohortWorth:
    """One cohort's realised lifetime value by age."""

    cohort: date
    joined: int
    cells: tuple[Worth, ...]


@dataclass(frozen=True, slots=True)
class AverageWorth:
    """Realised value of all cohorts that are mature at an age, weighted by couples."""

    age: int
    per_couple: Fraction | None
    cohorts: int
    joined: int


@dataclass(frozen=True, slots=True)
class RealisedLtv:
    """Money in less refunds for each couple that joined, by cohort and age; `why_not` when there is none."""

    currency: str
    cohorts: tuple[CohortWorth, ...]
    averages: tuple[AverageWorth, ...]
    basis: Basis
    why_not: str | None

    @property
    def so_far(self) -> Fraction | None:
        """What each couple that ever joined has brought in so far, in cents; None while nobody has."""
        newest = [
            (each.joined, each.cells[-1].per_couple)
            for each in self.cohorts
            if each.cells and each.cells[-1].per_couple is not None
        ]
        joined = sum(number for number, _ in newest)
        return sum(number * (worth or 0) for number, worth in newest) / Fraction(joined) if joined else None


@query(Permission.REVENUE_READ)
def retention_by_cohort(
    view: View,
    since: date | None = None,
    until: date | None = None,
    currency: str = "USD",
    policy: Policy = HOUSE,
    *,
    plan_id: str | None = None,
    joined_via: str | None = None,
) -> Retention:
    """Logo and revenue retention of the cohorts that began from `since` to `until`, exact.

    `plan_id`: only couples that joined with this plan; `joined_via`: only those that came this way (a code of
    `VIAS`, or "" for those of whom it is not known).
    """
    rows = _rows(view, since, until, currency, policy, plan_id, joined_via)
    cohorts = tuple(_cohort(cohort, months, policy.zone) for cohort, months in rows.items())
    return Retention(
        currency,
        cohorts,
        tuple(_average(age, cells) for age, cells in _by_age(cohorts, lambda each: each.cells)),
        _basis(policy, cohorts, rows),
        None if cohorts else NOTHING_YET,
    )


@query(Permission.REVENUE_READ)
def realised_ltv(
    view: View,
    since: date | None = None,
    until: date | None = None,
    currency: str = "USD",
    policy: Policy = HOUSE,
    *,
    plan_id: str | None = None,
    joined_via: str | None = None,
) -> RealisedLtv:
    """Money in (everything that couples paid for) less refunds, for each couple that joined, by age.

    Money that a couple paid before it first paid for a subscription stands at age 0. The choice is that of
    `retention_by_cohort`.
    """
    rows = _rows(view, since, until, currency, policy, plan_id, joined_via)
    cohorts = tuple(_worth(cohort, months, policy.zone) for cohort, months in rows.items())
    return RealisedLtv(
        currency,
        cohorts,
        tuple(_average_worth(age, cells) for age, cells in _by_age(cohorts, lambda each: each.cells)),
        _basis(policy, cohorts, rows),
        None if cohorts else NOTHING_YET,
    )


@query(Permission.REVENUE_READ)
def plans(view: View) -> dict[str, str]:
    """The plans with which a couple can have joined, by id, with their names and billing periods."""
    rows = view.session.execute(
        select(SubscriptionPlan.id, SubscriptionPlan.plan_name, SubscriptionPlan.billing_period).order_by(
            SubscriptionPlan.sort_order, SubscriptionPlan.id
        )
    )
    return {row.id: f"{row.plan_name}, {row.billing_period}" for row in rows}


def _rows(
    view: View,
    since: date | None,
    until: date | None,
    currency: str,
    policy: Policy,
    plan_id: str | None,
    joined_via: str | None,
) -> dict[date, list[Any]]:
    """The months of each cohort in order, each with its sums over the chosen parts."""
    table = CohortMonth
    names = (
        table.joined_couples,
        table.opening_arr_cents,
        table.couples_change,
        table.arr_change_cents,
        table.paid_cents,
        table.refunded_cents,
    )
    statement = (
        select(
            table.cohort,
            table.month,
            *(func.sum(column).label(column.key) for column in names),
            func.max(table.computed_at).label("computed_at"),
        )
        .where(table.policy == policy.name, table.currency == currency)
        .group_by(table.cohort, table.month)
        .order_by(table.cohort, table.month)
    )
    if since:
        statement = statement.where(table.cohort >= since.replace(day=1))
    if until:
        statement = statement.where(table.cohort <= until)
    if plan_id is not None:
        statement = statement.where(table.plan_id == plan_id)
    if joined_via is not None:
        statement = statement.where(table.joined_via == joined_via)
    found: dict[date, list[Any]] = defaultdict(list)
    for row in view.session.execute(statement):
        found[row.cohort].append(row)
    return found


def _cohort(cohort: date, months: Sequence[Any], zone: str) -> Cohort:
    joined, opening = int(months[0].joined_couples), int(months[0].opening_arr_cents)
    couples = accumulate(int(month.couples_change) for month in months)
    arr = accumulate(int(month.arr_change_cents) for month in months)
    cells = tuple(
        Cell(
            age,
            month.month,
            standing,
            cents,
            share_of(standing, joined),
            share_of(cents, opening),
            _is_over(month.month, month.computed_at, zone),
        )
        for age, (month, standing, cents) in enumerate(zip(months, couples, arr, strict=True))
    )
    return Cohort(cohort, joined, opening, cells)


def _worth(cohort: date, months: Sequence[Any], zone: str) -> CohortWorth:
    joined = int(months[0].joined_couples)
    paid = accumulate(int(month.paid_cents) for month in months)
    refunded = accumulate(int(month.refunded_cents) for month in months)
    cells = tuple(
        Worth(
            age,
            month.month,
            money_in,
            back,
            share_of(money_in - back, joined),
            _is_over(month.month, month.computed_at, zone),
        )
        for age, (month, money_in, back) in enumerate(zip(months, paid, refunded, strict=True))
    )
    return CohortWorth(cohort, joined, cells)


def _by_age(cohorts: Sequence[Any], cells: Callable[[Any], Sequence[Any]]) -> list[tuple[int, list[Any]]]:
    """For each age, the cohorts that are mature at it, each with its cell; also ages without any."""
    oldest = max((len(cells(cohort)) for cohort in cohorts), default=0)
    return [
        (
            age,
            [
                (cohort, cells(cohort)[age])
                for cohort in cohorts
                if len(cells(cohort)) > age and cells(cohort)[age].mature
            ],
        )
        for age in range(oldest)
    ]


def _average(age: int, mature: Sequence[tuple[Cohort, Cell]]) -> Average:
    joined = sum(cohort.joined for cohort, _ in mature)
    opening = sum(cohort.opening_arr_cents for cohort, _ in mature)
    return Average(
        age,
        share_of(sum(cell.couples for _, cell in mature), joined),
        share_of(sum(cell.arr_cents for _, cell in mature), opening),
        len(mature),
        joined,
        opening,
    )


def _average_worth(age: int, mature: Sequence[tuple[CohortWorth, Worth]]) -> AverageWorth:
    joined = sum(cohort.joined for cohort, _ in mature)
    kept = sum(cell.paid_cents - cell.refunded_cents for _, cell in mature)
    return AverageWorth(age, share_of(kept, joined), len(mature), joined)


def _is_over(month: date, computed_at: datetime, zone: str) -> bool:
    return computed_at >= month_bounds(month, zone)[1]


def _basis(policy: Policy, cohorts: Sequence[Any], rows: dict[date, list[Any]]) -> Basis:
    newest = max((month.computed_at for months in rows.values() for month in months), default=None)
    return Basis(policy, sum(cohort.joined for cohort in cohorts), "couples", newest)
