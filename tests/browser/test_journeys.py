"""From a bar of a funnel to those behind it, in a real browser."""

import re

import pytest

from lib.core.access import Role
from tests.browser.company import Company, OpenDesk

pytestmark = pytest.mark.browser


def test_admin_clicks_a_lost_bar_for_those_behind_it_and_the_address_says_it_again(
    company: Company, open_desk: OpenDesk
) -> None:
    desk = open_desk(Role.ADMIN)
    desk.open("funnels?funnel=The+first+week+together&within=12+months", "Funnels")
    lost = desk.page.locator(".js-plotly-plot .barlayer .trace").nth(1).locator(".point path")
    box = lost.nth(2).bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_url(re.compile("outcome=Lost"), wait_until="commit")
    desk.settled()
    desk.page.get_by_text(re.compile(r"1–\d+ of \d+")).wait_for()
    address = desk.page.url
    desk.open(address.removeprefix(f"{desk.url}/"), "Funnels")

    desk.says("Lost before it")
    desk.page.get_by_text(re.compile(r"1–\d+ of \d+")).wait_for()
