"""Signing in, staying in and getting out, as a person does it."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import delete, insert, select, update

from lib.core import moments
from lib.core.access import GRANTS, STAFF_ROLES, Role, system
from lib.core.work import working
from lib.models import AdminSession, AdminUser, AuditEntry, SignInFailure
from lib.services import staff
from lib.ui import navigation
from tests.browser.conftest import SignedIn
from tests.browser.running import UVICORN, RunningApp, fill_in, running_app, sign_in

pytestmark = pytest.mark.browser


def newest_session(app: RunningApp) -> str:
    with app.database.primary.connect() as connection:
        newest = select(AdminSession.id).order_by(AdminSession.id.desc()).limit(1)
        return str(connection.execute(newest).scalar_one())


def change_session(app: RunningApp, **values: object) -> None:
    session_id = newest_session(app)
    with app.database.primary.begin() as connection:
        connection.execute(update(AdminSession).where(AdminSession.id == session_id).values(**values))


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_each_role_signs_in_and_finds_its_own_menu(signed_in: SignedIn, role: Role) -> None:
    page = signed_in(role)
    menu = page.get_by_test_id("stSidebarNav")
    shown = {link.inner_text().splitlines()[-1] for link in menu.get_by_role("link").all()}

    assert shown == {desk.title for desk in navigation.DESKS if desk.permission in GRANTS[role]}


def test_a_demo_account_is_filled_in_with_one_click(app: RunningApp, page: Page) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="finance@example.org").click()

    expect(page.get_by_label("E-mail")).to_have_value("finance@example.org")
    expect(page.get_by_label("Password")).to_be_focused()


def test_a_wrong_password_is_said_and_five_of_them_lock_the_address(app: RunningApp, page: Page) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Sign in").click()
    for _ in range(4):
        fill_in(page, "product@example.org", "wrong")
        expect(page.get_by_role("alert")).to_have_text("The e-mail or the password is wrong.")
    fill_in(page, "product@example.org", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("Wait a minute")
    fill_in(page, "product@example.org")
    expect(page.get_by_role("alert")).to_contain_text("Wait a minute")
    with app.database.primary.begin() as connection:
        connection.execute(update(SignInFailure).values(locked_until=moments.now() - timedelta(seconds=1)))
    fill_in(page, "product@example.org")

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_an_unknown_address_is_told_whom_to_ask_and_noted_once(app: RunningApp, page: Page) -> None:
    """The embedded provider knows staff only; so the person is taken out after the password was right."""
    email = "stranger@example.org"
    with app.database.primary.begin() as connection:
        password = connection.scalar(select(AdminUser.password_hash).where(AdminUser.role == "support"))
        connection.execute(
            insert(AdminUser).values(
                id="stranger",
                email=email,
                name="Stranger",
                role="support",
                password_hash=password,
                created_at=moments.now(),
                created_by="test",
                updated_at=moments.now(),
            )
        )
    page.goto(app.url)
    sign_in(page, email)
    page.get_by_role("button", name="Sign out").wait_for()
    with app.database.primary.begin() as connection:
        connection.execute(delete(AdminUser).where(AdminUser.email == email))
        connection.execute(delete(AdminSession).where(AdminSession.admin_user_id == "stranger"))
    page.reload()
    expect(page.get_by_text("You have no access yet.")).to_be_visible()
    expect(page.get_by_text(email)).to_be_visible()
    page.reload()
    expect(page.get_by_text("Ask an admin to let you in")).to_be_visible()
    with app.database.primary.connect() as connection:
        entries = connection.execute(
            select(AuditEntry).where(AuditEntry.action == "sign_in", AuditEntry.outcome == "denied")
        ).all()

    assert len(entries) == 1
    assert email in entries[0].payload


def test_a_link_survives_the_sign_in_with_its_parameters(app: RunningApp, page: Page) -> None:
    page.goto(f"{app.url}/refunds?status=denied&id=no-such-refund&note=a%20b%26c")
    sign_in(page, "support@example.org")
    page.get_by_role("button", name="Sign out").wait_for()
    page.get_by_role("heading", name="Refunds", exact=True).wait_for()
    address = urlsplit(page.url)
    asked = parse_qs(address.query)

    assert address.path == "/refunds"
    assert (asked["id"], asked["note"]) == (["no-such-refund"], ["a b&c"])


def test_a_page_that_the_role_lacks_says_so_and_keeps_its_address(
    signed_in: SignedIn, app: RunningApp
) -> None:
    page = signed_in(Role.PRODUCT)
    page.goto(f"{app.url}/audit?id=1")

    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    assert urlsplit(page.url).path == "/audit"


def test_no_page_is_served_before_the_sign_in_not_even_by_a_process_that_has_served_none(
    staffed: Path, tmp_path: Path, contexts: Callable[[], BrowserContext]
) -> None:
    """Streamlit serves a `pages` folder beside the main script until a session has run the shell."""
    path = Path(shutil.copy(staffed, tmp_path / "admin.db"))
    with running_app(path, tmp_path) as app:
        for address in ("staff", "audit", "staff.py", "?page=staff", "revenue/"):
            page = contexts().new_page()
            page.goto(f"{app.url}/{address}")

            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
            expect(page.get_by_test_id("stSidebar")).to_have_count(0)


def test_uvicorn_serves_the_same_app(staffed: Path, tmp_path: Path, page: Page) -> None:
    database_path = Path(shutil.copy(staffed, tmp_path / "admin.db"))
    with running_app(database_path, tmp_path, server=UVICORN) as app:
        health = httpx.get(f"{app.url}/healthz")
        page.goto(app.url)
        expect(page.get_by_role("heading", name="Better Together admin")).to_be_visible()
        sign_in(page, "support@example.org")
        expect(page.get_by_role("heading", name="Today")).to_be_visible()

    assert health.status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("typed", "heading"), [("home", "Today"), ("users/no_such_id", "Users"), ("nonsense", "Not found")]
)
def test_an_address_that_is_no_pages_own_leads_somewhere(
    app: RunningApp, signed_in: SignedIn, typed: str, heading: str
) -> None:
    page = signed_in(Role.SUPPORT)
    page.goto(f"{app.url}/{typed}")

    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_revoked_session_is_out_on_the_next_click(app: RunningApp, signed_in: SignedIn) -> None:
    page = signed_in(Role.SUPPORT)
    change_session(app, revoked_at=moments.now(), revoked_by="test")
    page.get_by_role("link", name="Refunds").click()

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_role("link", name="Refunds")).to_have_count(0)


def test_a_revoked_session_stays_out_after_a_reload_and_a_new_sign_in_lets_in(
    app: RunningApp, signed_in: SignedIn
) -> None:
    page = signed_in(Role.SUPPORT)
    change_session(app, revoked_at=moments.now(), revoked_by="test")
    page.goto(f"{app.url}/users?q=petra")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    sign_in(page, "support@example.org")

    expect(page.get_by_role("heading", name="Users", exact=True)).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["q"] == ["petra"]


def test_an_idle_session_ends(app: RunningApp, signed_in: SignedIn) -> None:
    page = signed_in(Role.SUPPORT)
    change_session(app, last_seen_at=moments.now() - timedelta(minutes=61))
    page.get_by_role("link", name="Refunds").click()

    expect(page.get_by_text("Your session has ended.")).to_be_visible()


def test_withdrawn_staff_are_out_on_the_next_click(app: RunningApp, signed_in: SignedIn) -> None:
    page = signed_in(Role.FINANCE)
    with working(app.database, system("test")) as work:
        staff.revoke(work, "finance@example.org", reason="test")
    try:
        page.get_by_role("link", name="Refunds").click()

        expect(page.get_by_text("Your access was withdrawn.")).to_be_visible()
    finally:
        with working(app.database, system("test")) as work:
            staff.grant(work, "finance@example.org", "finance")


def test_signing_out_ends_the_session_and_its_cookie_opens_nothing(
    app: RunningApp, signed_in: SignedIn, contexts: Callable[[], BrowserContext]
) -> None:
    page = signed_in(Role.SUPPORT)
    cookies = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    thief = contexts()
    thief.add_cookies(cookies)  # type: ignore[arg-type]
    stolen = thief.new_page()
    stolen.goto(f"{app.url}/users")

    expect(stolen.get_by_text("You are signed out.")).to_be_visible()
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "_streamlit_user"]


def test_scripts_cannot_read_the_identity_cookie(signed_in: SignedIn) -> None:
    page = signed_in(Role.SUPPORT)

    assert "_streamlit_user" not in page.evaluate("document.cookie")


def test_a_list_is_downloaded_with_one_link_by_who_is_signed_in(signed_in: SignedIn, app: RunningApp) -> None:
    page = signed_in(Role.ADMIN)
    page.goto(f"{app.url}/staff")
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="Download CSV")
    link.wait_for()
    answer = page.request.get(f"{app.url}{link.get_attribute('href')}")

    assert answer.status == 200
    assert "support@example.org" in answer.text()
