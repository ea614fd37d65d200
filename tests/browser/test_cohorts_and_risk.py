"""From a cohort's cell to its payments, and a work list that gets shorter, in a real browser."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from lib.core.access import Role
from lib.models import CohortCouple, RiskAnswer
from tests.browser.company import Company, Desk, OpenDesk, eventually

pytestmark = pytest.mark.browser


def click_a_cell(desk: Desk, number: int) -> None:
    """Click a square of the grid, where the browser drew it."""
    squares = desk.page.locator(".js-plotly-plot .barlayer .point path")
    squares.nth(number).scroll_into_view_if_needed()
    box = squares.nth(number).bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_finance_goes_from_a_cell_to_its_couples_and_from_there_to_their_payments(
    company: Company, open_desk: OpenDesk
) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("", "Today")
    desk.menu("Cohorts")
    click_a_cell(desk, 0)
    desk.page.wait_for_url(re.compile(r"cohort=.*age=0|age=0.*cohort="), wait_until="commit")
    desk.settled()
    cohort = company.value(select(func.min(CohortCouple.cohort)).where(CohortCouple.policy == "house"))

    assert f"cohort={cohort:%Y-%m}" in desk.page.url
    desk.open_row()
    desk.says("What the couple paid, the newest first")
    desk.page.get_by_role("link", name="Open").click()
    desk.heading("Payments").wait_for()
    desk.settled()
    expect(desk.page.get_by_role("link", name="The couple")).to_be_visible()


def test_support_snoozes_a_couple_at_risk_and_the_list_gets_shorter(
    company: Company, open_desk: OpenDesk
) -> None:
    desk = open_desk(Role.SUPPORT)
    desk.open("", "Today")
    desk.menu("At risk")
    shown = desk.page.get_by_text(re.compile(r"1–\d+ of \d+"))
    before = int((shown.first.text_content() or "").split(" of ")[1].split(" ")[0])
    desk.open_row()
    desk.heading("What helps").wait_for()
    form = desk.unfold("Snooze")
    form.get_by_label("Note").fill("They call back on Monday")
    desk.submit(form, "Snooze")
    desk.says("It is out of the list until then.")
    eventually(lambda: company.value(select(func.count()).select_from(RiskAnswer)) == 1)
    desk.says("They call back on Monday")
    desk.page.get_by_role("button", name="The whole list").click()

    expect(shown.first).to_contain_text(f"of {before - 1}")


def test_a_step_opens_the_form_that_helps(company: Company, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.SUPPORT)
    desk.open("at_risk?reason=Set%20to%20cancel", "At risk")
    desk.open_row()
    desk.page.get_by_role("link", name="Keep it").click()
    desk.heading("Subscriptions").wait_for()
    desk.settled()

    expect(desk.page.get_by_role("button", name="Keep it").first).to_be_visible()
