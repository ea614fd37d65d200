"""One segment of revenue, or one day of it, by itself, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.jobs import daily
from tests.metrics.ledger import ANNUAL, MONTHLY, entry
from tests.pages.at_desk import open_page, staffed_copy


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """One couple that pays by the month, another by the year."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    now = moments.now()
    began = now - timedelta(days=3)
    entry(database, began, MONTHLY)
    entry(database, began, ANNUAL, subscription_id="s2", relationship_id="c2", billing_period="annual")
    daily.fill(database, began.date(), now.date(), now=now)
    yield database
    database.dispose()


@pytest.mark.parametrize("section", ["MRR", "Movements"])
def test_one_segment_is_looked_at_by_itself(database: Database, section: str) -> None:
    address = {"section": section, "by": "billing period"}
    whole = open_page(Role.FINANCE, "revenue", **address)
    one = open_page(Role.FINANCE, "revenue", **address, only_billing_period="annual")

    assert not one.exception, one.exception
    assert set(whole.dataframe[-1].value["segment"]) == {"annual", "monthly"}
    assert set(one.dataframe[-1].value["segment"]) == {"annual"}


def test_the_day_in_the_address_is_the_one_that_is_looked_at(database: Database) -> None:
    day = moments.now().date() - timedelta(days=2)
    page = open_page(Role.FINANCE, "revenue", section="Couples", behind="counted", day=f"{day}")
    nonsense = open_page(Role.FINANCE, "revenue", section="Couples", behind="counted", day="yesterday")

    assert [each.value for each in page.date_input] == [day]
    assert len(page.dataframe[-1].value) == 2
    assert not nonsense.exception, nonsense.exception
