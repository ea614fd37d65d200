"""The work list as support sees it, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.jobs import at_risk
from tests.factories import make_couple, make_subscription, make_user
from tests.metrics.ledger import entry
from tests.pages.at_desk import open_page, said, staffed_copy, written

ENTRY = "s1:set_to_cancel"


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """One couple whose subscription ends in three days."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    now = moments.now()
    payer = make_user(database, name="Anna Example")
    make_couple(database, id="c1", user_1_id=payer, user_2_id=make_user(database, name="Ben Example"))
    end = {"canceled_at": now - timedelta(days=1), "current_period_end": now + timedelta(days=3)}
    make_subscription(database, id="s1", relationship_id="c1", user_id=payer, **end)
    entry(database, now - timedelta(days=40))
    at_risk.run(database, now)
    yield database
    database.dispose()


def press(page: AppTest, label: str) -> None:
    """Press the button with a label in a form."""
    [button] = [each for each in page.button if each.label == label and each.form_id]
    button.click().run()


def write_note(page: AppTest, beside: str, note: str) -> None:
    """Type into the note in the form of a button."""
    [button] = [each for each in page.button if each.label == beside and each.form_id]
    [field] = [each for each in page.text_area if each.form_id == button.form_id]
    field.set_value(note)


def test_the_list_says_who_why_and_how_much(database: Database) -> None:
    page = open_page(Role.SUPPORT, "at_risk")
    table = page.dataframe[0].value

    assert not page.exception, page.exception
    assert [metric.value for metric in page.metric] == ["1", "$30.00", "1"]
    assert list(table["partner_1"]) == ["Anna E. ›"]
    assert list(table["reason"]) == [["Set to cancel"]]
    assert written(page.dataframe[0], "mrr_cents") == ["$30.00"]


def test_snoozing_takes_an_entry_from_the_list_and_putting_it_back_returns_it(database: Database) -> None:
    page = open_page(Role.SUPPORT, "at_risk", id=ENTRY)
    write_note(page, "Snooze", "They call back")
    press(page, "Snooze")
    after = open_page(Role.SUPPORT, "at_risk")
    again = open_page(Role.SUPPORT, "at_risk", id=ENTRY)
    press(again, "Put back on the list")
    at_last = open_page(Role.SUPPORT, "at_risk")

    assert "They call back" in said(page)
    assert "Nobody is at risk here. Well done." in said(after)
    assert list(at_last.dataframe[0].value["partner_1"]) == ["Anna E. ›"]


def test_a_note_is_asked_for(database: Database) -> None:
    page = open_page(Role.FINANCE, "at_risk", id=ENTRY)
    press(page, "Handled")

    assert "Note is needed." in said(page)


def test_product_does_not_open_it_and_an_entry_that_is_gone_gets_a_sentence(database: Database) -> None:
    closed = open_page(Role.PRODUCT, "at_risk")
    gone = open_page(Role.SUPPORT, "at_risk", id="s9:past_due")

    assert "Not allowed" in said(closed)
    assert "This is no longer on the list" in said(gone)
