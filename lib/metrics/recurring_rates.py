"""How well revenue holds: retention, quick ratio, lifetime value and churn over the 30 days before a day.

All of it comes from 31 rows of `admin_metric_daily`, read by one statement. The formulas are `rates`'.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.work import View, query
from lib.metrics import rates, revenue
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.rates import Rate
from lib.metrics.series import Moved, MrrDay

WITHIN: Final = timedelta(days=30)
CHURN_COLUMNS: Final = (
    Column("title", "Formula"),
    Column("vendor", "As used by"),
    Column("value", "Churn of 30 days", "percent"),
    Column("definition", "Definition"),
    Column("remark", "Remark"),
)


@dataclass(frozen=True, slots=True)
class NamedRate:
    """A rate as a row of a table: its formula's words, its value (a share of 1) or why there is none."""

    title: str
    vendor: str
    value: Fraction | None
    definition: str
    remark: str | None


@dataclass(frozen=True, slots=True)
class RecurringRates:
    """The rates over the 30 days up to `day`, which is None while nothing was counted.

    `ltv` is in cents of the currency that was asked for. `churn` is customer churn by each vendor's formula.
    """

    day: date | None
    nrr: Rate
    grr: Rate
    quick_ratio: Rate
    ltv: Rate
    churn: tuple[Rate, ...]
    basis: Basis

    @property
    def churn_rows(self) -> tuple[NamedRate, ...]:
        """Churn by formula, one row each."""
        return tuple(
            NamedRate(
                rate.formula.title,
                rate.formula.vendor,
                rate.value,
                rate.formula.definition,
                rate.why_not or rate.remark,
            )
            for rate in self.churn
        )


_CHURN_FORMULAS: Final = (
    rates.CUSTOMER_CHURN,
    rates.CUSTOMER_CHURN_STRIPE,
    rates.CUSTOMER_CHURN_CHARTMOGUL_B2C,
    rates.CUSTOMER_CHURN_REVENUECAT,
)


@query(Permission.REVENUE_READ)
def recurring_rates(view: View, until: date, currency: str = "USD", policy: Policy = HOUSE) -> RecurringRates:
    """The rates over the 30 days before the end of the newest day counted up to `until`.

    Every one is None, with the sentence, where a day of them was never counted.
    """
    series = revenue.mrr_by_day(view, until - 2 * WITHIN, until, currency, policy)
    newest = series.days[-1].day if series.days else None
    if newest is None:
        return _none(None, series.basis, revenue.NOTHING_YET)
    days = [day for day in series.days if day.day >= newest - WITHIN]
    missing = WITHIN.days + 1 - len(days)
    if missing:
        return _none(
            newest, series.basis, f"Of the {WITHIN.days + 1} days that it takes {missing} were not counted."
        )
    return _over(days, series.basis)


def _over(days: list[MrrDay], basis: Basis) -> RecurringRates:
    """The rates of days in order; the first is the one before the period."""
    first, inside, last = days[0], days[1:], days[-1]
    moved = Moved(**{name: sum(getattr(day, name) for day in inside) for name in Moved.__dataclass_fields__})
    churned = rates.customer_churn(moved.churned_couples, first.couples)
    arpa = rates.arpa(Fraction(last.arr_cents, 12), last.couples)
    lost = (first.arr_cents, moved.churn_arr_cents, moved.contraction_arr_cents)
    regained = (moved.expansion_arr_cents, moved.reactivation_arr_cents)
    return RecurringRates(
        last.day,
        nrr=rates.nrr(*lost, *regained),
        grr=rates.grr(*lost),
        quick_ratio=rates.quick_ratio(
            moved.new_arr_cents, *regained, moved.contraction_arr_cents, moved.churn_arr_cents
        ),
        ltv=_lifetime(arpa, churned),
        churn=(
            churned,
            rates.customer_churn_stripe(moved.churned_couples, first.couples, moved.new_couples),
            rates.customer_churn_chartmogul_b2c(
                (day.churned_couples, before.couples) for before, day in zip(days, inside, strict=False)
            ),
            rates.customer_churn_revenuecat(moved.churned_couples, moved.reactivated_couples, first.couples),
        ),
        basis=basis,
    )


def _lifetime(arpa: Rate, churn: Rate) -> Rate:
    if arpa.value is None or churn.value is None:
        return Rate(rates.LTV, None, arpa.why_not or churn.why_not)
    return rates.ltv(arpa.value, churn.value)


def _none(day: date | None, basis: Basis, why_not: str) -> RecurringRates:
    nrr, grr, quick_ratio, ltv, *churn = (
        Rate(formula, None, why_not)
        for formula in (rates.NRR, rates.GRR, rates.QUICK_RATIO, rates.LTV, *_CHURN_FORMULAS)
    )
    return RecurringRates(day, nrr, grr, quick_ratio, ltv, tuple(churn), basis)
