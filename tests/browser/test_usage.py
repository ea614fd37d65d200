"""From a bar to a feature and its trend, and from a feature to a person, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from lib.core.access import Role
from tests.browser.company import OpenDesk

pytestmark = pytest.mark.browser


def test_a_bar_chooses_its_feature_and_a_feature_leads_to_its_people(open_desk: OpenDesk) -> None:
    product = open_desk(Role.PRODUCT)
    product.open("", "Today")
    product.menu("Features")
    bar = product.page.locator(".js-plotly-plot .barlayer .point path").first
    bar.wait_for()
    box = bar.bounding_box()
    assert box is not None
    product.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    product.page.wait_for_url(re.compile("feature="), wait_until="commit")
    product.settled()
    product.page.get_by_role("radio", name="Trend").click()
    expect(product.page.get_by_role("heading", name="Adoption by people, day by day")).to_be_visible()

    finance = open_desk(Role.FINANCE)
    finance.open("features?section=People&feature=Goals", "Features")
    finance.open_row()
    finance.page.get_by_role("link", name="The person").click()
    finance.heading("Users").wait_for()

    expect(finance.page.get_by_role("button", name="All users")).to_be_visible()
