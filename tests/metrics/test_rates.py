"""Rates by named formula: exact, and honest where there is nothing to divide by."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.metrics import rates
from lib.metrics.rates import FORMULAS, Rate, RevenueDay

cents = st.integers(0, 10**9)


@pytest.mark.parametrize(
    "rate",
    [
        rates.customer_churn(0, 0),
        rates.customer_churn_stripe(0, 0, 0),
        rates.customer_churn_chartmogul_b2c([(0, 0), (0, 0)]),
        rates.customer_churn_revenuecat(0, 3, 0),
        rates.gross_mrr_churn(0, 0, 0),
        rates.gross_mrr_churn_b2c([RevenueDay(0, 100, 100)]),
        rates.net_mrr_churn(0, 0, 0, 0),
        rates.net_mrr_churn_b2c([]),
        rates.grr(0, 0, 0),
        rates.nrr(0, 0, 0, 0),
        rates.nrr_baremetrics(0, 0, 0),
        rates.quick_ratio(0, 0, 0, 0, 0),
        rates.arpa(0, 0),
        rates.ltv(3_000, 0),
        rates.failed_payment_rate(0, 0),
    ],
    ids=lambda rate: rate.formula.name,
)
def test_what_has_nothing_to_divide_by_says_so(rate: Rate) -> None:
    assert rate.value is None
    assert rate.text == "–"
    assert rate.why_not is not None
    assert rate.why_not.endswith(".")


def test_every_formula_says_whose_it_is_and_where_it_stands() -> None:
    for name, formula in FORMULAS.items():
        assert formula.name == name
        assert formula.definition.endswith(".")
        assert formula.vendor
        assert formula.source


def test_four_formulas_give_four_churns_of_the_same_month() -> None:
    found = [
        rates.customer_churn(5, 100),
        rates.customer_churn_stripe(5, 100, 10),
        rates.customer_churn_chartmogul_b2c([(2, 100), (3, 108)]),
        rates.customer_churn_revenuecat(5, 2, 100),
    ]

    assert [rate.value for rate in found] == [
        Fraction(1, 20),
        Fraction(1, 22),
        Fraction(1, 50) + Fraction(1, 36),
        Fraction(3, 100),
    ]
    assert len({rate.formula.name for rate in found}) == 4


def test_a_quick_ratio_without_a_loss_is_infinite_and_not_zero() -> None:
    rate = rates.quick_ratio(new=100, expansion=0, reactivation=0, contraction=0, churn=0)

    assert (rate.value, rate.infinite, rate.text) == (None, True, "∞")
    assert rate.why_not == "Nothing was lost, so the ratio is infinite."


def test_a_lifetime_without_churn_says_what_each_vendor_does() -> None:
    stripe, chartmogul = rates.ltv_stripe(2_000, 0), rates.ltv_chartmogul(2_000, 0)

    assert "1.67 %" in str(stripe.remark)
    assert stripe.text == "119,760"
    assert (chartmogul.value, chartmogul.remark) == (0, "Nobody churned: ChartMogul shows 0.")


@given(opening=st.integers(1, 10**9), churn=cents, contraction=cents, expansion=cents, reactivation=cents)
def test_retention_and_churn_are_two_sides_of_one_coin(
    opening: int, churn: int, contraction: int, expansion: int, reactivation: int
) -> None:
    gross = rates.gross_mrr_churn(opening, churn, contraction).value
    net = rates.net_mrr_churn(opening, churn, contraction, expansion, reactivation).value
    kept = rates.grr(opening, churn, contraction).value
    kept_net = rates.nrr(opening, churn, contraction, expansion, reactivation).value

    assert gross is not None
    assert net is not None
    assert kept == 1 - gross
    assert kept_net == 1 - net
    assert net <= gross


@given(days=st.lists(st.tuples(st.integers(1, 10**6), cents, cents, cents), min_size=1, max_size=31))
def test_the_daily_sum_of_net_churn_is_that_of_gross_churn_less_what_came_back_and_grew(
    days: list[tuple[int, int, int, int]],
) -> None:
    moved = [
        RevenueDay(opening, opening + new + grown - churn, new=new, churn=churn)
        for opening, new, grown, churn in days
    ]
    gross, net = rates.gross_mrr_churn_b2c(moved).value, rates.net_mrr_churn_b2c(moved).value

    assert gross is not None
    assert net == gross - sum(Fraction(grown, opening) for opening, _, grown, _ in days)


def test_an_exact_rate_is_rounded_only_for_the_reader() -> None:
    rate = rates.failed_payment_rate(1, 23)

    assert (rate.value, rate.text) == (Fraction(1, 24), "4.2 %")
    assert rates.quick_ratio(5, 0, 0, 0, 2).text == "2.5"
    assert rates.arr(Fraction(28_900, 12)).value == 28_900
