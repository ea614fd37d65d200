"""Cohorts as rows of a table and of its CSV: one for each cell, and one for each age of the averages."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.listing import AnySelect, Column, listing
from lib.metrics.cohorts import RealisedLtv, Retention
from lib.metrics.figure import rounded
from lib.models import CohortCheck

RETENTION_COLUMNS: Final = (
    Column("cohort", "Cohort", "day"),
    Column("age", "Age in months", "count"),
    Column("state", "Month is", "status"),
    Column("joined", "Joined", "count"),
    Column("couples", "Pay", "count"),
    Column("logo", "Couples kept", "percent"),
    Column("opening_arr_cents", "ARR at first", "money"),
    Column("arr_cents", "ARR", "money"),
    Column("revenue", "Revenue kept", "percent"),
)
WORTH_COLUMNS: Final = (
    Column("cohort", "Cohort", "day"),
    Column("age", "Age in months", "count"),
    Column("state", "Month is", "status"),
    Column("joined", "Joined", "count"),
    Column("paid_cents", "Paid", "money"),
    Column("refunded_cents", "Paid back", "money"),
    Column("per_couple_cents", "For each couple", "money"),
)
AVERAGE_COLUMNS: Final = (
    Column("age", "Age in months", "count"),
    Column("logo", "Couples kept, weighted by couples", "percent"),
    Column("joined", "Couples it stands on", "count"),
    Column("revenue", "Revenue kept, weighted by opening revenue", "percent"),
    Column("opening_arr_cents", "Opening ARR it stands on", "money"),
    Column("cohorts", "Cohorts that are mature", "count"),
)


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """One cell with its cohort; `state` is `over`, or `so_far` while its month goes on."""

    cohort: date
    age: int
    state: str
    joined: int
    couples: int
    logo: Fraction | None
    currency: str
    opening_arr_cents: int
    arr_cents: int
    revenue: Fraction | None


@dataclass(frozen=True, slots=True)
class WorthRow:
    """One cell of realised value with its cohort; `per_couple_cents` is rounded once, None of nobody."""

    cohort: date
    age: int
    state: str
    joined: int
    currency: str
    paid_cents: int
    refunded_cents: int
    per_couple_cents: int | None


def retention_rows(found: Retention) -> list[RetentionRow]:
    """Every cell, the newest cohort first."""
    return [
        RetentionRow(
            cohort.cohort,
            cell.age,
            _state(cell.mature),
            cohort.joined,
            cell.couples,
            cell.logo,
            found.currency,
            cohort.opening_arr_cents,
            cell.arr_cents,
            cell.revenue,
        )
        for cohort in reversed(found.cohorts)
        for cell in cohort.cells
    ]


def worth_rows(found: RealisedLtv) -> list[WorthRow]:
    """Every cell, the newest cohort first."""
    return [
        WorthRow(
            cohort.cohort,
            cell.age,
            _state(cell.mature),
            cohort.joined,
            found.currency,
            cell.paid_cents,
            cell.refunded_cents,
            None if cell.per_couple is None else rounded(cell.per_couple),
        )
        for cohort in reversed(found.cohorts)
        for cell in cohort.cells
    ]


@listing(
    Permission.REVENUE_READ,
    columns=(
        Column("cohort", "Signed up in", "day"),
        Column("people", "Rows", "count"),
        Column("missing", "People without a row", "count"),
        Column("differing", "Wrong rows", "count"),
        Column("stored_revenue_cents", "Revenue, stored", "money"),
        Column("revenue_cents", "Revenue, by payments", "money"),
        Column("difference_cents", "Difference", "money"),
        Column("stored_active", "Active, stored", "count"),
        Column("active", "Active, by subscriptions", "count"),
        Column("written", "Corrected", "flag"),
        Column("compared_at", "Compared at", "moment"),
    ),
)
def stored_by_the_app() -> AnySelect:
    """What `user_cohorts` said of each month of sign-up when it was last compared, the newest first."""
    check = CohortCheck
    return select(
        check.cohort,
        check.people,
        check.missing,
        check.differing,
        check.stored_revenue_cents,
        check.revenue_cents,
        (check.stored_revenue_cents - check.revenue_cents).label("difference_cents"),
        check.stored_active,
        check.active,
        check.written,
        check.compared_at,
    ).order_by(check.cohort.desc())


def _state(mature: bool) -> str:
    return "over" if mature else "so_far"
