"""From a bar of a funnel, and from a cell of retention, to a couple, in a real browser."""

import re

import pytest

from lib.core.access import Role
from tests.browser.company import Company, OpenDesk

pytestmark = pytest.mark.browser


def test_admin_goes_from_a_lost_bar_to_a_couple_and_back(company: Company, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.ADMIN)
    desk.open("funnels?funnel=The+first+week+together&within=12+months", "Funnels")
    lost = desk.page.locator(".js-plotly-plot .barlayer .trace").nth(1).locator(".point path")
    box = lost.nth(2).bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_url(re.compile("outcome=Lost"), wait_until="commit")
    desk.open_row(parameter="couple")
    desk.page.get_by_role("link", name="The couple").wait_for()
    desk.page.get_by_role("button", name="The funnel").click()
    desk.page.get_by_text(re.compile(r"1–\d+ of \d+")).wait_for()
    desk.page.wait_for_url(re.compile("outcome=Lost"), wait_until="commit")

    assert "couple=" not in desk.page.url
