"""From money and from a day of MRR on the Revenue page to what they count, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from lib.core.access import Role
from tests.browser.company import OpenDesk
from tests.browser.test_revenue import click_a_bar

pytestmark = pytest.mark.browser


def test_finance_goes_from_a_bar_of_money_to_one_payment(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("revenue?section=Payments", "Payments by month")
    click_a_bar(desk)
    # What was paid is what the list begins with; the tallest bar is one of what was refused.
    desk.page.wait_for_url(re.compile("what=Failed"), wait_until="commit")
    desk.settled()
    desk.says("Payments whose newest try was refused")
    desk.open_row(table=desk.page.get_by_test_id("stDataFrame").filter(visible=True).count() - 1)
    desk.says("What the couple paid, the newest first")
    desk.page.get_by_role("link", name="Open").first.click()
    desk.heading("Payments").wait_for()
    desk.settled()

    expect(desk.page.get_by_role("link", name="The couple")).to_be_visible()


def test_finance_goes_from_a_day_of_mrr_to_the_couples_that_count_on_it(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("revenue", "MRR by day")
    line = desk.page.locator(".js-plotly-plot .scatterlayer .points path.point")
    line.first.wait_for(state="attached")
    desk.page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    box = line.nth(line.count() // 2).bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_url(re.compile(r"day=\d{4}-\d\d-\d\d"), wait_until="commit")
    desk.settled()
    clicked = re.search(r"day=([\d-]+)", desk.page.url)
    assert clicked is not None

    desk.says(f"count at the end of {clicked[1]}")
