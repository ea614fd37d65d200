"""The error desk without a browser: odd data is shown and explained, and what is done there is done."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.jobs import error_groups
from lib.metrics.error_fingerprints import fingerprint
from tests.factories import make_error, make_payment, make_user
from tests.pages.at_desk import open_page, said, staffed_copy, written

STACK = "\n    at applyDiscount (src/billing/checkout.ts:52:17)\n    at run (node_modules/x/y.js:1:1)"
HUGE = STACK + "\n    at walk (src/tree.ts:1:1)" * 40_000
GROUP = fingerprint("TypeError", "", STACK).group_id
ODD = fingerprint("", "\x07 \x1b beep", HUGE).group_id


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """A group that cost Anna's payment, and one of odd errors."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    now = moments.now()
    anna = make_user(database, name="Anna Example")
    make_error(database, "e1", stack_trace=STACK, user_id=anna, created_at=now - timedelta(hours=2))
    odd = {"error_type": "", "error_message": "\x07 \x1b beep", "severity": None, "stack_trace": HUGE}
    make_error(database, "ahead", created_at=now + timedelta(days=4000), **odd)
    make_payment(database, user_id=anna, status="failed", created_at=now - timedelta(hours=1))
    error_groups.run(database, now)
    yield database
    database.dispose()


def press(page: AppTest, label: str) -> None:
    """Press the button with a label in a form."""
    [button] = [each for each in page.button if each.label == label and each.form_id]
    button.click().run()


def test_the_list_has_the_dearest_group_first_and_tells_what_was_not_counted_yet(database: Database) -> None:
    make_error(database, "new", error_type="Unheard", created_at=moments.now())
    page = open_page(Role.PRODUCT, "errors")
    table = next(each for each in page.dataframe if "cost_cents" in each.value)

    assert not page.exception, page.exception
    assert list(table.value["error_type"]) == ["TypeError ›", "Error without a type ›"]
    assert written(table, "cost_cents") == ["$30.00", "$0.00"]
    assert [each.label for each in page.expander if "never seen before" in each.label] == [
        each.label for each in page.expander if each.label.startswith("1 error since")
    ]


def test_an_unknown_key_is_told_in_a_sentence(database: Database) -> None:
    page = open_page(Role.PRODUCT, "errors", q="colour:red")

    assert not page.exception, page.exception
    assert "There is no “colour:” to search by." in said(page)


@pytest.mark.parametrize(
    "part", ["Stack", "What came of it", "Errors", "People", "Places and tests", "Notes and history"]
)
@pytest.mark.parametrize("group", [GROUP, ODD])
def test_every_part_of_a_group_opens_whatever_the_app_sent(database: Database, group: str, part: str) -> None:
    page = open_page(Role.SUPPORT, "errors", id=group, part=part)

    assert not page.exception, page.exception
    assert not page.error
    assert len(page.subheader) == 1


def test_a_stack_of_a_megabyte_and_a_clock_that_is_ahead_are_explained(database: Database) -> None:
    of_group = said(open_page(Role.PRODUCT, "errors", id=ODD))
    of_error = said(open_page(Role.PRODUCT, "errors", id="ahead"))

    assert f"It has {len(HUGE):,} characters; the first 65,536 of them are read." in of_group
    assert "1 of them came without a moment or with one that lies ahead of us" in of_group
    assert "it counts from when we read it first" in of_error


def test_a_group_is_resolved_opened_again_and_noted_by_who_may(database: Database) -> None:
    page = open_page(Role.PRODUCT, "errors", id=GROUP)
    press(page, "Resolve")
    again = open_page(Role.PRODUCT, "errors", id=GROUP)
    press(again, "Open again")
    note = open_page(Role.SUPPORT, "errors", id=GROUP, part="Notes and history")
    next(each for each in note.text_area if each.form_id).set_value("Two callers so far")
    press(note, "Add a note")

    assert "Its single errors follow within minutes." in said(page)
    assert "Open again" not in [button.label for button in again.button]
    assert "Two callers so far" in said(note)
    assert "Not for your role" in said(note)
