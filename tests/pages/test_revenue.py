"""The Revenue page as finance and product see it, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import daily, payment_days
from lib.metrics import policies
from lib.models import RevenueDay
from lib.ui import plain
from tests.factories import make_couple, make_payment, make_plan, make_user
from tests.metrics.ledger import MONTHLY, entry
from tests.pages.at_desk import open_page, said, staffed_copy, written

SETTINGS = Settings.from_environment({"ROLLUPS": "observe"})


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """One couple that pays, and one whose subscription is set to cancel."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    now = moments.now()
    make_plan(database, id="try_it_out", plan_name="Try It Out")
    joined = now - timedelta(days=62)
    for couple, name in (("c1", "Anna Example"), ("c2", "Berta Example")):
        make_couple(database, id=couple, user_1_id=make_user(database, name=name))
    at = {"created_at": joined, "processed_at": joined}
    make_payment(database, relationship_id="c1", amount_cents=3_000, **at)
    entry(database, joined, MONTHLY)
    entry(database, joined, MONTHLY, subscription_id="s2", relationship_id="c2", set_to_cancel=True)
    daily.run_daily(database, now.date(), SETTINGS, now=now)
    yield database
    database.dispose()


def tiles(page: AppTest) -> dict[str, str]:
    return {tile.label: tile.value for tile in page.metric}


def joined_in() -> str:
    return f"{moments.now() - timedelta(days=62):%Y-%m}"


def test_another_policy_changes_every_figure_and_is_named_under_it(database: Database) -> None:
    house = open_page(Role.FINANCE, "revenue")
    committed = open_page(Role.FINANCE, "revenue", policy=policies.COMMITTED.title)

    assert not committed.exception, committed.exception
    assert (tiles(house)["MRR"], tiles(committed)["MRR"]) == ("$60.00", "$30.00")
    assert "Policy: Committed" in said(committed)
    assert "- Set to cancel: **does not count**" in said(committed)
    assert "- Set to cancel: **counts until it ends**" in said(house)


def test_the_couples_are_those_of_the_policy(database: Database) -> None:
    address = {"section": "Couples", "month": joined_in()}
    house = open_page(Role.FINANCE, "revenue", **address)
    committed = open_page(Role.FINANCE, "revenue", policy=policies.COMMITTED.title, **address)

    assert sorted(house.dataframe[-1].value["partner_1"]) == ["Anna E.", "Berta E."]
    assert list(committed.dataframe[-1].value["partner_1"]) == ["Anna E."]


@pytest.mark.parametrize("slug", ["forecast", "what_if"])
def test_the_pages_of_what_may_come_have_the_same_switch(database: Database, slug: str) -> None:
    page = open_page(Role.FINANCE, slug, policy=policies.COMMITTED.title)

    assert not page.exception, page.exception
    assert "- Set to cancel: **does not count**" in said(page)


def test_a_couple_behind_a_figure_shows_its_payments(database: Database) -> None:
    page = open_page(Role.FINANCE, "revenue", id="c1")

    assert not page.exception, page.exception
    assert written(page.dataframe[0], "amount_cents") == ["$30.00"]


def test_rates_stand_in_the_tiles_and_say_whose_formula_they_are(database: Database) -> None:
    page = open_page(Role.FINANCE, "revenue")
    lifetime = next(tile for tile in page.metric if tile.label == "LTV by formula")

    assert lifetime.value == "–"
    assert "Nobody churned" in lifetime.help
    assert "100.0 %" in tiles(page).values()


def test_churn_stands_in_four_formulas(database: Database) -> None:
    page = open_page(Role.PRODUCT, "revenue", section="Churn")
    table = page.dataframe[-1].value

    assert not page.exception, page.exception
    assert len(table) == 4
    assert {"Stripe", "ChartMogul", "RevenueCat"} <= set(table["vendor"])
    assert all(plain(definition) in said(page) for definition in table["definition"])


def test_product_sees_the_sums_and_neither_couples_nor_payments(database: Database) -> None:
    page = open_page(Role.PRODUCT, "revenue", section="Couples", month=joined_in())

    assert not page.exception, page.exception
    assert "Your role sees sums, not the couples behind them." in said(page)
    assert "Anna" not in str([frame.value for frame in page.dataframe])


