"""A code, a price and a bulk run, made by a person in a browser, done by the worker, and seen at Stripe."""

import re

import pytest
from sqlalchemy import func, select

from lib.core.access import Role
from lib.models import BulkRun, Note
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser


def test_finance_makes_a_code_that_stripe_then_has(company: Company, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("discounts", "Discounts")
    form = desk.unfold("Make a code")
    form.get_by_label("Code", exact=True).fill("spring27")
    form.get_by_label("Percent off").fill("25")
    form.get_by_role("spinbutton", name="year, Last day (UTC)").click()
    desk.page.keyboard.type("20270331")
    form.get_by_label("Reason").fill("Spring campaign")
    desk.submit(form, "Make a code")
    desk.says("Usable")
    [made] = company.gateway.discounts.codes(code="SPRING27")

    assert made.active is True
    assert company.gateway.discounts.coupon(str(made.coupon_id)).percent_off == 25


def test_an_add_on_that_stripe_lacks_is_made_there(company: Company, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("catalogue?id=subscription_addons%2Faddon_new_parents_pack", "Catalogue")
    form = desk.unfold("Make it at Stripe")
    form.get_by_label("Reason").fill("It is on offer from today")
    desk.submit(form, "Make it at Stripe")
    desk.says("In step")
    prices = list(company.gateway.catalogue.prices(product_id="prod_new_parents_pack"))

    assert [(price.unit_amount, price.active) for price in prices] == [(2499, True)]


def test_a_bulk_run_is_started_by_typing_how_many(company: Company, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("bulk?section=New+run&status=Active", "Bulk")
    form = desk.unfold("Add a note")
    form.get_by_label("Note").fill("Asked for the survey")
    form.get_by_label("Reason").fill("Spring survey")
    desk.submit(form, "Add a note")
    start = desk.page.get_by_role("button", name="Do it to")
    start.wait_for()
    [number] = re.findall(r"Do it to (\d+)", start.inner_text())
    form = desk.unfold(f"Do it to {number}")
    form.get_by_label("Reason").fill("Agreed")
    form.get_by_label("to confirm").fill(number)
    desk.submit(form, f"Do it to {number}")
    noted = select(func.count()).where(Note.body == "Asked for the survey")
    eventually(lambda: company.value(noted) == int(number))
    state = select(BulkRun.state).order_by(BulkRun.id.desc()).limit(1)
    eventually(lambda: company.value(state) == "done")

    desk.says("Ended")
