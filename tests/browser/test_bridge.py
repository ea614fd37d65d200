"""The bridge between two policies as finance uses it, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from lib.core.access import Role
from tests.browser.company import OpenDesk

pytestmark = pytest.mark.browser


def test_finance_goes_from_a_policy_over_a_reason_to_the_payments_and_back(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("bridge", "From House policy to As Stripe counts")
    desk.page.get_by_role("combobox", name="To").click()
    desk.page.get_by_role("option", name="Contracted").click()
    desk.page.wait_for_url(re.compile("to=contracted"), wait_until="commit")
    desk.heading("From House policy to Contracted").wait_for()
    desk.says("It ties:")
    reason = desk.page.locator(".js-plotly-plot .waterfalllayer .point path").nth(1)
    reason.scroll_into_view_if_needed()
    box = reason.bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_url(re.compile("reason="), wait_until="commit")
    desk.settled()
    # Below the table of reasons.
    desk.open_row(table=1)
    desk.says("What the couple paid, the newest first")
    desk.page.get_by_role("button", name="The bridge").click()

    expect(desk.heading("From House policy to Contracted")).to_be_visible()
