"""Money is integer minor units; what a person reads can be typed back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core import money
from lib.core.errors import Invalid

CURRENCIES = ["USD", "eur", "GBP", "jpy", "CHF", "kwd", "BHD"]


@pytest.mark.parametrize(
    ("cents", "currency", "shown"),
    [
        (123450, "USD", "$1,234.50"),
        (-300, "eur", "−€3.00"),
        (120000, "CHF", "1,200.00 CHF"),
        (500, "JPY", "¥500"),
        (1234, "kwd", "1.234 KWD"),
        (0, "GBP", "£0.00"),
        (100, None, "$1.00"),
        (None, "USD", "–"),
    ],
)
def test_an_amount_is_shown_with_its_currency_and_its_decimals(
    cents: int | None, currency: str | None, shown: str
) -> None:
    assert money.show(cents, currency) == shown


@given(st.integers(1, 10**12), st.sampled_from(CURRENCIES))
def test_what_is_shown_can_be_typed(cents: int, currency: str) -> None:
    assert money.parse(money.show(cents, currency), currency) == cents


@given(st.integers(-(10**12), 10**12), st.sampled_from(CURRENCIES))
def test_an_amount_that_was_a_number_in_a_table_is_the_same_again(cents: int, currency: str) -> None:
    assert money.minor(float(money.units(cents, currency)), currency) == cents


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("30", 3000), ("30.00", 3000), (" $1,200.50 ", 120050), ("30 USD", 3000), ("0.01", 1), ("30.0", 3000)],
)
def test_an_amount_may_be_typed_in_many_ways(typed: str, cents: int) -> None:
    assert money.parse(typed, "USD") == cents


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("", "USD"),
        ("ten", "USD"),
        ("30.001", "USD"),
        ("0", "USD"),
        ("-5", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("€30", "USD"),
        ("30.50", "JPY"),
        ("1e-9", "USD"),
    ],
)
def test_what_is_no_amount_is_told_so(typed: str, currency: str) -> None:
    with pytest.raises(Invalid):
        money.parse(typed, currency)


@given(st.text(max_size=30))
def test_nothing_that_is_typed_is_more_than_invalid(typed: str) -> None:
    try:
        cents = money.parse(typed, "USD")
    except Invalid:
        return

    assert cents > 0


@pytest.mark.parametrize(
    ("yearly", "monthly"), [(28_900, 2_408), (24_000, 2_000), (6, 1), (5, 0), (-6, 0), (0, 0)]
)
def test_a_year_is_divided_by_twelve_and_rounded_half_up_once(yearly: int, monthly: int) -> None:
    assert money.monthly(yearly) == monthly


@given(st.integers(0, 10**9))
def test_a_month_is_never_more_than_half_a_cent_off(yearly: int) -> None:
    assert abs(12 * money.monthly(yearly) - yearly) <= 6


@pytest.mark.parametrize(("period", "yearly"), [("monthly", 36_000), ("annual", 3_000)])
def test_a_price_is_annualised_by_its_period(period: str, yearly: int) -> None:
    assert money.annualised(3_000, period) == yearly


def test_another_period_is_refused() -> None:
    with pytest.raises(Invalid, match="weekly"):
        money.annualised(3_000, "weekly")
