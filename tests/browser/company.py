"""The whole product running for real: a small company, the app, the local Stripe and the worker.

Stripe signs its webhooks and delivers them to the app; the worker pays what people approved.
"""

import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from sqlalchemy import Executable

from lib.core import schema
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import ROOT, Settings, child_environment
from lib.demo import opening
from lib.jobs import schedule
from lib.models import masks
from lib.payments.events import RefundFacts
from lib.payments.gateway import Gateway
from lib.payments.sandbox import server
from tests.browser.running import RunningApp, free_port, running_app, sign_in

KEY = "sk_test_of_the_demo"
WEBHOOK_SECRET = "whsec_of_the_demo"
SIZE = {"couples": 60, "months": 6, "seed": 7}
PATIENCE_MS = 30_000
INCIDENT = "Something went wrong here"
_ROW = 35  # pixels, of a table
_ROWS_SHOWN = 15  # of a long table, which scrolls
_WIDTH, _HEIGHT = 1280, 1000


@dataclass
class Company:
    """The running company. People sign in once and keep their tabs."""

    app: RunningApp
    stripe_url: str
    gateway: Gateway
    browser: Browser
    _profiles: dict[Role, BrowserContext] = field(default_factory=dict)
    _free_tabs: dict[Role, list[Page]] = field(default_factory=lambda: defaultdict(list))

    @property
    def database(self) -> Database:
        """The database behind the app."""
        return self.app.database

    @contextmanager
    def desk(self, role: Role) -> Iterator["Desk"]:
        """A tab in which the demo account of a role is signed in; nothing is open in it yet.

        Whoever comes after gets the same tab, since a new one compiles all of the app's scripts anew.
        A script error in it fails the test.
        """
        profile, free, faults = self._profile(role), self._free_tabs[role], []
        page = free.pop() if free else profile.new_page()

        def note(error: Error) -> None:
            faults.append(str(error))

        page.on("pageerror", note)
        try:
            yield Desk(page, self.app.url)
        finally:
            if not page.is_closed():
                page.remove_listener("pageerror", note)
                page.mouse.move(0, 0)
                free.append(page)
        assert faults == []

    def person(self, role: Role, **look: Any) -> BrowserContext:
        """A new profile that looks different, in which the demo account of a role is signed in."""
        return self._new_profile(storage_state=self._profile(role).storage_state(), **look)

    def _profile(self, role: Role) -> BrowserContext:
        if role not in self._profiles:
            profile = self._new_profile()
            page = profile.new_page()
            page.goto(self.app.url)
            sign_in(page, f"{role.value}@example.org")
            page.get_by_role("button", name="Sign out").wait_for()
            self._profiles[role] = profile
            self._free_tabs[role].append(page)
        return self._profiles[role]

    def _new_profile(self, **look: Any) -> BrowserContext:
        size = {"width": _WIDTH, "height": _HEIGHT}
        context = self.browser.new_context(**{"viewport": size, "locale": "en-US"} | look)
        context.set_default_timeout(PATIENCE_MS)
        return context

    def close(self) -> None:
        """Let everybody go home."""
        for profile in self._profiles.values():
            profile.close()
        self.gateway.close()

    def rows(self, statement: Executable) -> list[Any]:
        """The rows that a statement finds in the database, as they are."""
        with (
            masks.unmasked(),
            self.database.primary.execution_options(writes=False).connect() as connection,
        ):
            return list(connection.execute(statement))

    def refunds_of(self, payment_intent_id: str) -> list[RefundFacts]:
        """Every refund that Stripe made of a payment."""
        charge = self.gateway.charges.of_payment(payment_intent_id)
        assert charge is not None
        return self.gateway.refunds.of_charge(charge.id)

    def value(self, statement: Executable) -> Any:
        """The one value that a statement finds in the database."""
        [(value,)] = self.rows(statement)
        return value


