"""MRR of the next twelve months by exponential smoothing, and how far off it was when it was tried before.

The method is statsmodels' `ETSModel` with additive errors and a damped additive trend (ETS(A,Ad,N)): the
level and the trend are smoothed, the newest months weigh most, and the trend flattens out with time. Its
state-space form gives the range. There is no season in it: that would need several whole years.

Only complete months count. The back-test stands at the end of each earlier month, fits the method anew to
what was known then, and compares. Beside it stands the naive forecast, that MRR stays as it is.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final

import pandas as pd

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.moments import next_month
from lib.core.work import View, query
from lib.metrics import revenue
from lib.metrics.figure import Basis, Figure, percent
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.series import Month

AHEAD: Final = 12
NEEDED: Final = 12
"""Complete months that a fit needs: it has five parameters."""
LOOKED_AT: Final = timedelta(days=5 * 366)
TRIED: Final = 24
"""Months from which the back-test forecasts, at most: the newest."""
HORIZONS: Final = (1, 3, 6, 12)
WITHIN: Final = Fraction(80, 100)
"""How much of what may come the range holds, if the method is right."""

COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("kind", "What"),
    Column("mrr_cents", "MRR at its end", "money"),
    Column("low_cents", "80 % range from", "money"),
    Column("high_cents", "to", "money"),
)
ERROR_COLUMNS: Final = (
    Column("ahead", "Months ahead", "count"),
    Column("forecasts", "Tried", "count"),
    Column("mape", "Error", "percent"),
    Column("naive_mape", "Naive error", "percent"),
    Column("mase", "MASE", "decimal"),
    Column("naive_mase", "Naive MASE", "decimal"),
    Column("inside", "In the range", "percent"),
)


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """MRR at the end of one month: `counted`, or `forecast` with its range."""

    month: date
    currency: str
    kind: str
    mrr_cents: int
    low_cents: int | None = None
    high_cents: int | None = None


@dataclass(frozen=True, slots=True)
class PastError:
    """How far off forecasts of so many months ahead were, of the method and of the naive one.

    `mape` is the mean of |error| / true value; `mase` the mean of |error| in units of the mean step from
    month to month before the forecast. `inside` is the share of true values within the range. None when no
    forecast of this length could be tried.
    """

    ahead: int
    forecasts: int
    mape: Fraction | None = None
    naive_mape: Fraction | None = None
    mase: Fraction | None = None
    naive_mase: Fraction | None = None
    inside: Fraction | None = None

    @property
    def better(self) -> bool | None:
        """Whether the method was closer than the naive forecast."""
        if self.mape is None or self.naive_mape is None:
            return None
        return self.mape < self.naive_mape


@dataclass(frozen=True, slots=True)
class Forecast:
    """Counted months, then the forecast ones, and the errors of the past; `why_not` when there is none."""

    currency: str
    months: tuple[MonthEnd, ...]
    errors: tuple[PastError, ...]
    basis: Basis
    why_not: str | None = None

    @property
    def coming(self) -> tuple[MonthEnd, ...]:
        """The forecast months alone."""
        return tuple(month for month in self.months if month.kind == "forecast")

    def in_months(self, ahead: int) -> Figure:
        """MRR so many months after the newest complete one (0: that one itself)."""
        known = [month for month in self.months if month.kind == "counted"]
        line = (*known[-1:], *self.coming)
        value = line[ahead].mrr_cents if ahead < len(line) else None
        return Figure(value, "money", self.basis, self.currency, self.why_not)

    def range_in(self, ahead: int) -> str | None:
        """The range of a forecast month in words: `$900.00 to $1,100.00`."""
        if ahead > len(self.coming):
            return None
        month = self.coming[ahead - 1]
        low, high = (money.show(cents, self.currency) for cents in (month.low_cents, month.high_cents))
        return f"80 % range: {low} to {high}"

    @property
    def verdict(self) -> str:
        """What the back-test says about this forecast, in a sentence or two."""
        tried = [error for error in self.errors if error.better is not None]
        if not tried:
            return (
                "No earlier month has enough history before it to try the method on, so its error is unknown."
            )
        worse = [str(error.ahead) for error in tried if not error.better]
        if not worse:
            ahead = _ahead([str(error.ahead) for error in tried])
            said = f"{ahead} the method was closer than assuming that MRR stays as it is."
        else:
            said = (
                f"{_ahead(worse)} assuming that MRR stays as it is was no further off: "
                "the method adds nothing there."
            )
        share = tried[0].inside or Fraction(0)
        if share >= WITHIN:
            return said
        held = f"one month ahead it held {percent(share)} of the true values."
        return f"{said} The 80 % range is too narrow: {held}"


@query(Permission.REVENUE_READ)
def mrr_forecast(view: View, currency: str = "USD", policy: Policy = HOUSE) -> Forecast:
    """The next twelve months by what the complete months up to now were. One statement, much arithmetic."""
    today = view.now.date()
    series = revenue.churn_by_month(view, today - LOOKED_AT, today, currency, policy)
    known = unbroken(series.months)
    basis = Basis(policy, len(known), "complete months", series.basis.computed_at)
    counted = tuple(
        MonthEnd(month.month, currency, "counted", money.monthly(month.closing_arr_cents)) for month in known
    )
    amounts = [month.mrr_cents for month in counted]
    if why_not := series.why_not or _too_little(amounts):
        return Forecast(currency, counted, (), basis, why_not)
    months, month = [], known[-1].month
    for middle, low, high in fitted(amounts, AHEAD):
        month = next_month(month)
        months.append(MonthEnd(month, currency, "forecast", middle, low, high))
    return Forecast(currency, (*counted, *months), back_test(amounts), basis)


def unbroken(months: Sequence[Month]) -> tuple[Month, ...]:
    """The newest complete months without a gap, from the first in which something recurred."""
    found: list[Month] = []
    for month in reversed([month for month in months if month.complete]):
        if month.closing_arr_cents == 0 or (found and next_month(month.month) != found[-1].month):
            break
        found.append(month)
    return tuple(reversed(found))


def fitted(amounts: Sequence[int], ahead: int) -> list[tuple[int, int, int]]:
    """Fit the method to month ends (cents): for each month ahead its middle, and the range's two ends.

    None of them is below zero: MRR cannot be.
    """
    # Seconds to import, and wanted on this page alone.
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    known = pd.Series([float(cents) for cents in amounts])
    with warnings.catch_warnings():
        # A search that stops early still gives a fit; the back-test says what such fits are worth.
        warnings.simplefilter("ignore")
        result = ETSModel(known, error="add", trend="add", damped_trend=True).fit(disp=False)
        predicted = result.get_prediction(start=len(known), end=len(known) + ahead - 1)
        table = predicted.summary_frame(alpha=float(1 - WITHIN))
    columns = (table[name].tolist() for name in ("mean", "pi_lower", "pi_upper"))
    return [
        (max(0, round(middle)), max(0, round(low)), max(0, round(high)))
        for middle, low, high in zip(*columns, strict=True)
    ]


def back_test(amounts: Sequence[int]) -> tuple[PastError, ...]:
    """Forecast from each earlier month with what was known then; the errors by months ahead."""
    origins = range(max(NEEDED, len(amounts) - TRIED), len(amounts))
    tries: dict[int, list[_Try]] = {ahead: [] for ahead in HORIZONS}
    for origin in origins:
        before = amounts[:origin]
        if _too_little(before):
            continue
        step = Fraction(sum(abs(later - earlier) for earlier, later in pairwise(before)), len(before) - 1)
        coming = fitted(before, min(AHEAD, len(amounts) - origin))
        for ahead in HORIZONS:
            if ahead <= len(coming):
                middle, low, high = coming[ahead - 1]
                true = amounts[origin + ahead - 1]
                tries[ahead].append(
                    _Try(true, abs(middle - true), abs(before[-1] - true), step, low <= true <= high)
                )
    return tuple(_error(ahead, found) for ahead, found in tries.items())


@dataclass(frozen=True, slots=True)
class _Try:
    true: int
    off: int
    naive_off: int
    step: Fraction
    inside: bool


def _error(ahead: int, tries: Sequence[_Try]) -> PastError:
    if not tries:
        return PastError(ahead, 0)
    return PastError(
        ahead,
        len(tries),
        mape=_mean([Fraction(each.off, each.true) for each in tries if each.true]),
        naive_mape=_mean([Fraction(each.naive_off, each.true) for each in tries if each.true]),
        mase=_mean([each.off / each.step for each in tries]),
        naive_mase=_mean([each.naive_off / each.step for each in tries]),
        inside=_mean([Fraction(each.inside) for each in tries]),
    )


def _mean(values: Sequence[Fraction]) -> Fraction | None:
    """To four decimals: a few dozen tries say no more, and a table is as wide as its digits."""
    return round(sum(values, Fraction(0)) / len(values), 4) if values else None


def _too_little(amounts: Sequence[int]) -> str | None:
    """Why there is nothing to fit, or None."""
    if len(amounts) < NEEDED:
        return (
            f"A forecast needs {NEEDED} complete months in a row; there are {len(amounts)}. "
            "The month that is running does not count."
        )
    if len(set(amounts)) == 1:
        return "MRR was the same at the end of every month, so there is nothing to forecast from."
    return None


def _ahead(numbers: Sequence[str]) -> str:
    listed = " and ".join(filter(None, (", ".join(numbers[:-1]), numbers[-1])))
    return f"{listed} {'month' if listed == '1' else 'months'} ahead,"
