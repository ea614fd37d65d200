"""Getting around as a person does all day: keys, links, the browser's own Back, sorted lists."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from lib.core.access import Role
from lib.models import DiscountCode, ErrorLog, Subscription, User
from tests.browser.company import Company, Desk, OpenDesk

pytestmark = pytest.mark.browser


def test_back_leads_from_a_row_to_its_list_in_one_step_with_its_filters(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.SUPPORT)
    desk.open("users", "Users")
    desk.page.get_by_role("radio", name="Trialing").click()
    expect(desk.page).to_have_url(re.compile(r"\?subscription=Trialing$"))
    desk.open_row()
    desk.page.go_back()

    expect(desk.page.get_by_role("radio", name="Trialing")).to_be_checked()
    expect(desk.page).to_have_url(re.compile(r"\?subscription=Trialing$"))


def test_a_letter_closes_a_row_and_gives_the_list_back(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.SUPPORT)
    desk.open("users?page=2", "Users")
    desk.open_row()
    expect(desk.page.get_by_role("button", name="All users")).to_contain_text("U")
    desk.page.keyboard.press("u")

    expect(desk.page).to_have_url(re.compile(r"/users\?page=2$"))


def test_a_link_on_home_opens_the_list_with_the_filter_it_names(
    company: Company, open_desk: OpenDesk
) -> None:
    critical = company.value(
        select(func.count()).where(ErrorLog.severity == "critical", ErrorLog.resolved.is_(False))
    )
    desk = open_desk(Role.PRODUCT)
    desk.open("", "Today")
    desk.page.get_by_test_id("stMain").get_by_role("link", name="Open").first.click()
    desk.heading("Errors").wait_for()

    expect(desk.page.get_by_role("radio", name="Critical")).to_be_checked()
    expect(desk.page.get_by_text(f"1–{critical} of {critical}")).to_be_visible()


@pytest.mark.parametrize("start", ["subscriptions", "users"])
def test_one_key_finds_a_person_from_any_page_without_the_mouse(
    company: Company, open_desk: OpenDesk, start: str
) -> None:
    user_id = company.value(select(Subscription.user_id).order_by(Subscription.id).limit(1))
    email = company.value(select(User.email).where(User.id == user_id))
    desk = open_desk(Role.SUPPORT)
    desk.open(start)
    _press_the_key(desk.page)
    desk.page.keyboard.type(email)
    desk.page.get_by_role("dialog").get_by_text("People").wait_for()
    desk.settled()
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("Enter")

    expect(desk.page).to_have_url(re.compile(f"/users\\?id={user_id}$"))
    expect(desk.page.get_by_role("dialog")).to_have_count(0)


def test_escape_closes_the_search_and_leaves_the_row_open(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.SUPPORT)
    desk.open("users", "Users")
    desk.open_row()
    address = desk.page.url
    _press_the_key(desk.page)
    desk.page.keyboard.press("Escape")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    desk.settled()

    assert desk.page.url == address


def test_no_key_in_a_form_throws_away_what_was_typed(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.SUPPORT)
    desk.open("users?section=Notes", "Users")
    desk.open_row()
    desk.page.get_by_role("radio", name="Notes").click()
    note = desk.page.get_by_label("New note")
    note.press_sequentially("Called u")
    note.press("Escape")
    note.press_sequentially(" twice")
    desk.page.get_by_role("button", name="Add note").click()

    desk.says("Note added.")
    expect(desk.page.get_by_text("Called u twice", exact=True)).to_be_visible()


def test_what_was_looked_for_on_one_page_is_not_looked_for_on_the_next(open_desk: OpenDesk) -> None:
    desk = open_desk(Role.ADMIN)
    desk.open("errors", "Errors")
    find = desk.page.get_by_role("searchbox", name="Find", exact=True)
    expect(find).to_have_value("is:unresolved")
    desk.menu("Users")
    expect(find).to_have_value("")
    find.fill("an")
    desk.page.wait_for_url("**/users?q=an")
    desk.page.get_by_role("radio", name="Active").click()
    desk.page.wait_for_url("**/users?q=an&subscription=Active")
    desk.settled()
    desk.menu("Relationships")

    expect(find).to_have_value("")
    expect(desk.page.get_by_role("radio", name="Active")).not_to_be_checked()
    desk.open_row()


def test_a_row_of_a_sorted_list_opens_itself(company: Company, open_desk: OpenDesk) -> None:
    last = max(row.code for row in company.rows(select(DiscountCode.code)))
    desk = open_desk(Role.SUPPORT)
    desk.open("discounts", "Discounts")
    for _ in range(2):  # upwards, then downwards
        desk.page.get_by_test_id("stDataFrame").first.click(position={"x": 40, "y": 17})
        desk.page.wait_for_timeout(500)  # the grid sorts itself on its canvas, and tells nobody
    desk.open_row()

    expect(desk.heading(last)).to_be_visible()


def test_the_timeline_tells_the_day_and_the_time_by_the_readers_own_clock(company: Company) -> None:
    couple_id = company.value(select(Subscription.relationship_id).order_by(Subscription.id).limit(1))
    there, here = (_newest_of_timeline(company, couple_id, zone) for zone in ("UTC", "Pacific/Kiritimati"))

    assert here - there == timedelta(hours=14)


def _newest_of_timeline(company: Company, couple_id: str, zone: str) -> datetime:
    """The day and the time that stand first on a couple's timeline."""
    with company.person(Role.SUPPORT, timezone_id=zone) as context:
        desk = Desk(context.new_page(), company.app.url)
        desk.open(f"relationships?id={couple_id}", "Relationships")
        desk.says(f"Times in {zone}.")
        day = desk.page.get_by_text(re.compile(r"^\w+day, \d\d \w+ \d{4}$")).first.inner_text()
        time = desk.page.locator("code").filter(has_text=re.compile(r"^\d\d:\d\d$")).first.inner_text()
        return datetime.strptime(f"{day} {time}", "%A, %d %B %Y %H:%M").replace(tzinfo=UTC)


def _press_the_key(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("searchbox")).to_be_focused()
