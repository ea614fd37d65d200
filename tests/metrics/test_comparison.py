"""A period beside an earlier one: which days and months stand together, and what is not known then."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from lib.metrics import comparison
from lib.metrics.comparison import Earlier
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE
from lib.metrics.series import Month, MrrDay
from tests.metrics.ledger import NOW

BASIS = Basis(HOUSE, 1, "days", NOW)


def on(day: str, arr: int, couples: int = 1) -> MrrDay:
    return MrrDay(
        day=date.fromisoformat(day),
        currency="USD",
        arr_cents=arr,
        subscriptions=couples,
        couples=couples,
        complete=True,
        computed_at=NOW,
    )


def in_month(month: str, new: int) -> Month:
    return Month(
        month=date.fromisoformat(month),
        currency="USD",
        opening_arr_cents=0,
        closing_arr_cents=new,
        couples_at_start=0,
        complete=True,
        missing_days=0,
        churn=None,
        why_not=None,
        new_arr_cents=new,
    )


@pytest.mark.parametrize(
    ("day", "beside"), [("2026-03-10", "2025-03-10"), ("2028-02-29", "2027-02-28")], ids=["any", "leap day"]
)
def test_a_day_stands_beside_its_date_a_year_before(day: str, beside: str) -> None:
    at = date.fromisoformat(day)
    period = Earlier("previous year", at.replace(day=1), at)

    assert period.of_day(at) == date.fromisoformat(beside)
    assert comparison.earlier("nothing", at, at) is None


def test_the_previous_period_ends_the_day_before_this_one_begins() -> None:
    period = Earlier("previous period", date(2026, 3, 1), date(2026, 3, 10))

    assert (period.first, period.last) == (date(2026, 2, 19), date(2026, 2, 28))


def test_months_of_the_previous_period_are_as_many_and_just_before() -> None:
    period = Earlier("previous period", date(2026, 2, 14), date(2026, 4, 2))

    assert (period.months_since, period.months_until) == (date(2025, 11, 1), date(2026, 1, 31))
    assert Earlier("previous year", date(2026, 2, 14), date(2026, 4, 2)).months_until == date(2025, 4, 30)


def test_a_day_that_was_never_counted_has_nothing_beside_it() -> None:
    period = Earlier("previous year", date(2026, 3, 1), date(2026, 3, 2))
    first, second = comparison.days_beside(
        [on("2026-03-01", 24_000), on("2026-03-02", 36_000)], [on("2025-03-02", 12_000)], period
    )

    assert (first.earlier_mrr_cents, first.change_cents, first.growth) == (None, None, None)
    assert (second.earlier_mrr_cents, second.change_cents, second.growth) == (1_000, 2_000, Fraction(2))


def test_months_carry_what_they_changed_then() -> None:
    period = Earlier("previous year", date(2026, 3, 1), date(2026, 4, 30))
    now = [in_month("2026-03-01", 24_000), in_month("2026-04-01", 12_000)]
    march, april = comparison.months_beside(now, [in_month("2025-04-01", 6_000)], period)

    assert (march.net_cents, march.earlier_net_cents) == (2_000, None)
    assert (april.net_cents, april.earlier_month, april.earlier_net_cents) == (1_000, date(2025, 4, 1), 500)


def test_growth_is_not_computed_from_nothing() -> None:
    now, nothing = on("2026-03-01", 24_000, 2), replace(on("2025-03-01", 0), couples=0)
    grown = comparison.growth(now, nothing, BASIS)

    assert [figure.value for figure in grown.values()] == [None, None, None]
    assert all(figure.why_not for figure in grown.values())
    assert comparison.growth(now, on("2025-03-01", 12_000, 2), BASIS)["arpa"].value == Fraction(1)
