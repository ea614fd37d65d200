"""The shell under AppTest: what each role gets, without a browser."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import GRANTS, STAFF_ROLES, Role, system
from lib.core.database import Database
from lib.core.settings import ROOT, Settings
from lib.core.work import working
from lib.models import AdminSession
from lib.services import staff
from lib.ui import navigation, resources

SHELL = ROOT / "lib" / "ui" / "shell.py"
Open = Callable[..., AppTest]


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{shutil.copy(staffed, tmp_path / 'admin.db')}")
    resources.set_up(Settings.from_environment({"ADMIN_DEMO": "1"}), database)
    yield database
    database.dispose()


@pytest.fixture
def open_as(database: Database) -> Open:
    """Open the shell as a person with these claims, or as nobody."""

    def opened(role: str | None, **claims: Any) -> AppTest:
        shell = AppTest.from_file(SHELL, default_timeout=60)
        fresh = {"is_logged_in": True, "iss": "test", "email": f"{role}@example.org", "nonce": f"n-{role}"}
        fresh["exp"] = (moments.now() + timedelta(hours=1)).timestamp()
        shell.user = fresh | claims if role else {"is_logged_in": False}
        return shell

    return opened


def texts(shell: AppTest) -> str:
    shown = [*shell.title, *shell.markdown, *shell.caption, *shell.warning, *shell.info, *shell.text]
    return "\n".join(str(element.value) for element in shown)


def labels(shell: AppTest) -> set[str]:
    return {button.label for button in shell.button}


def test_nobody_sees_the_sign_in_page_and_nothing_else(open_as: Open) -> None:
    shell = open_as(None).run()

    assert not shell.exception
    assert labels(shell) == {"Sign in"}
    assert not shell.sidebar.children
    assert "the next page lists the accounts" in texts(shell)


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_everybody_starts_at_home_and_sees_who_they_are(open_as: Open, role: Role) -> None:
    shell = open_as(role.value).run()

    assert not shell.exception
    assert "Sign out" in labels(shell)
    assert role.value.capitalize() in [caption.value for caption in shell.sidebar.caption]


@pytest.mark.parametrize("desk", navigation.DESKS, ids=lambda desk: str(desk.slug))
@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_page_opens_for_who_may_and_says_so_to_who_may_not(
    open_as: Open, role: Role, desk: navigation.Desk
) -> None:
    shell = open_as(role.value).run()
    stand_in = "Not allowed" in _opened(shell, desk)

    assert stand_in is (desk.permission not in GRANTS[role])


def _opened(shell: AppTest, desk: navigation.Desk) -> str:
    """What a desk says at its address; the shell's pages are found by their address, as the browser does."""
    shell._page_hash = _hash(desk)
    shell.run()
    assert not shell.exception, shell.exception
    return texts(shell)


def _hash(desk: navigation.Desk) -> str:
    from streamlit.util import calc_hash

    return calc_hash(desk.slug)


def test_an_unknown_address_is_told_whom_to_ask(open_as: Open) -> None:
    shell = open_as("stranger").run()

    assert "You have no access yet." in texts(shell)
    assert "Ask an admin" in texts(shell)
    assert "stranger@example.org" in texts(shell)
    assert labels(shell) == {"Sign in as somebody else", "Sign out"}


def test_a_revoked_session_ends_on_the_next_run(open_as: Open, database: Database) -> None:
    shell = open_as("support").run()
    with database.primary.begin() as connection:
        connection.execute(update(AdminSession).values(revoked_at=moments.now(), revoked_by="test"))
    shell.run()

    assert "You are signed out." in texts(shell)
    assert labels(shell) == {"Sign in"}


def test_an_idle_session_ends_on_the_next_run(open_as: Open, database: Database) -> None:
    shell = open_as("support").run()
    with database.primary.begin() as connection:
        connection.execute(update(AdminSession).values(last_seen_at=moments.now() - timedelta(hours=2)))
    shell.run()

    assert "Your session has ended." in texts(shell)


def test_withdrawn_staff_are_out_on_the_next_run(open_as: Open, database: Database) -> None:
    shell = open_as("support").run()
    with working(database, system("test")) as work:
        staff.revoke(work, "support@example.org", reason="left")
    shell.run()

    assert "Your access was withdrawn." in texts(shell)


def test_an_old_token_does_not_open_a_session(open_as: Open) -> None:
    shell = open_as("support", exp=(moments.now() - timedelta(minutes=1)).timestamp()).run()

    assert "Please sign in again." in texts(shell)


def test_signing_out_ends_the_session_here_too(open_as: Open, database: Database) -> None:
    shell = open_as("support").run()
    shell.button(key="sign_out").click().run()
    again = open_as("support").run()

    assert labels(again) == {"Sign in"}
    assert "You are signed out." in texts(again)
