"""The pages of codes, the catalogue and bulk runs, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.jobs import bulk_runs, code_batches
from lib.models import AdminUser, BatchSwitchOff, BulkRun, CodeBatch, DiscountCode, Operation
from lib.services import discounts
from tests.factories import make_plan, make_subscription, write
from tests.pages.at_desk import open_page, said, staffed_copy
from tests.staff import do


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    yield database
    database.dispose()


def rows(database: Database, statement: object) -> list[object]:
    with database.primary.execution_options(writes=False).connect() as connection:
        return list(connection.execute(statement).all())  # type: ignore[call-overload]


def make_code(database: Database) -> str:
    return write(
        database,
        DiscountCode,
        id="code",
        code="SPRING",
        discount_type="percentage",
        discount_value=20,
        applies_to="subscription",
        valid_from=moments.now() - timedelta(days=1),
        valid_until=moments.now() + timedelta(days=9),
        is_active=True,
    )


def made_batch(database: Database, wanted: int) -> str:
    """A batch of longer trials, which are ours alone, with all its codes."""
    finance = Actor("finance", "finance@example.org", Role.FINANCE)
    terms = {"kind": "trial_extension", "value": 14, "duration": "once", "max_uses": 1}
    key: str = do(
        database,
        finance,
        discounts.make_batch,
        title="Fair",
        prefix="FAIR",
        wanted=wanted,
        at_stripe=False,
        reason="Cards",
        valid_from=moments.now().date(),
        valid_until=moments.now().date() + timedelta(days=9),
        **terms,
    )
    code_batches.work_off(database, None, "worker", moments.now())
    return key


def test_finance_makes_a_code_by_its_form(database: Database) -> None:
    page = open_page(Role.FINANCE, "discounts", gives="Trial extension")
    page.text_input(key="make:trial_extension:code").input("longer14")
    page.number_input(key="make:trial_extension:value").set_value(14)
    page.date_input(key="make:trial_extension:valid_until").set_value(
        moments.now().date() + timedelta(days=9)
    )
    page.text_area(key="make:trial_extension:reason").input("Spring")
    next(button for button in page.button if button.label == "Make a code").click().run()

    assert not page.exception, page.exception
    assert rows(database, select(DiscountCode.code, DiscountCode.discount_value)) == [("LONGER14", 14)]
    assert "14 more days of trial" in said(page)


def test_what_is_wrong_in_a_form_is_said_there(database: Database) -> None:
    page = open_page(Role.FINANCE, "discounts")
    page.text_input(key="make:percentage:code").input("S")
    next(button for button in page.button if button.label == "Make a code").click().run()

    assert [error.value for error in page.error] == ["Percent off is needed."]
    assert rows(database, select(DiscountCode.id)) == []


def test_a_batch_is_asked_for_and_opens(database: Database) -> None:
    page = open_page(Role.FINANCE, "discounts", section="Batches")
    key = "batch:percentage"
    page.text_input(key=f"{key}:title").input("Fair")
    page.text_input(key=f"{key}:prefix").input("fair")
    page.number_input(key=f"{key}:wanted").set_value(500)
    page.number_input(key=f"{key}:value").set_value(15)
    page.date_input(key=f"{key}:valid_until").set_value(moments.now().date() + timedelta(days=9))
    page.text_area(key=f"{key}:reason").input("Cards")
    next(button for button in page.button if button.label == "Make many unique codes").click().run()

    assert not page.exception, page.exception
    assert rows(database, select(CodeBatch.wanted, CodeBatch.state)) == [(500, "making")]
    assert "15 % off the first bill" in said(page)
    assert rows(database, select(Operation.kind)) == [("discount_coupon",)]


def test_a_batch_is_switched_off_by_typing_how_many_codes_that_is(database: Database) -> None:
    batch = made_batch(database, 3)
    page = open_page(Role.FINANCE, "discounts", batch=batch)
    page.text_area(key="batch:off:reason").input("Leaked")
    page.text_input(key="batch:off:confirm").input("3")
    next(button for button in page.button if button.label == "Switch the batch off").click().run()

    assert not page.exception, page.exception
    assert rows(database, select(BatchSwitchOff.batch_id, BatchSwitchOff.wanted)) == [(batch, 3)]
    assert any(button.label == "Stop switching off" for button in page.button)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.PRODUCT])
def test_who_may_only_read_codes_gets_no_form(database: Database, role: Role) -> None:
    make_code(database)
    page = open_page(role, "discounts", id="code")
    offered = {button.label: button.disabled for button in page.button}

    assert not page.exception, page.exception
    assert (offered["Switch off"], offered["Change limits"]) == (True, True)
    assert "SPRING" in said(page)


def test_a_code_says_that_stripe_cannot_be_asked(database: Database) -> None:
    make_code(database)
    page = open_page(Role.FINANCE, "discounts", id="code")

    assert any("Stripe cannot be asked" in str(warning.value) for warning in page.warning)
    assert any("names no coupon" in str(warning.value) for warning in page.warning)


def test_the_catalogue_opens_while_stripe_is_silent(database: Database) -> None:
    plan = make_plan(database)
    listed = open_page(Role.PRODUCT, "catalogue")
    opened = open_page(Role.FINANCE, "catalogue", id=f"subscription_plans/{plan}")

    assert not listed.exception, listed.exception
    assert not opened.exception, opened.exception
    assert {button.label for button in opened.button if button.disabled} == {
        "Make it at Stripe",
        "New price",
        "Take over Stripe's price",
    }


def test_a_bulk_run_is_chosen_looked_at_and_started_by_typing_its_number(database: Database) -> None:
    for _ in range(3):
        make_subscription(database, status="past_due")
    page = open_page(Role.FINANCE, "bulk", section="New run", status="Past due")
    page.text_area(key="bulk:cancel_at_period_end:reason").input("Overdue")
    next(button for button in page.button if button.label == "Cancel at period end").click().run()
    assert not page.exception, page.exception
    while bulk_runs.work_off(database, "worker", moments.now()):
        pass
    page.run()
    page.text_area(key="start:reason").input("Agreed")
    page.text_input(key="start:confirm").input("2")
    press = next(button for button in page.button if button.label == "Do it to 3")
    press.click().run()
    refused = [str(error.value) for error in page.error]
    page.text_input(key="start:confirm").input("3")
    next(button for button in page.button if button.label == "Do it to 3").click().run()

    assert refused == ["Type “3” exactly to confirm."]
    assert rows(database, select(BulkRun.state, BulkRun.can)) == [("running", 3)]
    [(finance,)] = rows(database, select(AdminUser.id).where(AdminUser.role == "finance"))
    assert rows(database, select(BulkRun.requested_by)) == [(finance,)]


def test_without_a_filter_nothing_is_offered_in_bulk(database: Database) -> None:
    make_subscription(database)
    page = open_page(Role.FINANCE, "bulk", section="New run")

    assert not page.exception, page.exception
    assert all(button.disabled for button in page.button if button.label == "Cancel at period end")
