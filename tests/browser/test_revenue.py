"""From a bar of a revenue chart to the payments behind it, and a chart as a picture, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from lib.core.access import Role
from tests.browser.company import Desk, OpenDesk

pytestmark = pytest.mark.browser


def click_a_bar(desk: Desk) -> None:
    """Click the tallest bar, where the browser drew it."""
    bars = desk.page.locator(".js-plotly-plot .barlayer .point path")
    bars = bars.filter(visible=True)  # one of nothing has no height
    bars.first.wait_for()
    tallest = max(bars.all(), key=lambda bar: (bar.bounding_box() or {"height": 0.0})["height"])
    tallest.scroll_into_view_if_needed()
    box = tallest.bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@pytest.mark.parametrize(
    ("section", "title", "movement"),
    [("Movements", "What moved MRR", "New"), ("Churn", "Customer churn by month", "Churn")],
)
def test_finance_goes_from_a_bar_to_its_couples_and_from_there_to_their_payments(
    open_desk: OpenDesk, section: str, title: str, movement: str
) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open(f"revenue?section={section}", title)
    click_a_bar(desk)
    desk.page.wait_for_url(re.compile("section=Couples"), wait_until="commit")
    # The address has all of it, so that a colleague sees the same.
    desk.page.wait_for_url(re.compile(r"month=\d{4}-\d\d"), wait_until="commit")
    expect(desk.page).to_have_url(re.compile(f"moved={movement}", re.IGNORECASE))
    desk.settled()
    moved = desk.page.get_by_role("radiogroup", name="Moved by")
    expect(moved.get_by_role("radio", name=movement, exact=True)).to_be_checked()
    desk.open_row()
    desk.says("What the couple paid, the newest first")
    desk.page.get_by_role("link", name="Open").click()
    desk.heading("Payments").wait_for()
    desk.settled()

    expect(desk.page.get_by_role("link", name="The couple")).to_be_visible()


def test_a_chart_is_saved_as_a_picture_named_after_it(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("revenue", "MRR by day")
    desk.page.locator(".js-plotly-plot").hover()
    with desk.page.expect_download() as saved:
        desk.page.locator(".modebar-btn").click()

    assert saved.value.suggested_filename == "mrr-by-day.png"
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "way", ["Behind MRR: the couples that count", "Behind the rates: who moved in 30 days"]
)
def test_finance_goes_from_the_tiles_to_payments(open_desk: OpenDesk, way: str) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("revenue", "MRR by day")
    desk.page.get_by_role("button", name=way).click()
    desk.page.wait_for_url(re.compile("section=Couples"), wait_until="commit")
    desk.settled()
    desk.open_row()

    desk.says("What the couple paid, the newest first")


def test_finance_goes_from_a_plan_to_its_couples(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open("revenue?section=Plan+mix", "MRR by plan")
    click_a_bar(desk)
    desk.page.wait_for_url(re.compile("section=Couples"), wait_until="commit")
    desk.settled()
    desk.says("they add up to MRR")

    expect(desk.page).to_have_url(re.compile("plan="))
