"""The Cohorts page as finance and product see it, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import cohorts, daily
from lib.metrics import policies
from tests.factories import make_couple, make_payment, make_plan, make_user
from tests.metrics.ledger import entry
from tests.pages.at_desk import open_page, said, staffed_copy, written

SETTINGS = Settings.from_environment({"ROLLUPS": "observe"})


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """One couple that has paid for two months."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    now = moments.now()
    make_plan(database, id="try_it_out", plan_name="Try It Out")
    make_couple(database, id="c1", user_1_id=make_user(database, name="Anna Example"))
    joined = now - timedelta(days=62)
    make_payment(database, relationship_id="c1", amount_cents=3_000, created_at=joined)
    entry(database, joined)
    daily.run_daily(database, now.date(), SETTINGS, now=now)
    cohorts.run(database, SETTINGS, now=now)
    yield database
    database.dispose()


def cohort() -> str:
    return f"{moments.now() - timedelta(days=62):%Y-%m}"


@pytest.mark.parametrize("section", ["Couples kept", "Revenue kept", "Lifetime value"])
def test_each_grid_says_what_it_stands_on(database: Database, section: str) -> None:
    page = open_page(Role.FINANCE, "cohorts", section=section)

    assert not page.exception, page.exception
    assert "Policy: House policy · 1 couples" in said(page)
    assert "Hatched: the month goes on" in said(page)
    assert len(page.get("plotly_chart")) == 1


def test_another_policy_changes_the_cohorts_and_the_couples_of_a_cell(database: Database) -> None:
    now = moments.now()
    make_couple(database, id="c2", user_1_id=make_user(database, name="Berta Example"))
    joined = now - timedelta(days=62)
    entry(database, joined, subscription_id="s2", relationship_id="c2", set_to_cancel=True)
    daily.run_daily(database, now.date(), SETTINGS, now=now + timedelta(minutes=1))
    cohorts.run(database, SETTINGS, now=now + timedelta(minutes=2))
    cell = {"cohort": cohort(), "age": "1"}
    house = open_page(Role.FINANCE, "cohorts", **cell)
    committed = open_page(Role.FINANCE, "cohorts", policy=policies.COMMITTED.title, **cell)

    assert not committed.exception, committed.exception
    assert "2 couples" in said(house)
    assert "Policy: Committed · 1 couples" in said(committed)
    assert sorted(house.dataframe[-1].value["partner_1"]) == ["Anna E.", "Berta E."]
    assert list(committed.dataframe[-1].value["partner_1"]) == ["Anna E."]


def test_a_cell_in_the_address_lists_its_couples_and_a_couple_its_payments(database: Database) -> None:
    cell = open_page(Role.FINANCE, "cohorts", cohort=cohort(), age="1")
    couple = open_page(Role.FINANCE, "cohorts", id="c1")

    assert not cell.exception, cell.exception
    assert list(cell.dataframe[-1].value["partner_1"]) == ["Anna E."]
    assert list(cell.dataframe[-1].value["standing"]) == [["Paying"]]
    assert not couple.exception, couple.exception
    assert written(couple.dataframe[0], "amount_cents") == ["$30.00"]


def test_product_sees_the_grid_and_not_the_couples(database: Database) -> None:
    page = open_page(Role.PRODUCT, "cohorts", cohort=cohort(), age="1")

    assert not page.exception, page.exception
    assert "Your role sees sums, not the couples behind them." in said(page)
    assert "Anna" not in str([frame.value for frame in page.dataframe])


def test_what_the_app_stored_stands_beside_what_is_right(database: Database) -> None:
    page = open_page(Role.FINANCE, "cohorts", section="Stored by the app")

    assert not page.exception, page.exception
    assert "missing" in page.dataframe[0].value.columns


def test_an_address_with_nonsense_opens_the_grid(database: Database) -> None:
    page = open_page(Role.FINANCE, "cohorts", cohort="Average", age="900", section="Nothing")

    assert not page.exception, page.exception
    assert "Click a cell of the grid" in said(page)
