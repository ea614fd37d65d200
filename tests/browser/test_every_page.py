"""Every page as every role: what the matrix of grants allows opens, what it refuses says so."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from lib.core.access import GRANTS, STAFF_ROLES, Role
from lib.ui import navigation
from tests.browser.company import INCIDENT, Company, Desk

pytestmark = pytest.mark.browser

# What stands above each page; Home greets with the day.
TITLES = {desk.slug: desk.title for desk in navigation.DESKS} | {"home": "Today"}
# The pages whose list opens a row, and what the row's page has that the list lacks.
OPENS_A_ROW = {
    "users": "All users",
    "relationships": "All couples",
    "subscriptions": "All subscriptions",
    "payments": "All payments",
    "refunds": "All refunds",
    "discounts": "Back to the list",
    "plans": "All plans",
    "credits": "Back to the list",
    "catalogue": "The whole catalogue",
    "bulk": "All runs",
    "inbox": "All events",
    "at_risk": "The whole list",
    "experiments": "All tests",
    "errors": "All errors",
    "audit": "All entries",
}


@pytest.fixture(scope="module", params=STAFF_ROLES)
def somebody(request: pytest.FixtureRequest, company: Company) -> Iterator[tuple[Role, Desk]]:
    """Each role in turn, at a desk that stays open for all its pages."""
    role: Role = request.param
    with company.desk(role) as desk:
        desk.open("", TITLES["home"])
        yield role, desk


@pytest.mark.parametrize("desk", navigation.DESKS, ids=lambda desk: str(desk.slug))
def test_a_page_opens_for_the_roles_that_may_and_says_so_to_the_others(
    somebody: tuple[Role, Desk], desk: navigation.Desk
) -> None:
    role, at = somebody
    allowed = desk.permission in GRANTS[role]
    # By its address where the menu does not have it, and for one role everywhere; else as people go.
    if not allowed or role is Role.ADMIN or desk is navigation.HOME:
        address = "" if desk is navigation.HOME else desk.slug
        at.open(address, TITLES[desk.slug] if allowed else "Not allowed")
    else:
        at.menu(desk.title)
    if allowed and desk.slug in OPENS_A_ROW:
        at.open_row()
        expect(at.page.get_by_role("button", name=OPENS_A_ROW[desk.slug])).to_be_visible()

    expect(at.page.get_by_text(INCIDENT)).to_have_count(0)
    expect(at.page.get_by_test_id("stException")).to_have_count(0)
    if not allowed:
        expect(at.page.get_by_test_id("stDataFrame")).to_have_count(0)
