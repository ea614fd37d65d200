"""One subscription on its page, section by section, with a local Stripe that answers its questions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.models import DiscountCode, Operation
from lib.ui import resources
from tests import local_stripe
from tests.factories import make_plan, make_subscription, write
from tests.local_stripe import LocalStripe
from tests.pages.at_desk import open_page, said, staffed_copy

SECTIONS = ("Overview", "Change plan", "Pause", "End", "Goodwill", "Discounts", "History")


@pytest.fixture
def database(staffed: Path, tmp_path: Path, stripe: LocalStripe) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    environment = {"ADMIN_DEMO": "1", "STRIPE_SECRET_KEY": local_stripe.KEY, "STRIPE_API_BASE": stripe.url}
    resources.set_up(Settings.from_environment(environment), database)
    yield database
    database.dispose()


@pytest.fixture
def subscription(database: Database, stripe: LocalStripe) -> str:
    plan = make_plan(database, stripe_price_id="price_of_tests")
    make_plan(
        database, id="dearer", stripe_price_id="price_dearer", price_cents=5000, plan_name="Premium Plus"
    )
    return stripe.subscription(database, plan_id=plan)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FINANCE])
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_for_every_role_that_may(subscription: str, section: str, role: Role) -> None:
    page = open_page(role, "subscriptions", id=subscription, section=section)

    assert not page.exception, page.exception
    assert not page.error
    assert not page.warning


def test_the_next_bill_is_what_stripe_says(subscription: str) -> None:
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription)

    assert "**Next bill:** \\$30\\.00 on" in said(page)


def test_a_change_of_plan_shows_what_is_charged_now_and_then_and_what_becomes_of_mrr(
    subscription: str,
) -> None:
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription, section="Change plan")
    text = said(page)

    assert "Premium Plus, monthly" in text.replace("\\", "")
    assert "Then $50.00 on" in text.replace("\\", "")
    assert "$30.00 → $50.00 (+$20.00)" in text.replace("\\", "")


def test_a_plan_is_changed_by_the_preview_that_was_shown(database: Database, subscription: str) -> None:
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription, section="Change plan")
    [submit] = [button for button in page.button if button.label == "Change plan"]
    [reason] = [area for area in page.text_area if area.form_id == submit.form_id]
    reason.set_value("They want more")
    submit.click().run()

    with database.primary.connect() as connection:
        [queued] = connection.execute(select(Operation.__table__))
    assert not page.exception, page.exception
    assert (queued.kind, queued.state) == ("subscription_change_plan", "prepared")
    assert '"proration":"always_invoice"' in queued.params


def test_a_code_shows_what_stripe_makes_of_the_next_bill(database: Database, subscription: str) -> None:
    now = moments.now()
    write(
        database,
        DiscountCode,
        id="disc_1",
        code="SPRING20",
        discount_type="percentage",
        discount_value=20,
        applies_to="all",
        stripe_coupon_id="co_spring",
        valid_from=now.replace(year=now.year - 1),
        valid_until=now.replace(year=now.year + 1),
        is_active=True,
    )
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription, section="Discounts", code="spring20")

    text = said(page).replace("\\", "")
    assert "$6.00 off a bill of $30.00. The next bill, Stripe says: $24.00 on" in text


def test_a_code_that_does_not_exist_gets_a_sentence(subscription: str) -> None:
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription, section="Discounts", code="**nope**")

    assert not page.exception, page.exception
    assert [box.value.replace("\\", "") for box in page.warning] == ["There is no code “**nope**”."]


def test_only_finance_is_offered_to_charge_nothing(subscription: str) -> None:
    offered = {}
    for role in (Role.SUPPORT, Role.FINANCE):
        page = open_page(role, "subscriptions", id=subscription, section="Goodwill")
        offered[role] = [button.disabled for button in page.button if button.label == "Charge nothing"]

    assert offered == {Role.SUPPORT: [True], Role.FINANCE: [False]}


def test_without_stripe_the_page_says_so_and_everything_else_is_there(database: Database) -> None:
    resources.set_up(Settings.from_environment({"ADMIN_DEMO": "1"}), database)
    subscription = make_subscription(database)
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription, section="Pause")

    assert not page.exception, page.exception
    assert ["Stripe cannot be asked" in box.value for box in page.warning] == [True]
    assert {"Pause the bills", "Pause the subscription"} <= {button.label for button in page.button}
