"""Amounts of several currencies in one: pure arithmetic, exact until each amount is rounded once.

Amounts of different currencies are never added as they are. Each currency's month goes into the reporting
currency by itself, and only then are they added up:

    opening     at the rate of the day at whose end it stood: the last one of the month before
    movements   at the rate of the month's last day
    closing     at the rate of the month's last day
    fx          what is left: closing − opening − net movement, so that the month ties on integers

A month's closing is the next month's opening to the cent. A rate that is missing is a sentence, never 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from lib.core import money
from lib.core.errors import Invalid
from lib.core.moments import next_month
from lib.metrics.figure import rounded
from lib.metrics.series import Month, Moved

SMALLEST: Final = Decimal("0.000001")
LARGEST: Final = Decimal("1000000")
BEGAN_HERE: Final = (
    "Counting began in this month, so nobody knows what stood at its start or what rates moved."
)
_MOST_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Rate:
    """From `valid_from` on, one unit of `currency` is worth `rate` units of the reporting currency."""

    currency: str
    valid_from: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """What is known of rates into one reporting currency; a rate holds until the next one of its currency."""

    reporting: str
    known: Mapping[str, Sequence[Rate]]

    @classmethod
    def of(cls, reporting: str, rates: Iterable[Rate]) -> "Rates":
        """Rates in any order, one for each currency and day."""
        known: dict[str, list[Rate]] = {}
        for rate in sorted(rates, key=lambda each: each.valid_from):
            known.setdefault(rate.currency, []).append(rate)
        return cls(reporting, known)

    def on(self, currency: str, day: date) -> Decimal | None:
        """The rate that holds on a day; 1 for the reporting currency itself, None where none was entered."""
        if currency == self.reporting:
            return Decimal(1)
        held = [each.rate for each in self.known.get(currency, ()) if each.valid_from <= day]
        return held[-1] if held else None

    def missing(self, currency: str, day: date) -> str | None:
        """The sentence for a rate that nobody entered; None where there is one."""
        if self.on(currency, day) is not None:
            return None
        return (
            f"There is no exchange rate from {currency} to {self.reporting} for {day}. "
            "Enter one under Month close, Exchange rates."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedMonth(Moved):
    """One month of all currencies in the reporting currency, in annualised cents, and what the rates moved.

    Without a rate there are no amounts: `opening_arr_cents`, `fx_arr_cents` and `closing_arr_cents` are None,
    the movements are zero, and `why_not` says which rate is missing. Couples are counted in each currency, so
    that one who pays in two counts twice.
    """

    month: date
    currency: str
    opening_arr_cents: int | None
    fx_arr_cents: int | None
    closing_arr_cents: int | None
    couples_at_start: int | None
    complete: bool
    why_not: str | None

    @property
    def ties(self) -> bool | None:
        """Whether opening, movements and fx give the closing, to the cent; None where one is not known."""
        if self.opening_arr_cents is None or self.closing_arr_cents is None or self.fx_arr_cents is None:
            return None
        return self.opening_arr_cents + self.net_arr_cents + self.fx_arr_cents == self.closing_arr_cents


def converted(cents: int, currency: str, rate: Decimal, reporting: str) -> int:
    """Minor units of one currency in another's, rounded half up once: ¥1,000 at 0.0067 -> $6.70."""
    places = money.decimals(reporting) - money.decimals(currency)
    return rounded(cents * Fraction(rate) * Fraction(10) ** places)


def reported(months: Sequence[Month], rates: Rates) -> ReportedMonth:
    """The months of each currency, all of one calendar month, as one month in the reporting currency.

    A currency that was first counted in this month, while another was counted before it, opened with nothing.
    """
    assert months, "a month has a currency at least"
    if any(each.opening_arr_cents is not None for each in months):
        months = [_opened(each) for each in months]
    month, last = months[0].month, next_month(months[0].month) - timedelta(days=1)
    missing = [sentence for each in months if (sentence := _missing(each, rates, last))]
    if missing:
        return _unknown(months, rates.reporting, " ".join(dict.fromkeys(missing)))
    each_reported = [_one(each, rates, last) for each in months]
    openings = [each.opening_arr_cents for each in each_reported]
    opening = None if None in openings else sum(filter(None, openings))
    closing = sum(each.closing_arr_cents or 0 for each in each_reported)
    moved = {name: sum(getattr(each, name) for each in each_reported) for name in _moved_names()}
    net = Moved(**moved).net_arr_cents
    return ReportedMonth(
        month=month,
        currency=rates.reporting,
        opening_arr_cents=opening,
        fx_arr_cents=None if opening is None else closing - opening - net,
        closing_arr_cents=closing,
        couples_at_start=_couples(months),
        complete=all(each.complete for each in months),
        why_not=BEGAN_HERE if opening is None else None,
        **moved,
    )


def checked(text: str) -> Decimal:
    """The rate that a person typed, exactly. Raises Invalid for what can be no rate."""
    try:
        rate = Decimal(text.strip())
    except InvalidOperation:
        raise Invalid(f"“{text[:40]}” is not a rate. Write it like 1.0837.") from None
    if not rate.is_finite() or not SMALLEST <= rate <= LARGEST:
        raise Invalid(f"A rate lies between {SMALLEST} and {LARGEST:,}; “{text[:40]}” does not.")
    if len(rate.as_tuple().digits) > _MOST_DIGITS:
        raise Invalid(f"A rate has {_MOST_DIGITS} digits at most; “{text[:40]}” has more.")
    return rate


def _opened(month: Month) -> Month:
    if month.opening_arr_cents is not None:
        return month
    return replace(month, opening_arr_cents=0, couples_at_start=0)


def _one(month: Month, rates: Rates, last: date) -> ReportedMonth:
    at_end = rates.on(month.currency, last)
    at_start = rates.on(month.currency, _day_before(month))
    assert at_end is not None

    def into(cents: int, rate: Decimal) -> int:
        return converted(cents, month.currency, rate, rates.reporting)

    moved = {
        name: into(value, at_end) if name.endswith("_cents") else value
        for name in _moved_names()
        for value in [getattr(month, name)]
    }
    opening = month.opening_arr_cents
    # Nothing stood at its beginning, so no rate is needed for it.
    opened = 0 if opening == 0 else None if opening is None or at_start is None else into(opening, at_start)
    return ReportedMonth(
        month=month.month,
        currency=rates.reporting,
        opening_arr_cents=opened,
        fx_arr_cents=None,
        closing_arr_cents=into(month.closing_arr_cents, at_end),
        couples_at_start=month.couples_at_start,
        complete=month.complete,
        why_not=None,
        **moved,
    )


def _missing(month: Month, rates: Rates, last: date) -> str | None:
    if month.opening_arr_cents and (sentence := rates.missing(month.currency, _day_before(month))):
        return sentence
    return rates.missing(month.currency, last)


def _day_before(month: Month) -> date:
    return month.month - timedelta(days=1)


def _unknown(months: Sequence[Month], reporting: str, why_not: str) -> ReportedMonth:
    return ReportedMonth(
        month=months[0].month,
        currency=reporting,
        opening_arr_cents=None,
        fx_arr_cents=None,
        closing_arr_cents=None,
        couples_at_start=_couples(months),
        complete=all(each.complete for each in months),
        why_not=why_not,
    )


def _couples(months: Sequence[Month]) -> int | None:
    counts = [each.couples_at_start for each in months]
    return None if None in counts else sum(filter(None, counts))


def _moved_names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Moved))
