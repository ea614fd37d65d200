"""The Revenue page as finance and product see it, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import daily
from lib.metrics import policies
from tests.factories import make_couple, make_payment, make_plan, make_user
from tests.metrics.ledger import MONTHLY, entry
from tests.pages.at_desk import open_page, said, staffed_copy

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
    make_payment(database, relationship_id="c1", amount_cents=3_000, created_at=joined)
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
    assert "Policy: committed" in said(committed)
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
    assert list(page.dataframe[0].value["amount_cents"]) == ["$30.00"]


def test_rates_stand_in_the_tiles_and_say_whose_formula_they_are(database: Database) -> None:
    page = open_page(Role.FINANCE, "revenue")
    lifetime = next(tile for tile in page.metric if "lifetime value" in tile.label.lower())

    assert lifetime.value == "–"
    assert "Nobody churned" in lifetime.help
    assert "100.0 %" in tiles(page).values()


def test_churn_stands_in_four_formulas(database: Database) -> None:
    page = open_page(Role.PRODUCT, "revenue", section="Churn")
    table = page.dataframe[-1].value

    assert not page.exception, page.exception
    assert len(table) == 4
    assert {"Stripe", "ChartMogul", "RevenueCat"} <= set(table["vendor"])


def test_product_sees_the_sums_and_neither_couples_nor_payments(database: Database) -> None:
    page = open_page(Role.PRODUCT, "revenue", section="Couples", month=joined_in())

    assert not page.exception, page.exception
    assert "Your role sees sums, not the couples behind them." in said(page)
    assert "Anna" not in str([frame.value for frame in page.dataframe])
