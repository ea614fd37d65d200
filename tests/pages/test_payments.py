"""The page of payments as its readers see it: why, how much, what can be done, and what Stripe says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.models import Operation
from lib.ui import resources
from tests.factories import make_dispute, make_invoice, make_payment
from tests.local_stripe import KEY, LocalStripe
from tests.pages.at_desk import open_page, said, staffed_copy


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    yield database
    database.dispose()


@pytest.fixture
def with_stripe(database: Database, stripe: LocalStripe) -> Database:
    """The pages' database, and a Stripe that they can ask."""
    environment = {"ADMIN_DEMO": "1", "STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": stripe.url}
    resources.set_up(Settings.from_environment(environment), database)
    return database


def test_a_failed_payment_says_why_and_what_is_owed(database: Database) -> None:
    page = open_page(Role.FINANCE, "payments", id=make_invoice(database, next_attempt_at=None))

    text = said(page)
    assert not page.exception, page.exception
    assert "There was not enough money in the account." in text
    assert "Stripe has given up" in text
    assert {"Retry now", "Send the invoice again", "Mark uncollectible", "Void"} <= buttons(page)


def test_support_may_collect_and_sees_why_it_may_not_give_up(database: Database) -> None:
    page = open_page(Role.SUPPORT, "payments", id=make_invoice(database))

    closed = {button.label for button in page.button if button.disabled}
    assert closed == {"Mark uncollectible", "Void"}
    assert said(page).replace("\\", "").count("Not for your role (support).") == 2


def test_a_dispute_names_its_deadline_and_where_evidence_is_handed_in(database: Database) -> None:
    payment = make_payment(database)
    make_dispute(database, payment_id=payment)

    page = open_page(Role.FINANCE, "payments", id=payment)

    [box] = page.error
    assert "Hand the evidence in at Stripe until **2026-06-18 12:00 UTC**" in box.value


@pytest.mark.parametrize("section", ["Tries and fees", "Credit note", "Credit balance"])
def test_without_stripe_a_section_says_so_and_the_rest_of_the_page_stays(
    database: Database, section: str
) -> None:
    page = open_page(Role.FINANCE, "payments", id=make_invoice(database), section=section)

    assert not page.exception, page.exception
    assert "Stripe cannot be asked" in said(page)
    assert "Retry now" in buttons(page)


def test_the_tries_of_a_payment_show_brand_and_last_four_digits_and_the_fee(
    with_stripe: Database, stripe: LocalStripe
) -> None:
    page = open_page(Role.FINANCE, "payments", id=stripe.payment(with_stripe), section="Tries and fees")

    assert not page.exception, page.exception
    [tries] = page.dataframe
    assert tries.value["card"].tolist() == ["Visa ···· 4242"]
    assert [(tile.label, tile.value) for tile in page.metric] == [
        ("Stripe's fee", "$1.17"),
        ("Left after the fee", "$28.83"),
        ("Tries", "1"),
    ]


def test_a_credit_note_is_previewed_by_stripe_before_it_is_issued(
    with_stripe: Database, stripe: LocalStripe
) -> None:
    page = open_page(Role.FINANCE, "payments", id=stripe.unpaid(with_stripe), section="Credit note")
    [box] = [field for field in page.text_input if field.label == "Amount of the credit note (USD)"]
    box.set_value("10").run()

    assert not page.exception, page.exception
    assert r"asks for **\$10\.00** less: \$30\.00 before it, \$20\.00 after it." in said(page)
    assert "Issue the credit note" in buttons(page)


def test_credit_is_shown_before_and_after_it_is_added(with_stripe: Database, stripe: LocalStripe) -> None:
    page = open_page(Role.FINANCE, "payments", id=stripe.unpaid(with_stripe), section="Credit balance")
    [box] = [field for field in page.text_input if field.label == "Amount of credit (USD)"]
    box.set_value("7.50").run()
    shown = {tile.label: tile.value for tile in page.metric}
    page.text_area(key="credit:reason").set_value("The sync was down")
    [submit] = [button for button in page.button if button.label == "Add credit"]
    submit.click().run()

    assert not page.exception, page.exception
    assert [box.value for box in page.error] == []
    assert shown == {"Credit now": "$0.00", "Credit after it": "$7.50"}
    with with_stripe.primary.connect() as connection:
        assert connection.scalars(select(Operation.kind)).all() == ["customer_balance"]


def test_what_is_no_amount_gets_a_sentence(with_stripe: Database, stripe: LocalStripe) -> None:
    page = open_page(Role.FINANCE, "payments", id=stripe.unpaid(with_stripe), section="Credit note")
    [box] = [field for field in page.text_input if field.label == "Amount of the credit note (USD)"]
    box.set_value("ten").run()

    assert [box.value for box in page.error] == ["“ten” is not an amount of money. Write it like 30.00."]
    assert "Issue the credit note" not in buttons(page)


@pytest.mark.parametrize("show", ["Failed", "Disputes"])
def test_a_list_without_rows_says_so(database: Database, show: str) -> None:
    page = open_page(Role.FINANCE, "payments", show=show)

    assert [box.value for box in page.info] == [
        {"Failed": "Everything was collected.", "Disputes": "No disputes."}[show]
    ]


def buttons(page) -> set[str]:
    """What can be pressed: forms that unfold, by the button inside them."""
    return {button.label for button in page.button}
