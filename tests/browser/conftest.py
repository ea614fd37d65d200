"""The running app and a browser to open it with: the real entry point, a migrated database, demo accounts."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import ROOT
from lib.demo.staff import PASSWORD, create_demo_staff
from tests.databases import unavailable

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DESKTOP = {"width": 1280, "height": 800}
SignedIn = Callable[[Role | str], Page]


@dataclass(frozen=True)
class RunningApp:
    """An app in a process of its own, at `url`, and the database behind it."""

    url: str
    database_path: Path
    database: Database
    process: subprocess.Popen[bytes]
    log: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@contextmanager
def running_app(database_path: Path, folder: Path, **environment: str) -> Iterator[RunningApp]:
    """Start the app on a free port over a database that is at the newest revision; stop it at the end."""
    port = _free_port()
    url, log = f"http://localhost:{port}", folder / f"app-{port}.log"
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ADMIN_DEMO": "1",
        "ADMIN_URL": url,
        "DATABASE_URL": f"sqlite:///{database_path}",
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=given | environment, stdout=output, stderr=subprocess.STDOUT
        )
    database = Database(f"sqlite:///{database_path}")
    try:
        _wait_until_it_answers(url, process, log)
        yield RunningApp(url, database_path, database, process, log)
    finally:
        database.dispose()
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def staffed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the four demo accounts, to be copied and never opened."""
    path = tmp_path_factory.mktemp("staffed") / "admin.db"
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, path)}")
    create_demo_staff(database)
    database.dispose()
    return path


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
        context.set_default_timeout(30_000)
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


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Go through the sign-in from the page that asks for it."""
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, email, password)


def fill_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the provider's form and send it."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/healthz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"The app did not start:\n{log.read_text()}")
