"""Published examples of rates come out as printed; every other case of the file is named, with why."""

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import pytest

from lib.metrics import rates
from lib.metrics.rates import Rate, RevenueDay
from tests.conftest import golden

Given = dict[str, Any]

# What the input of a case is to our formulas; the value beside it in the file is the published one.
COMPUTED: Final[dict[str, tuple[str, Callable[[Given], Rate]]]] = {
    "M-STR-09": (
        "churn_rate",
        lambda given: rates.customer_churn_stripe(
            given["churned_in_30d"], given["active_30d_ago"], given["new_in_30d"]
        ),
    ),
    "M-STR-11": ("ltv", lambda given: rates.ltv_stripe(given["arps"], exact(given["churn_rate"]))),
    "M-CM-02": (
        "gross_mrr_churn_rate",
        lambda given: rates.gross_mrr_churn(given["mrr_start"], given["churn"], given["contraction"]),
    ),
    "M-CM-04": (
        "net_mrr_churn_rate",
        lambda given: rates.net_mrr_churn_b2c(
            [RevenueDay(given["day_start_mrr"], given["day_end_mrr"], given["new_business"])]
        ),
    ),
    "M-CM-06": (
        "ltv",
        lambda given: rates.ltv_chartmogul(given["arpa"], exact(given["monthly_customer_churn"])),
    ),
    "M-RV-03": (
        "churn_rate",
        lambda given: rates.customer_churn_revenuecat(
            given["expired"], given["resubscribed"], given["actives_at_start"]
        ),
    ),
    "M-PG-05": (
        "churn_rate_percent",
        lambda given: rates.customer_churn(given["churned_in_30d"], given["active_at_start"]),
    ),
    "M-PG-06": (
        "ltv",
        lambda given: rates.ltv(
            exact(rates.arpa(given["mrr"], given["active"]).value),
            exact(rates.customer_churn(given["churned"], given["at_start"]).value),
        ),
    ),
    "M-BM-02": (
        "nrr",
        lambda given: rates.nrr_baremetrics(given["start_30d_ago"], given["churned"], given["expansion"]),
    ),
}
# MRR, movements and what counts at all: the engine's, shown in tests of their own.
ELSEWHERE: Final = frozenset(
    {
        *("M-STR-01", "M-STR-03", "M-STR-05", "M-STR-07", "M-STR-13"),
        *("M-CM-01", "M-CM-08", "M-CM-10"),
        *("M-PW-01", "M-PW-03", "M-PW-05"),
        *("M-RV-01", "M-RC-01", "M-PG-02", "M-PG-08"),
    }
)
DOES_NOT_APPLY: Final = {
    "M-CB-01": "Chargebee adds recurring add-ons to MRR; ours are bought once and never recur.",
    "M-ZU-01": "Zuora spreads an order's discount over charges; a subscription here has one price.",
    "M-RV-10": "A price by the day: plans are billed by the month or by the year.",
    "M-RV-12": "A price by the week: plans are billed by the month or by the year.",
    "M-RV-14": "A price for four weeks: plans are billed by the month or by the year.",
    "M-RV-16": "A price for two months: plans are billed by the month or by the year.",
    "M-RV-18": "A price for six months: plans are billed by the month or by the year.",
    "M-RV-05": "RevenueCat's refund rate counts transactions; our refunds are shown in money, by reason.",
    "M-RV-07": "RevenueCat's trial conversion; none of the formulas asked for is about trials.",
    "M-PG-04": "A billing interval of zero cannot be stored: a period is `monthly` or `annual`.",
    "M-PG-10": "By the date of the subscription, not the customer's: the ledger knows no other date.",
}
SHOWN_BELOW: Final = frozenset({"M-BM-04"})


def cases() -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in json.loads(golden("metrics.json").read_text())["cases"]}


def exact(number: float | Fraction | None) -> Fraction:
    """A number of the file as it is written there."""
    assert number is not None
    return Fraction(str(number))


@pytest.mark.parametrize("name", COMPUTED)
def test_a_published_rate_comes_out_as_printed(name: str) -> None:
    case = cases()[name]
    field, compute = COMPUTED[name]
    rate = compute(case["input"])
    printed = case["expected"][field]

    assert rate.value is not None
    assert rate.why_not is None
    if field.endswith("_percent"):
        assert round(float(100 * rate.value), 2) == printed
    else:
        assert float(rate.value) == pytest.approx(printed, rel=1e-12)


def test_the_average_and_the_churn_below_a_published_lifetime_are_as_printed() -> None:
    case = cases()["M-PG-06"]
    given, printed = case["input"], case["expected"]
    churn = rates.customer_churn(given["churned"], given["at_start"]).value

    assert rates.arpa(given["mrr"], given["active"]).value == printed["arpu"]
    assert churn is not None
    assert float(churn) == pytest.approx(printed["churn"])


def test_whoever_signs_up_and_cancels_in_the_same_thirty_days_is_churn_of_the_window() -> None:
    case = cases()["M-BM-04"]

    assert (rates.customer_churn_stripe(churned=1, active_before=0, new=1).value == 1) is case["expected"][
        "included_in_churn"
    ]


def test_no_case_of_the_file_is_passed_over() -> None:
    named = [*COMPUTED, *ELSEWHERE, *DOES_NOT_APPLY, *SHOWN_BELOW]

    assert len(named) == len(set(named))
    assert set(named) == set(cases())


def test_no_case_of_a_vendor_whose_policy_we_have_does_not_apply() -> None:
    vendors = ("Stripe", "ChartMogul", "ProfitWell")

    assert [name for name in DOES_NOT_APPLY if cases()[name]["vendor"].startswith(vendors)] == []
