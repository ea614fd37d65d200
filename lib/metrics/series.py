"""The series behind the Revenue page's charts, each row typed, with the columns of its table.

A chart (`figures`), its table and its CSV are made from the same rows.
"""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from lib.core import money
from lib.core.listing import Column
from lib.metrics.figure import Basis

MRR_COLUMNS: Final = (
    Column("day", "Day", "day"),
    Column("mrr_cents", "MRR", "money"),
    Column("couples", "Couples", "count"),
    Column("subscriptions", "Subscriptions", "count"),
    Column("new_couples", "New couples", "count"),
    Column("reactivated_couples", "Reactivated", "count"),
    Column("churned_couples", "Churned", "count"),
    Column("involuntary_churned_couples", "of which involuntary", "count"),
    Column("arr_cents", "ARR", "money"),
    Column("new_arr_cents", "New, annualised", "money"),
    Column("reactivation_arr_cents", "Reactivation, annualised", "money"),
    Column("expansion_arr_cents", "Expansion, annualised", "money"),
    Column("contraction_arr_cents", "Contraction, annualised", "money"),
    Column("churn_arr_cents", "Churn, annualised", "money"),
)
PLAN_COLUMNS: Final = (
    Column("plan", "Plan"),
    Column("billing_period", "Billed"),
    Column("mrr_cents", "MRR", "money"),
    Column("share", "Share of MRR", "percent"),
    Column("subscriptions", "Subscriptions", "count"),
)
MONTH_COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("couples_at_start", "Couples at start", "count"),
    Column("churned_couples", "Churned", "count"),
    Column("churn", "Customer churn", "percent"),
    Column("why_not", "Remark"),
    Column("complete", "Complete", "flag"),
    Column("opening_arr_cents", "Opening ARR", "money"),
    Column("new_arr_cents", "New", "money"),
    Column("reactivation_arr_cents", "Reactivation", "money"),
    Column("expansion_arr_cents", "Expansion", "money"),
    Column("contraction_arr_cents", "Contraction", "money"),
    Column("churn_arr_cents", "Churn", "money"),
    Column("involuntary_churn_arr_cents", "of which involuntary", "money"),
    Column("closing_arr_cents", "Closing ARR", "money"),
)


@dataclass(frozen=True, slots=True)
class Moved:
    """Movements of a day or a month, in annualised cents and in couples.

    None is negative, but for a day on which a couple took back that it came (a policy by which it then
    never did). The involuntary churn is part of the churn.
    """

    new_arr_cents: int = 0
    reactivation_arr_cents: int = 0
    expansion_arr_cents: int = 0
    contraction_arr_cents: int = 0
    churn_arr_cents: int = 0
    new_couples: int = 0
    reactivated_couples: int = 0
    churned_couples: int = 0
    expanded_couples: int = 0
    contracted_couples: int = 0
    involuntary_churn_arr_cents: int = 0
    involuntary_churned_couples: int = 0

    @property
    def net_arr_cents(self) -> int:
        """By how much it moved the total."""
        gained = self.new_arr_cents + self.reactivation_arr_cents + self.expansion_arr_cents
        return gained - self.contraction_arr_cents - self.churn_arr_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class MrrDay(Moved):
    """What recurred at the end of one day, and what moved in it."""

    day: date
    currency: str
    arr_cents: int
    subscriptions: int
    couples: int
    complete: bool
    computed_at: datetime

    @property
    def mrr_cents(self) -> int:
        """The monthly amount, rounded once."""
        return money.monthly(self.arr_cents)


@dataclass(frozen=True, slots=True)
class MrrSeries:
    """Days in order, without those that were never counted; `why_not` when there is none at all."""

    currency: str
    days: tuple[MrrDay, ...]
    basis: Basis
    why_not: str | None


@dataclass(frozen=True, slots=True)
class PlanShare:
    """What one plan and billing period bring in; `share` of the currency's MRR, None when that is nothing."""

    plan_id: str
    plan: str
    billing_period: str
    currency: str
    arr_cents: int
    subscriptions: int
    share: Fraction | None

    @property
    def mrr_cents(self) -> int:
        """The monthly amount, rounded once."""
        return money.monthly(self.arr_cents)


@dataclass(frozen=True, slots=True)
class PlanMix:
    """Plans by what they bring in, the largest first."""

    day: date | None
    currency: str
    plans: tuple[PlanShare, ...]
    basis: Basis
    why_not: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Month(Moved):
    """One month: how it opened, what moved, how it closed (so far), and the customer churn.

    `churn` is the couples that churned in the month / the couples active at its start; None with `why_not`
    where there is nothing to divide by, or days are missing: `missing_days` of it were never counted.
    """

    month: date
    currency: str
    opening_arr_cents: int | None
    closing_arr_cents: int
    couples_at_start: int | None
    complete: bool
    missing_days: int
    churn: Fraction | None
    why_not: str | None

    @property
    def ties(self) -> bool | None:
        """Whether opening and movements give the closing, to the cent; None when the opening is not known."""
        if self.opening_arr_cents is None or self.missing_days:
            return None
        return self.opening_arr_cents + self.net_arr_cents == self.closing_arr_cents


@dataclass(frozen=True, slots=True)
class MonthSeries:
    """Months in order."""

    currency: str
    months: tuple[Month, ...]
    basis: Basis
    why_not: str | None
