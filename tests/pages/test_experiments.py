"""Tests as product sees them, without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.models import ExperimentDecision, Variant
from tests.factories import make_arm
from tests.pages.at_desk import open_page, said, staffed_copy
from tests.trials import BROKEN, trial

SECTIONS = ("Result", "Arms", "Money", "Segments", "Days", "People", "Decisions")


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    trial(database, now=moments.now())
    yield database
    database.dispose()


def press(page: AppTest, label: str, reason: str) -> AppTest:
    """Give a reason in the form of a button, and press it."""
    [button] = [each for each in page.button if each.label == label and each.form_id]
    [field] = [each for each in page.text_area if each.form_id == button.form_id]
    field.set_value(reason)
    return button.click().run()


def decisions(database: Database) -> list[tuple[str, str]]:
    row = ExperimentDecision
    with database.primary.connect() as connection:
        return [tuple(each) for each in connection.execute(select(row.kind, row.state).order_by(row.id))]


def test_the_list_says_which_test_waits_for_a_decision(database: Database) -> None:
    page = open_page(Role.PRODUCT, "experiments")
    table = page.dataframe[0].value

    assert not page.exception, page.exception
    assert list(table["name"]) == ["price ›"]
    assert list(table["state"]) == [["To decide"]]
    assert list(table["says"]) == ["Ship treatment"]


@pytest.mark.parametrize("unit", ["Couples", "Users"])
@pytest.mark.parametrize("role", [Role.PRODUCT, Role.ADMIN])
def test_every_section_opens(database: Database, role: Role, unit: str) -> None:
    for section in SECTIONS:
        page = open_page(role, "experiments", id="price", section=section, unit=unit)

        assert not page.exception, (section, page.exception)
        assert ("Ship treatment\\." if unit == "Couples" else "Count couples to decide") in said(page)


def test_people_are_for_roles_that_may_see_them(database: Database) -> None:
    product, admin = (
        open_page(role, "experiments", id="price", section="People") for role in (Role.PRODUCT, Role.ADMIN)
    )

    assert "personal data, which your role does not include" in said(product)
    assert not product.dataframe
    assert len(admin.dataframe[0].value) == 50


def test_product_ships_what_the_card_says(database: Database) -> None:
    press(open_page(Role.PRODUCT, "experiments", id="price"), "Ship treatment", "Clear enough")
    after = open_page(Role.PRODUCT, "experiments", id="price")
    with database.primary.connect() as connection:
        on = connection.scalars(select(Variant.variant_name).where(Variant.is_active.is_(True))).all()

    assert decisions(database) == [("winner", "done")]
    assert on == ["treatment"]
    assert "The test has ended" in said(after)


def test_against_the_card_a_second_person_is_asked(database: Database) -> None:
    press(open_page(Role.PRODUCT, "experiments", id="price"), "Stop without a winner", "We lost interest")
    own = open_page(Role.PRODUCT, "experiments", id="price")
    press(open_page(Role.ADMIN, "experiments", id="price"), "Agree", "So be it")

    assert "somebody else has to agree" in said(own)
    assert decisions(database) == [("stop", "done")]


def test_the_gate_stops_who_wants_a_winner_of_a_broken_test(database: Database) -> None:
    trial(database, BROKEN, test="layout", now=moments.now())
    page = open_page(Role.PRODUCT, "experiments", id="layout")

    assert "No winner can be set\\: The arms do not have the planned sizes" in said(page)
    assert not [each for each in page.button if each.label.startswith("Ship") and each.form_id]


def test_a_test_with_one_arm_that_nobody_is_in_is_explained(database: Database) -> None:
    make_arm(database, "empty", "only", traffic_percentage=30)
    for section in SECTIONS:
        page = open_page(Role.PRODUCT, "experiments", id="empty", section=section)

        assert not page.exception, (section, page.exception)
        assert "The test has one arm" in said(page)
        assert "Nobody was put into an arm yet" in said(page)


def test_the_planner_gives_size_and_days_and_says_what_cannot_be(database: Database) -> None:
    page = open_page(Role.PRODUCT, "experiments", section="Planner")
    before = [metric.value for metric in page.metric]
    page.number_input(key="baseline").set_value(90.0).run()
    page.number_input(key="lift").set_value(50).run()

    assert before == ["31,234", "62,468", "625"]
    assert "the effect has to leave a rate between 0 and 100 %" in said(page)


def test_finance_does_not_see_tests(database: Database) -> None:
    assert "does not include this page" in said(open_page(Role.FINANCE, "experiments", id="price"))
