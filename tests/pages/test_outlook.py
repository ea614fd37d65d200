"""The pages of what may come, as finance sees them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.core.access import Role
from lib.core.database import Database
from tests.bench import company
from tests.pages.at_desk import open_page, said, staffed_copy, use


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose history is long enough to be forecast."""
    return company.for_tests(tmp_path_factory, couples=30, months=18)


@pytest.fixture
def history(path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}")
    use(database)
    yield database
    database.dispose()


@pytest.fixture
def empty(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    yield database
    database.dispose()


def test_the_forecast_stands_beside_its_past_errors(history: Database) -> None:
    page = open_page(Role.FINANCE, "forecast")

    assert not page.exception, page.exception
    assert [box.label for box in page.metric][1:] == ["In 3 months", "In 6 months", "In 12 months"]
    assert {"How far off it was", "MRR at the end of each month"} <= {box.value for box in page.subheader}
    errors = page.dataframe[-1].value
    assert list(errors["ahead"]) == [1, 3, 6, 12]
    assert errors["naive_mape"].notna().any()


def test_without_history_both_pages_say_what_is_missing(empty: Database) -> None:
    for slug in ("forecast", "what_if"):
        page = open_page(Role.FINANCE, slug)

        assert not page.exception, page.exception
        assert "There are no daily figures for this time." in said(page)


def test_the_address_reproduces_what_was_asked(history: Database) -> None:
    page = open_page(Role.FINANCE, "what_if", come="40", churn="2.5")
    again = {box.label: box.value for box in page.number_input}

    assert not page.exception, page.exception
    assert (again["Couples that come, a month"], again["Churn, % a month"]) == (40.0, 2.5)
    changed, usual, *_ = (box.value for box in page.metric)
    assert changed != usual


def test_nothing_asked_is_as_it_goes_now(history: Database) -> None:
    page = open_page(Role.FINANCE, "what_if")
    changed, usual, difference, _ = (box.value for box in page.metric)

    assert changed == usual
    assert difference == "$0.00"


def test_a_price_and_a_mix_are_asked_for_by_plan(history: Database) -> None:
    page = open_page(Role.FINANCE, "what_if")
    price = next(box for box in page.number_input if box.label.startswith("Price"))
    price.set_value(price.value * 2)
    page.run()
    changed, usual, *_ = (box.value for box in page.metric)
    next(box for box in page.number_input if box.label.startswith("% of those")).set_value(99.0)
    page.run()

    assert changed != usual
    assert "they have to make 100 %." in page.error[0].value


def test_what_cannot_be_is_said_and_the_form_stays(history: Database) -> None:
    page = open_page(Role.FINANCE, "what_if", churn="250")

    assert [box.value for box in page.error] == [
        "Churn lies between 0 % and 100 % a month; 250.0 % is not possible."
    ]
    assert len(page.number_input) > 2
