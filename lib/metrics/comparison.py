"""A period beside an earlier one: which day and which month stand beside which, and how they differ.

Days are paired by their place in the period (the previous one), or by their date a year before; months
likewise. What was never counted has nothing beside it: None, never 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal, get_args

from lib.core import money
from lib.core.listing import Column
from lib.core.moments import month_start
from lib.metrics.figure import Basis, Figure
from lib.metrics.series import Month, MrrDay

Comparing = Literal["nothing", "previous period", "previous year"]
CHOICES: Final[tuple[Comparing, ...]] = get_args(Comparing)
DAY_COLUMNS: Final = (
    Column("day", "Day", "day"),
    Column("mrr_cents", "MRR", "money"),
    Column("earlier_day", "Compared with", "day"),
    Column("earlier_mrr_cents", "MRR then", "money"),
    Column("change_cents", "Change", "money"),
    Column("growth", "Growth", "percent"),
)
MONTH_COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("net_cents", "Net change of MRR", "money"),
    Column("churn", "Customer churn", "percent"),
    Column("earlier_month", "Compared with", "day"),
    Column("earlier_net_cents", "Net change then", "money"),
    Column("earlier_churn", "Churn then", "percent"),
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier period that one from `since` to `until` is compared with."""

    comparing: Comparing
    since: date
    until: date

    @property
    def first(self) -> date:
        """Its first day."""
        return self.of_day(self.since)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.of_day(self.until)

    def of_day(self, day: date) -> date:
        """The day that stands beside a day; 28 February beside a 29th."""
        if self.comparing == "previous year":
            return _a_year_before(day)
        return day - (self.until - self.since + timedelta(days=1))

    def of_month(self, month: date) -> date:
        """The first day of the month that stands beside a month."""
        back = 12 if self.comparing == "previous year" else _months(self.since, self.until) + 1
        number = month.year * 12 + month.month - 1 - back
        return date(number // 12, number % 12 + 1, 1)

    @property
    def months_since(self) -> date:
        """The first of the months that are compared with."""
        return self.of_month(month_start(self.since))

    @property
    def months_until(self) -> date:
        """The last day of them."""
        after = self.of_month(month_start(self.until) + timedelta(days=32))
        return month_start(after) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayBeside:
    """MRR of a day, in cents, and of the earlier day beside it; `growth` is a share of the earlier one."""

    day: date
    currency: str
    mrr_cents: int
    earlier_day: date
    earlier_mrr_cents: int | None
    change_cents: int | None
    growth: Fraction | None


@dataclass(frozen=True, slots=True)
class MonthBeside:
    """What a month changed, in cents of MRR, and its churn, with the earlier month beside it."""

    month: date
    currency: str
    net_cents: int
    churn: Fraction | None
    earlier_month: date
    earlier_net_cents: int | None
    earlier_churn: Fraction | None


def earlier(comparing: Comparing, since: date, until: date) -> Earlier | None:
    """The period to compare one with; None for `nothing`."""
    return None if comparing == "nothing" else Earlier(comparing, since, until)


def days_beside(days: Sequence[MrrDay], before: Sequence[MrrDay], period: Earlier) -> tuple[DayBeside, ...]:
    """Each day with the earlier one that stands beside it."""
    known = {each.day: each for each in before}
    return tuple(_day(day, period.of_day(day.day), known.get(period.of_day(day.day))) for day in days)


def months_beside(
    months: Sequence[Month], before: Sequence[Month], period: Earlier
) -> tuple[MonthBeside, ...]:
    """Each month with the earlier one that stands beside it."""
    known = {each.month: each for each in before}
    return tuple(
        MonthBeside(
            month.month,
            month.currency,
            money.monthly(month.net_arr_cents),
            month.churn,
            period.of_month(month.month),
            None if then is None else money.monthly(then.net_arr_cents),
            None if then is None else then.churn,
        )
        for month in months
        for then in [known.get(period.of_month(month.month))]
    )


def growth(now: MrrDay | None, then: MrrDay | None, basis: Basis) -> dict[str, Figure]:
    """By how much `mrr`, `couples` and `arpa` grew from one day to another: shares of what they were.

    Each is None, with the sentence, where one of the days was not counted or there was nothing to grow from.
    """
    return {
        name: _grown(value(now), value(then), basis)
        for name, value in (
            ("mrr", lambda day: None if day is None else Fraction(day.arr_cents, 12)),
            ("couples", lambda day: None if day is None else Fraction(day.couples)),
            ("arpa", arpa),
        )
    }


def arpa(day: MrrDay | None) -> Fraction | None:
    """MRR for each paying couple, in cents; None for a day without couples."""
    return Fraction(day.arr_cents, 12 * day.couples) if day and day.couples else None


def _grown(now: Fraction | None, then: Fraction | None, basis: Basis) -> Figure:
    if now is None or then is None:
        return Figure(None, "share", basis, why_not="That time was not counted: nothing to compare with.")
    if not then:
        return Figure(None, "share", basis, why_not="It was nothing then, so there is no rate.")
    return Figure((now - then) / then, "share", basis)


def _day(day: MrrDay, beside: date, then: MrrDay | None) -> DayBeside:
    change = None if then is None else day.mrr_cents - then.mrr_cents
    grown = Fraction(day.arr_cents - then.arr_cents, then.arr_cents) if then and then.arr_cents else None
    return DayBeside(
        day.day, day.currency, day.mrr_cents, beside, then.mrr_cents if then else None, change, grown
    )


def _months(since: date, until: date) -> int:
    return (until.year - since.year) * 12 + until.month - since.month


def _a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