def test_a_policy_is_found_by_its_name_and_one_that_is_none_is_told(database: Database) -> None:
    committed = open_page(Role.FINANCE, "revenue", policy="committed")
    nobody = open_page(Role.FINANCE, "revenue", policy="nobody")

    assert tiles(committed)["MRR"] == "$30.00"
    assert not committed.warning
    assert [box.value for box in nobody.warning] == ["There is no policy “nobody”: this is House policy."]
    assert tiles(nobody)["MRR"] == "$60.00"


def test_an_earlier_time_stands_beside_this_one(database: Database) -> None:
    page = open_page(Role.FINANCE, "revenue", period="3 months", compare="previous year", section="Movements")

    assert not page.exception, page.exception
    assert set(written(page.dataframe[-1], "earlier_net_cents")) == {"–"}
    assert "That time was not counted" in next(tile.help for tile in page.metric if tile.label == "MRR")


@pytest.mark.parametrize("section", ["MRR", "Movements"])
def test_charts_are_split_by_segment(database: Database, section: str) -> None:
    page = open_page(Role.FINANCE, "revenue", section=section, by="plan")

    assert not page.exception, page.exception
    assert set(page.dataframe[-1].value["segment"]) == {"Try It Out"}


def test_the_couples_that_count_add_up_to_the_tile(database: Database) -> None:
    page = open_page(Role.FINANCE, "revenue", section="Couples", behind="counted")

    assert not page.exception, page.exception
    assert written(page.dataframe[-1], "mrr_cents") == ["$30.00", "$30.00"]


def test_payments_stand_by_month_with_those_behind_them(database: Database) -> None:
    payment_days.run(database, SETTINGS, moments.now())
    page = open_page(Role.FINANCE, "revenue", section="Payments", month=joined_in())
    product = open_page(Role.PRODUCT, "revenue", section="Payments", month=joined_in())

    assert not page.exception, page.exception
    [months] = [table for table in page.dataframe if "paid_cents" in table.value]
    [listed] = [table for table in page.dataframe if "amount_cents" in table.value]
    assert written(months, "paid_cents") == written(listed, "amount_cents") == ["$30.00"]
    assert not any("amount_cents" in frame.value for frame in product.dataframe)


def test_a_remark_is_written_on_the_charts_and_taken_back(database: Database) -> None:
    page = open_page(Role.PRODUCT, "revenue")
    page.text_input[0].set_value("New price page")
    page = next(each for each in page.button if each.label == "Write it on the charts").click().run()
    written = said(page)
    page = next(each for each in page.button if each.label == "Remove").click().run()

    assert "New price page" in written
    assert plain("product@example.org") in written
    assert "New price page" not in said(page)


def test_all_currencies_stand_in_the_reporting_one_or_say_which_rate_is_missing(database: Database) -> None:
    entry(
        database,
        moments.now() - timedelta(days=62),
        subscription_id="s3",
        relationship_id="c3",
        currency="EUR",
    )
    daily.run_daily(database, moments.now().date(), SETTINGS, now=moments.now())
    page = open_page(Role.FINANCE, "revenue", currency="All currencies")

    assert not page.exception, page.exception
    assert "There is no exchange rate from EUR to USD" in said(page)


def test_what_the_app_stored_as_mrr_stands_beside_the_ledgers(database: Database) -> None:
    yesterday = moments.now().date() - timedelta(days=1)
    days = [{"id": f"r{n}", "analytics_date": yesterday - timedelta(days=n)} for n in range(2)]
    with database.primary.begin() as connection:
        stored = [day | {"mrr_cents": cents} for day, cents in zip(days, (6_000, 5_500), strict=True)]
        connection.execute(insert(RevenueDay), stored)
    page = open_page(Role.FINANCE, "revenue", section="Stored by the app")
    table = page.dataframe[-1]
    columns = ("stored_cents", "counted_cents", "difference_cents")

    assert not page.exception, page.exception
    assert yesterday not in set(table.value["day"])
    assert [written(table, column)[0] for column in columns] == ["$55.00", "$60.00", "−$5.00"]
