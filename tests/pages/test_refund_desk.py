"""The refund desk as support and finance see it, without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lib.core.access import Role
from lib.core.database import Database
from lib.core.work import working
from lib.models import ActionPlan, Operation, RefundHandOn, RefundLimit
from lib.services.plans import plan
from tests.factories import make_payment, make_refund
from tests.pages.at_desk import open_page, said, staffed_copy, written
from tests.services.test_plans import Home
from tests.staff import SUPPORT


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    staffed = staffed_copy(staffed, tmp_path / "admin.db")
    yield staffed
    staffed.dispose()


def button(page, label: str, *, form: bool = True):
    """The button with a label: of a form, or one that unfolds nothing because it is closed."""
    [found] = [each for each in page.button if each.label == label and bool(each.form_id) is form]
    return found


def fill(page, label: str, text: str, beside: str) -> None:
    """Type into the field with a label in the form of a button."""
    form = button(page, beside).form_id
    fields = [*page.text_area, *page.text_input]
    [field] = [each for each in fields if each.label == label and each.form_id == form]
    field.set_value(text)


def rows(database: Database, model) -> int:
    with database.primary.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0


def propose(home: Home) -> str:
    shown = home.look()
    with working(home.database, SUPPORT) as work:
        return plan.propose(work, home.couple, home.wishes(), shown=shown.digest, reason="Moving abroad")


def test_support_sees_the_recommendation_and_why_it_cannot_decide(database: Database) -> None:
    refund = make_refund(database, transaction_id=make_payment(database))
    page = open_page(Role.SUPPORT, "refunds", id=refund)

    assert not page.exception, page.exception
    assert "Your role does not decide on refunds." in said(page)
    assert "Recommendation" in said(page)
    assert "A colleague is looking at it" in page.code[0].value
    assert button(page, "Approve and pay", form=False).disabled


def test_finance_hands_a_decision_on(database: Database) -> None:
    refund = make_refund(database)
    page = open_page(Role.FINANCE, "refunds", id=refund)
    fill(page, "Message", "Beyond my limit", "Hand on")
    button(page, "Hand on").click().run()

    assert not page.exception, page.exception
    assert "asked admin@example" in said(page).replace("\\", "")
    assert rows(database, RefundHandOn) == 1


def test_denying_asks_for_words_to_who_asked(database: Database) -> None:
    refund = make_refund(database)
    page = open_page(Role.FINANCE, "refunds", id=refund)
    button(page, "Deny").click().run()

    assert "Words to who asked for it is needed." in said(page)


def test_the_limits_are_shown_to_finance_and_set_by_an_admin(database: Database) -> None:
    for_finance = open_page(Role.FINANCE, "refunds", section="Limits")
    for_admin = open_page(Role.ADMIN, "refunds", section="Limits")
    fill(for_admin, "E-mail of a person, or a role", "finance", "Set a limit")
    fill(for_admin, "Limit (USD)", "750", "Set a limit")
    fill(for_admin, "Reason", "Agreed", "Set a limit")
    button(for_admin, "Set a limit").click().run()

    assert not for_finance.exception
    assert not for_admin.exception
    assert button(for_finance, "Set a limit", form=False).disabled
    assert list(for_finance.dataframe[0].value["holder"]) == ["admin@example.org", "finance@example.org"]
    assert written(for_admin.dataframe[0], "limit_cents") == ["$500.00", "$750.00"]
    assert rows(database, RefundLimit) == 1


def test_the_limits_on_grants_are_set_beside_them_in_credits(database: Database) -> None:
    page = open_page(Role.ADMIN, "refunds", section="Limits", limits_on="Grants of AI credits and add-ons")
    fill(page, "E-mail of a person, or a role", "finance", "Set a limit")
    fill(page, "Limit (credits)", "750", "Set a limit")
    fill(page, "Reason", "Agreed", "Set a limit")
    button(page, "Set a limit").click().run()

    assert not page.exception, page.exception
    assert written(page.dataframe[0], "limit_cents") == [
        "500 credits",
        "$200.00",
        "750 credits",
        "$200.00",
    ]


def test_support_has_no_section_of_limits(database: Database) -> None:
    page = open_page(Role.SUPPORT, "refunds", section="Limits")

    assert not page.exception, page.exception
    assert "No pending refunds." in said(page)


def test_support_sees_a_dry_run_grow_with_the_wishes_and_proposes_it(database: Database) -> None:
    home = Home(database)
    page = open_page(Role.SUPPORT, "plans", couple=home.couple)
    page.selectbox(key="wish:payment").select(home.payment)
    page.selectbox(key="wish:subscription").select(home.subscription)
    page.run()
    page.toggle(key="wish:credits").set_value(True).run()
    text = said(page).replace("\\", "")
    fill(page, "Reason", "Moving abroad", "Propose this plan")
    button(page, "Propose this plan").click().run()

    assert not page.exception, page.exception
    assert "**1. Cancel Try It Out at the period's end**" in text
    assert "**2. Take back 30 AI credits**" in text
    assert "**3. Give back $30.00**" in text
    assert rows(database, ActionPlan) == 1
    assert "This couple has an open plan already" in said(page)


def test_an_impossible_amount_says_why_in_the_dry_run(database: Database) -> None:
    home = Home(database)
    page = open_page(Role.SUPPORT, "plans", couple=home.couple)
    page.selectbox(key="wish:payment").select(home.payment).run()
    page.text_input(key=f"wish:amount:{home.payment}").set_value("30.01").run()

    assert "Only $30.00 of this payment is left to refund." in said(page)
    assert button(page, "Propose this plan", form=False).disabled


def test_finance_approves_a_plan_as_a_whole(database: Database) -> None:
    plan_id = propose(Home(database))
    page = open_page(Role.FINANCE, "plans", id=plan_id)
    fill(page, "Reason", "Fair", "Approve the plan")
    button(page, "Approve the plan").click().run()

    assert not page.exception, page.exception
    with database.primary.connect() as connection:
        assert connection.scalars(select(ActionPlan.state)).all() == ["running"]
    assert rows(database, Operation) == 0


def test_support_sees_why_it_cannot_decide_on_a_plan(database: Database) -> None:
    plan_id = propose(Home(database))
    page = open_page(Role.SUPPORT, "plans", id=plan_id)

    assert not page.exception, page.exception
    assert button(page, "Approve the plan", form=False).disabled


def test_plans_that_do_not_exist_get_a_sentence(database: Database) -> None:
    for address in ({"id": "x" * 500}, {"couple": "x" * 500}):
        page = open_page(Role.FINANCE, "plans", **address)

        assert not page.exception, page.exception
        assert "There is no" in said(page)
