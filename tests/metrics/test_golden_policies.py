"""Published examples of what vendors count: the policy named after a vendor gives what it printed.

M-STR-13 does not apply: what Stripe credits and charges in the middle of a period is Stripe's own; it is
shown from Stripe's preview and never worked out here. The formulas are in tests/golden/test_metric_rates.py.
"""

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import reading
from lib.metrics import mrr, policies
from lib.metrics.policies import CHARTMOGUL, PROFITWELL, STRIPE, Policy
from tests.conftest import golden
from tests.metrics.ledger import DESK, NOW, day, entry, moved

TODAY = NOW.date()
VENDORS = {"Stripe": STRIPE, "ChartMogul": CHARTMOGUL, "ProfitWell": PROFITWELL}
MRR_OF_ROWS = ("M-STR-01", "M-STR-03", "M-STR-05", "M-STR-07", "M-PW-01")


def case(name: str) -> dict[str, Any]:
    cases = json.loads(golden("metrics.json").read_text())["cases"]
    return next(each for each in cases if each["id"] == name)


def mrr_of(database: Database, policy: Policy, on: date = TODAY) -> Fraction:
    """MRR in currency units, 0 where nothing recurs."""
    with reading(database, DESK, now=NOW) as view:
        return sum((Fraction(each.arr_cents, 1200) for each in mrr.mrr_at(view, on, policy)), Fraction())


@pytest.mark.parametrize("name", MRR_OF_ROWS)
def test_rows_are_worth_what_their_vendor_printed(sqlite: Database, name: str) -> None:
    published = case(name)
    rows = [row for row in published["input"]["subscriptions"] for _ in range(row.get("count", 1))]
    for number, row in enumerate(rows):
        listed = row["amount"] * 100 * row["quantity"] * {"month": 12, "year": 1}[row["interval"]]
        coupon = row.get("coupon", {})
        off = listed * coupon.get("percent_off", 0) // 100
        entry(
            sqlite,
            "06-01",
            listed,
            net_arr_cents=listed - off,
            forever_arr_cents=off if coupon.get("duration") == "forever" else 0,
            status=row["status"],
            subscription_id=f"s{number}",
            relationship_id=f"c{number}",
        )

    assert mrr_of(sqlite, VENDORS[published["vendor"]]) == published["expected"]["mrr"]


def test_chartmoguls_five_movements_come_out_as_printed(sqlite: Database) -> None:
    published = case("M-CM-01")
    plans = published["input"]["plans"]
    gold_year, silver, gold = plans["gold"]["year"], plans["silver"]["month"], plans["gold"]["month"]
    entry(sqlite, "06-01", 4 * 100 * gold_year, subscription_id="gold")
    entry(sqlite, "06-02", 2 * 1200 * silver, subscription_id="silver")
    entry(sqlite, "06-03", status="canceled", subscription_id="silver")
    entry(sqlite, "06-04", status="canceled", subscription_id="gold")
    entry(sqlite, "06-05", 3 * 1200 * gold, subscription_id="gold again")
    found = moved(sqlite, "06-01", "06-05", CHARTMOGUL)
    names = {"new_business": "new"}
    after = [mrr_of(sqlite, CHARTMOGUL, day(f"06-0{number}")) for number in range(1, 6)]

    assert [(row[2], round(row[3] / 1200, 2)) for row in found] == [
        (names.get(name, name), abs(amount)) for name, amount in published["expected"]["movements"]
    ]
    assert [round(float(each), 2) for each in after] == published["expected"]["mrr_after"]


def test_an_invoice_that_failed_still_counts_for_chartmogul(sqlite: Database) -> None:
    published = case("M-CM-08")
    entry(sqlite, "06-01", 1200 * published["input"]["amount"])
    entry(sqlite, "06-05", 1200 * published["input"]["amount"], status="past_due")

    assert mrr_of(sqlite, CHARTMOGUL) == published["expected"]["mrr"]


def test_two_purchases_within_the_hour_are_one_new_couple_for_chartmogul(sqlite: Database) -> None:
    published = case("M-CM-10")
    for number, amount in enumerate(published["input"]["subscriptions_bought_within_minutes"]):
        entry(sqlite, NOW.replace(minute=50 * number), 1200 * amount, subscription_id=f"s{number}")
    ((_, amount),) = published["expected"]["movements"]

    assert [row[2:4] for row in moved(sqlite, TODAY.isoformat(), TODAY.isoformat(), CHARTMOGUL)] == [
        ("new", 1200 * amount)
    ]


@pytest.mark.parametrize(("vendor", "policy"), [("profitwell", PROFITWELL), ("stripe", STRIPE)])
def test_who_comes_and_goes_within_a_month(sqlite: Database, vendor: str, policy: Policy) -> None:
    published = case("M-PW-03")["expected"][vendor]
    entry(sqlite, "2026-05-03", 30 * 1200)
    entry(sqlite, "2026-05-20", 30 * 1200, status="canceled")
    sums = dict.fromkeys(("new", "churn"), 0)
    for _, _, movement, arr, _ in moved(sqlite, "2026-05-01", "2026-05-31", policy):
        sums[movement] += arr

    assert {name: arr / 1200 for name, arr in sums.items()} == published


def test_a_cancellation_churns_at_the_periods_end_or_at_once_as_the_account_is_set(sqlite: Database) -> None:
    published = case("M-PW-05")
    at_once = policies.of(Settings.from_environment({"STRIPE_CHURN": "at_cancellation"}))["stripe"]
    worth = 1200 * published["input"]["mrr"]
    entry(sqlite, "2026-01-31", worth)
    entry(sqlite, published["input"]["cancelled_at"], worth, set_to_cancel=True)
    entry(sqlite, published["input"]["period_end"], worth, status="canceled")

    def churned(policy: Policy) -> list[str]:
        found = moved(sqlite, "2026-02-01", TODAY.isoformat(), policy)
        return [on.isoformat() for on, _, movement, _, _ in found if movement == "churn"]

    assert churned(PROFITWELL) == [published["expected"]["profitwell_churn_date"]]
    assert churned(at_once) == [published["expected"]["stripe_default_per_profitwell"]]
    assert churned(STRIPE) == churned(PROFITWELL)


def test_the_zone_of_the_settings_is_that_of_every_policy() -> None:
    set_up = policies.of(Settings.from_environment({"BUSINESS_ZONE": "Europe/Berlin"}))

    assert {policy.zone for policy in set_up.values()} == {"Europe/Berlin"}
    assert [replace(policy, zone="UTC") for policy in set_up.values()] == list(policies.POLICIES.values())
