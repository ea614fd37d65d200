"""Published examples on which the house policy agrees with their vendor, row by row through the ledger."""

import json
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.work import reading
from lib.metrics import mrr, revenue
from tests.conftest import golden
from tests.metrics.ledger import DESK, NOW, day, entry, fill, moved

TODAY = NOW.date()


def case(name: str) -> dict[str, Any]:
    cases = json.loads(golden("metrics.json").read_text())["cases"]
    return next(each for each in cases if each["id"] == name)


def annualised(subscription: dict[str, Any]) -> int:
    periods = {"month": 12, "year": 1}[subscription["interval"]]
    return subscription["amount"] * 100 * subscription["quantity"] * periods


def mrr_of(database: Database, on: str = TODAY.isoformat()) -> Fraction:
    """MRR in currency units."""
    with reading(database, DESK, now=NOW) as view:
        (standing,) = mrr.mrr_at(view, day(on))
    return Fraction(standing.arr_cents, 1200)


@pytest.mark.parametrize("name", ["M-STR-01", "M-STR-03", "M-STR-07", "M-PW-01", "M-RV-01"])
def test_monthly_and_annual_prices_net_of_coupons_and_without_tax(sqlite: Database, name: str) -> None:
    published = case(name)
    subscriptions = [
        subscription
        for subscription in published["input"]["subscriptions"]
        for _ in range(subscription.get("count", 1))
    ]
    for number, subscription in enumerate(subscriptions):
        listed = annualised(subscription)
        off = subscription.get("coupon", {}).get("percent_off", 0)
        entry(
            sqlite,
            "06-01",
            listed,
            net_arr_cents=listed * (100 - off) // 100,
            status=subscription["status"],
            subscription_id=f"s{number}",
            relationship_id=f"c{number}",
        )

    assert mrr_of(sqlite) == published["expected"]["mrr"]


def test_several_items_of_one_couple_add_up(sqlite: Database) -> None:
    published = case("M-PG-02")
    for number, item in enumerate(published["input"]["items"]):
        entry(sqlite, "06-01", 12 * item["unit_amount"] * item["quantity"], subscription_id=f"s{number}")

    assert mrr_of(sqlite) * 100 == published["expected"]["mrr"]


def test_a_paused_subscription_does_not_count(sqlite: Database) -> None:
    published = case("M-RC-01")
    entry(sqlite, "06-01", 1200 * published["input"]["mrr"])
    entry(sqlite, "06-10", 1200 * published["input"]["mrr"], status="paused")
    with reading(sqlite, DESK, now=NOW) as view:
        standing = mrr.mrr_at(view, TODAY)

    assert sum(each.arr_cents for each in standing) == published["expected"]["mrr"]


def test_one_that_is_set_to_cancel_churns_when_its_period_ends(sqlite: Database) -> None:
    published = case("M-PW-05")
    asked, end = published["input"]["cancelled_at"], published["input"]["period_end"]
    entry(sqlite, "2026-01-31")
    entry(sqlite, asked, set_to_cancel=True)
    entry(sqlite, end, status="canceled")
    found = moved(sqlite, "2026-02-01", TODAY.isoformat())

    assert [(row[0].isoformat(), row[2]) for row in found] == [
        (published["expected"]["profitwell_churn_date"], "churn")
    ]


def test_the_mrr_of_a_day_long_past_goes_by_the_dates_not_by_todays_status(sqlite: Database) -> None:
    published = case("M-PG-08")
    ago = {
        name: NOW + timedelta(days=int(name.removesuffix("d"))) for name in ("-90d", "-30d", "-15d", "-45d")
    }
    for number, subscription in enumerate(published["input"]["subscriptions"]):
        whose = {"subscription_id": f"s{number}", "relationship_id": f"c{number}"}
        entry(sqlite, ago[subscription["created"]], 12 * subscription["amount"], **whose)
        if "ended" in subscription:
            ended = ago[subscription["ended"]]
            entry(sqlite, ended, 12 * subscription["amount"], status="canceled", **whose)
    as_of = ago[published["input"]["as_of"]].date().isoformat()

    assert mrr_of(sqlite, as_of) * 100 == published["expected"]["mrr"]


def test_two_purchases_within_an_hour_are_one_new_couple(sqlite: Database) -> None:
    published = case("M-CM-10")
    first, second = published["input"]["subscriptions_bought_within_minutes"]
    entry(sqlite, NOW, 1200 * first, subscription_id="s1")
    entry(sqlite, NOW + timedelta(minutes=59), 1200 * second, subscription_id="s2")
    found = moved(sqlite, TODAY.isoformat(), TODAY.isoformat())

    ((_, amount),) = published["expected"]["movements"]
    assert [row[2:4] for row in found] == [("new", 1200 * amount)]


def test_churn_is_divided_by_those_at_the_start_alone(sqlite: Database) -> None:
    published = case("M-PG-05")
    given = published["input"]
    for number in range(given["active_at_start"]):
        entry(sqlite, "05-20", subscription_id=f"old{number}", relationship_id=f"old{number}")
    for number in range(given["new_in_30d"]):
        entry(sqlite, "06-05", subscription_id=f"new{number}", relationship_id=f"new{number}")
    for number in range(given["churned_in_30d"]):
        whose = {"subscription_id": f"old{number}", "relationship_id": f"old{number}"}
        entry(sqlite, "06-10", status="canceled", **whose)
    fill(sqlite, "05-20", "06-15")
    with reading(sqlite, DESK, now=NOW) as view:
        (june,) = revenue.churn_by_month(view, day("06-01"), day("06-15")).months

    assert june.churn is not None
    assert round(float(100 * june.churn), 2) == published["expected"]["churn_rate_percent"]