@dataclass(frozen=True)
class Desk:
    """A tab of somebody who is signed in, and the verbs of a person at it."""

    page: Page
    url: str

    def open(self, address: str, heading: str | None = None) -> None:
        """Type an address; wait for the heading and for the page to be whole."""
        self.page.goto(f"{self.url}/{address}")
        if heading:
            self.heading(heading).wait_for()
        self.settled()

    def settled(self) -> None:
        """Wait until the page's script has run to its end."""
        self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE_MS)

    def heading(self, name: str) -> Locator:
        """A title or subheading by its whole text."""
        return self.page.get_by_role("heading", name=name, exact=True)

    def says(self, text: str) -> None:
        """Wait until a text stands on the page."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)

    def menu(self, title: str) -> None:
        """Go to a page by the menu."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
        self.heading(title).wait_for()
        self.settled()

    def open_row(self, row: int = 0, table: int = 0) -> None:
        """Open a row of a table by its first column. It is drawn on a canvas, some time after the page."""
        grid = self.page.get_by_test_id("stDataFrame").filter(visible=True).nth(table)
        grid.locator("canvas").first.wait_for()
        above = max(0, row + 1 - _ROWS_SHOWN)
        if above:
            grid.hover()
            self.page.mouse.wheel(0, above * _ROW)
        for _ in range(5):
            grid.click(position={"x": 30, "y": _ROW * (row - above + 1) + _ROW // 2})
            with suppress(PlaywrightTimeout):
                self.page.wait_for_url(re.compile(r"[?&]id="), timeout=PATIENCE_MS / 5, wait_until="commit")
                break
        self.settled()

    def unfold(self, label: str) -> Locator:
        """Open the form behind a button; gives the form."""
        self.page.get_by_role("button", name=label, exact=True).first.click()
        form = self.page.get_by_test_id("stPopoverBody")
        form.wait_for()
        return form

    def choose(self, form: Locator, label: str, option: str) -> None:
        """Choose an option of a list by its words."""
        form.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option).click()

    def submit(self, form: Locator, label: str) -> None:
        """Press a form's button."""
        form.get_by_role("button", name=label, exact=True).click()


OpenDesk = Callable[[Role], Desk]


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds that other processes bring about."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < deadline, "It did not come about."
        time.sleep(0.2)


@contextmanager
def running_company(folder: Path, browser: Browser) -> Iterator[Company]:
    """Run all of the company that was built in a folder until the block ends."""
    database_url = f"sqlite:///{folder / 'admin.db'}"
    # The app asks Stripe, and Stripe sends its events to the app: each has to know where the other is.
    port = free_port()
    webhook = f"http://localhost:{port}/webhooks/stripe"
    keys = {"STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "STRIPE_SECRET_KEY": KEY}
    with (
        server.running(folder / "stripe.db", webhook, WEBHOOK_SECRET) as stripe_url,
        running_app(folder / "admin.db", folder, port=port, STRIPE_API_BASE=stripe_url, **keys) as app,
        _worker(database_url, stripe_url, folder / "worker.log"),
    ):
        gateway = Gateway(KEY, api_base=stripe_url)
        company = Company(app, stripe_url, gateway, browser)
        try:
            yield company
        finally:
            company.close()


def build_company(folder: Path, *, say: Callable[[str], None] = print) -> None:
    """Make the company's database and the objects of its local Stripe in a folder."""
    database_url = f"sqlite:///{folder / 'admin.db'}"
    database = Database(database_url)
    try:
        schema.upgrade(database.primary)
        settings = Settings.from_environment({"ADMIN_DEMO": "1", "DATABASE_URL": database_url})
        opening.fill(database, settings, say=say, **SIZE)
        # Once here, rather than by the worker of each copy.
        for name in ("weekly", "monthly"):
            schedule.run(name, database, settings)
    finally:
        database.dispose()


@contextmanager
def _worker(database_url: str, stripe_url: str, log: Path) -> Iterator[None]:
    environment = child_environment(
        ADMIN_DEMO="1", DATABASE_URL=database_url, STRIPE_SECRET_KEY=KEY, STRIPE_API_BASE=stripe_url
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lib", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
