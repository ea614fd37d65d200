"""From a bar of money on the Revenue page to the payments that it counts, in a real browser."""

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
