"""Several currencies in one: exact, tied, and silent about nothing that is missing."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.database import Database
from lib.core.errors import Invalid
from lib.metrics.exchange import Rate, Rates, checked, converted, reported
from lib.metrics.reported import reported_months
from lib.metrics.series import Month
from lib.models import ExchangeRate, new_id
from tests.factories import write
from tests.metrics.ledger import ANNUAL, MONTHLY, day, entry, fill
from tests.staff import FINANCE, read

JUNE = date(2026, 6, 1)


def a_month(currency: str = "EUR", **over: object) -> Month:
    values = {
        "month": JUNE,
        "currency": currency,
        "opening_arr_cents": 100_000,
        "new_arr_cents": 30_000,
        "churn_arr_cents": 12_345,
        "closing_arr_cents": 117_655,
        "couples_at_start": 3,
        "complete": True,
        "missing_days": 0,
        "churn": None,
        "why_not": None,
    }
    return Month(**values | over)  # type: ignore[arg-type]


def rates(*entered: tuple[str, str, str], into: str = "USD") -> Rates:
    return Rates.of(into, [Rate(currency, day(on), Decimal(rate)) for currency, on, rate in entered])


def rate_row(database: Database, on: str, rate: str, *, recorded: str = "07-01") -> None:
    write(
        database,
        ExchangeRate,
        id=new_id(),
        currency="EUR",
        reporting_currency="USD",
        valid_from=day(on),
        rate=rate,
        entered_by="staff_finance",
        entered_by_email="finance@example.org",
        recorded_at=datetime.combine(day(recorded), datetime.min.time(), tzinfo=UTC),
    )


def test_the_opening_goes_by_its_own_day_and_everything_else_by_the_months_end() -> None:
    month = reported([a_month()], rates(("EUR", "05-31", "1.10"), ("EUR", "06-30", "1.20")))

    assert (month.opening_arr_cents, month.new_arr_cents, month.churn_arr_cents) == (110_000, 36_000, 14_814)
    assert month.closing_arr_cents == 141_186
    assert month.fx_arr_cents == 10_000
    assert month.ties


def test_the_reporting_currency_itself_needs_no_rate_and_moves_nothing() -> None:
    month = reported([a_month("USD")], rates())

    assert (month.closing_arr_cents, month.fx_arr_cents, month.why_not) == (117_655, 0, None)


def test_a_missing_rate_is_a_sentence_and_never_one() -> None:
    month = reported([a_month("USD"), a_month("EUR")], rates(("EUR", "06-15", "1.10")))

    assert (month.opening_arr_cents, month.closing_arr_cents, month.ties) == (None, None, None)
    assert month.why_not is not None
    assert "no exchange rate from EUR to USD for 2026-05-31" in month.why_not


def test_a_currency_that_came_within_the_month_opened_with_nothing() -> None:
    came = a_month(opening_arr_cents=None, couples_at_start=None, churn_arr_cents=0, closing_arr_cents=30_000)
    month = reported([a_month("USD"), came], rates(("EUR", "06-10", "1.10")))

    assert (month.opening_arr_cents, month.fx_arr_cents) == (100_000, 0)
    assert month.closing_arr_cents == 117_655 + 33_000
    assert month.ties


def test_currencies_without_cents_and_with_thousandths_are_converted_by_their_worth() -> None:
    assert converted(1000, "JPY", Decimal("0.0067"), "USD") == 670
    assert converted(670, "USD", Decimal("149.25"), "JPY") == 1000
    assert converted(1000, "KWD", Decimal("3.26"), "USD") == 326


amounts = st.integers(0, 10**12)
decimals = st.decimals("0.000001", "1000000", places=6)


@given(
    st.lists(
        st.tuples(st.sampled_from(["EUR", "JPY", "GBP", "KWD"]), amounts, amounts, amounts),
        min_size=1,
        max_size=4,
        unique_by=lambda each: each[0],
    ),
    decimals,
    decimals,
)
def test_opening_movements_and_fx_always_give_the_closing(
    moved: list[tuple[str, int, int, int]], first: Decimal, last: Decimal
) -> None:
    months = [
        a_month(
            currency,
            opening_arr_cents=opening,
            new_arr_cents=new,
            churn_arr_cents=min(churn, opening),
            closing_arr_cents=opening + new - min(churn, opening),
        )
        for currency, opening, new, churn in moved
    ]
    known = [
        Rate(each.currency, on, rate)
        for each in months
        for on, rate in ((date(2026, 5, 1), first), (JUNE, last))
    ]
    month = reported(months, Rates.of("USD", known))

    assert month.ties
    # With one rate all the month through, what is left is rounding: a cent for each amount at most.
    flat = reported(months, Rates.of("USD", [rate for rate in known if rate.valid_from < JUNE]))
    assert flat.fx_arr_cents is not None
    assert abs(flat.fx_arr_cents) <= 2 * len(months)


@pytest.mark.parametrize(
    "typed", ["", "one", "0", "-1", "NaN", "Infinity", "0.0000001", "1000001", "1.0000000000001"]
)
def test_what_can_be_no_rate_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(Invalid, match=r"rate"):
        checked(typed)


def test_months_of_two_currencies_are_reported_in_one_and_each_opens_as_the_last_one_closed(
    database: Database,
) -> None:
    entry(database, "04-10", MONTHLY)
    entry(database, "04-11", ANNUAL, currency="EUR", subscription_id="s2", relationship_id="c2")
    entry(database, "05-20", ANNUAL, currency="EUR", subscription_id="s3", relationship_id="c3")
    fill(database, "04-01", "06-15")
    rate_row(database, "04-01", "1.10")
    rate_row(database, "05-31", "9.99")
    rate_row(database, "05-31", "1.20", recorded="07-02")
    april, may, june = read(database, FINANCE, reported_months, day("04-01"), day("06-15"))

    assert april.closing_arr_cents == MONTHLY + 26_400
    assert may.opening_arr_cents == april.closing_arr_cents
    assert (may.new_arr_cents, may.fx_arr_cents) == (28_800, 2_400)
    assert june.opening_arr_cents == may.closing_arr_cents == MONTHLY + 57_600
    assert [each.ties for each in (may, june)] == [True, True]
    assert [each.complete for each in (april, may, june)] == [True, True, False]


def test_months_without_a_rate_say_which_one_is_missing(database: Database) -> None:
    entry(database, "04-11", ANNUAL, currency="EUR")
    fill(database, "04-01", "05-15")
    april, _ = read(database, FINANCE, reported_months, day("04-01"), day("05-15"))

    assert april.closing_arr_cents is None
    assert "EUR to USD for 2026-04-30" in april.why_not
