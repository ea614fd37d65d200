"""The running app and a browser to open it with: the real entry point, a migrated database, demo accounts."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from lib.core.access import Role
from tests.browser.company import Company, OpenDesk, build_company, running_company
from tests.browser.running import FLAGS, RunningApp, running_app, sign_in
from tests.databases import unavailable
from tests.once import built_once

PATIENCE_MS = 30_000  # for a machine that does other things at the same time
DESKTOP = {"width": 1280, "height": 800}
SignedIn = Callable[[Role | str], Page]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def app(staffed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app that the tests of this process share."""
    folder = tmp_path_factory.mktemp("app")
    with running_app(Path(shutil.copy(staffed, folder / "admin.db")), folder) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where there is none the test is skipped, on CI it fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        unavailable("There is no Chromium: install the packages chromium and chromium-driver.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def contexts(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Make a fresh profile, as of another person. A blocked script or a script error fails the test."""
    made: list[BrowserContext] = []
    faults: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    def make() -> BrowserContext:
        context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", listen)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert faults == []


@pytest.fixture
def page(contexts: Callable[[], BrowserContext]) -> Page:
    """A tab of somebody who has never been here."""
    return contexts().new_page()


@pytest.fixture
def signed_in(app: RunningApp, contexts: Callable[[], BrowserContext]) -> SignedIn:
    """Give a tab at Home of a person who signed in as the demo account of a role."""

    def sign(role: Role | str) -> Page:
        page = contexts().new_page()
        page.goto(app.url)
        sign_in(page, f"{role}@example.org")
        page.get_by_role("button", name="Sign out").wait_for()
        return page

    return sign


@pytest.fixture(scope="session")
def company(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A small company with its app, its worker and its local Stripe, which the tests of this run share."""
    built = built_once(tmp_path_factory, "company", build_company)
    folder = shutil.copytree(built, tmp_path_factory.mktemp("company"), dirs_exist_ok=True)
    with running_company(folder, browser) as running:
        yield running


@pytest.fixture
def open_desk(company: Company) -> Iterator[OpenDesk]:
    """Sit down as the demo account of a role, at a tab in which nothing is open yet."""
    with ExitStack() as desks:
        yield lambda role: desks.enter_context(company.desk(role))
