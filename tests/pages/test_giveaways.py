"""Credits & gifts, and what begins or ends for a couple, at the desk: forms, effects, refusals."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.demo.staff import create_demo_staff
from lib.models import AiCredit, CreditGrant, Operation, Relationship
from lib.ui import resources
from tests.factories import (
    make_addon,
    make_couple,
    make_credit,
    make_plan,
    make_purchase,
    make_subscription,
    make_user,
)
from tests.local_stripe import KEY, LocalStripe
from tests.pages.at_desk import open_page, said


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path, stripe: LocalStripe) -> Iterator[Database]:
    """A database with the demo accounts; the pages ask the local Stripe."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'admin.db')}")
    create_demo_staff(database)
    settings = Settings.from_environment({"ADMIN_DEMO": "1"})
    resources.set_up(replace(settings, stripe_key=KEY, stripe_api_base=stripe.url), database)
    yield database
    database.dispose()


def submit(page: Any, label: str, **typed: str) -> None:
    """Fill in the form with this button, by the labels of its fields, and press the button."""
    [button] = [each for each in page.button if each.label == label and each.form_id]
    for field in (*page.text_area, *page.text_input, *page.number_input, *page.selectbox):
        if field.form_id == button.form_id and field.label in typed:
            field.set_value(typed[field.label])
    button.click().run()
    assert not page.exception, page.exception


def choose(page: Any, label: str, value: str, position: int = 0) -> None:
    [*boxes] = [box for box in page.selectbox if box.label == label]
    boxes[position].set_value(value).run()
    assert not page.exception, page.exception


def count(database: Database, model: Any) -> int:
    with database.primary.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0


def test_support_requests_credits_and_finance_gives_them(database: Database) -> None:
    make_addon(database)
    couple = make_couple(database)
    make_credit(database, couple, credits_balance=50)
    ledger = open_page(Role.SUPPORT, "credits", id=couple)
    submit(ledger, "Request credits", Credits=35, Reason="The answer never came")
    with database.primary.connect() as connection:
        grant = connection.scalars(select(CreditGrant.id)).one()

    own = open_page(Role.SUPPORT, "credits", id=grant)
    decision = open_page(Role.FINANCE, "credits", id=grant)
    before = count(database, AiCredit)
    submit(decision, "Give it", Reason="Fair")

    assert [button.disabled for button in own.button if button.label == "Give it"] == [True]
    assert (before, count(database, AiCredit)) == (1, 2)
    assert "35 credits" in said(decision)


def test_a_ledger_that_does_not_add_up_says_so_above_everything(database: Database) -> None:
    couple = make_couple(database)
    make_credit(database, couple, credits_amount=50, credits_balance=48)

    page = open_page(Role.SUPPORT, "credits", id=couple)

    assert not page.exception, page.exception
    assert "Difference: -2." in page.warning[0].value


def test_each_kind_of_row_opens_by_its_id_alone(database: Database) -> None:
    gift = make_subscription(database, is_gift=True, stripe_subscription_id=None)
    for key, words in ((gift, "Try It Out"), (make_purchase(database), "Surprise box")):
        page = open_page(Role.FINANCE, "credits", id=key)

        assert not page.exception, page.exception
        assert words in said(page)


def test_product_does_not_see_the_desk(database: Database) -> None:
    assert "Not allowed" in said(open_page(Role.PRODUCT, "credits"))


def test_stripes_preview_stands_before_the_button_that_starts_a_subscription(
    database: Database, stripe: LocalStripe
) -> None:
    # Both partners read the same while they are masked, and only one of them has a card.
    payer, partner = make_user(database, name="Anna Lind"), make_user(database, name="Anna Lowe")
    couple = make_couple(database, user_1_id=payer, user_2_id=partner)
    plan = make_plan(database, is_active=True, stripe_price_id="price_of_tests")
    stripe.customer(payer)
    page = open_page(Role.SUPPORT, "relationships", id=couple, section="Start or give")
    before = said(page)
    choose(page, "Plan", plan)
    effect = said(page)
    submit(page, "Start it", Reason="By phone")

    assert "Choose a plan" in before
    assert "Charged now: **\\$30\\.00**, on visa" in effect
    assert count(database, Operation) == 1


def test_without_a_card_at_stripe_nothing_can_be_started(database: Database) -> None:
    couple = make_couple(database)
    plan = make_plan(database, is_active=True, stripe_price_id="price_of_tests")
    page = open_page(Role.SUPPORT, "relationships", id=couple, section="Start or give")
    choose(page, "Plan", plan)

    assert "No card of theirs is known at Stripe" in said(page)
    assert not [button for button in page.button if button.label == "Start it"]


def test_ending_a_couple_asks_for_the_words_and_for_the_subscription(database: Database) -> None:
    couple = make_couple(database)
    make_subscription(database, relationship_id=couple)
    page = open_page(Role.SUPPORT, "relationships", id=couple, section="Pause or end")
    submit(page, "End the couple", Reason="They part")
    refused = said(page)
    confirm = "Type “end the couple” to confirm"
    submit(page, "End the couple", **{"Reason": "They part", confirm: "end the couple"})

    with database.primary.connect() as connection:
        status = connection.scalars(select(Relationship.status).where(Relationship.id == couple)).one()
    assert "exactly to confirm" in refused
    assert status == "ended"
    assert count(database, Operation) == 1


def test_pausing_a_couple_shows_what_becomes_of_its_bills_before_the_button(database: Database) -> None:
    couple = make_couple(database)
    make_subscription(database, relationship_id=couple)
    page = open_page(Role.SUPPORT, "relationships", id=couple, section="Pause or end")
    choose(page, "Their subscriptions", "pause_collection")
    choose(page, "What becomes of the bills", "keep_as_draft")
    shown = said(page).replace("\\", "")
    submit(page, "Pause the couple", Reason="A break")

    with database.primary.connect() as connection:
        operation = connection.execute(select(Operation.kind, Operation.params)).one()
    assert "Its bills are paused until it is billed again" in shown
    assert (operation.kind, json.loads(operation.params)["behavior"]) == (
        "subscription_pause_collection",
        "keep_as_draft",
    )
