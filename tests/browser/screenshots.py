"""`python -m tests.browser.screenshots`: every page as every role that may, as contact sheets to look at.

Each page is taken as a list and with its first row open, at the width of a desk and of a telephone, light
and dark. The sheets are HTML pages of these pictures, taken by the browser itself.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from lib.core.access import GRANTS, STAFF_ROLES, Role
from lib.core.settings import ROOT
from lib.ui import navigation
from tests.browser.company import Company, Desk, build_company, running_company
from tests.browser.running import FLAGS

FOLDER: Final = ROOT / "var" / "screens"
WIDTHS: Final = {1280: 900, 390: 844}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_LISTS_WITHOUT_ROWS_TO_OPEN: Final = frozenset(
    {
        "home",
        "search",
        "revenue",
        "bridge",
        "cohorts",
        "forecast",
        "what_if",
        "month_close",
        "funnels",
        "retention",
        "staff",
    }
)
_SHOWN_AT: Final = {1280: 480, 390: 260}  # pixels of a picture on its sheet


@dataclass(frozen=True)
class Shot:
    """One picture: what it shows, and its file."""

    title: str
    file: Path


def main(roles: Sequence[str]) -> int:
    """Take everything; `roles` narrows it down to some. Gives the exit code."""
    chosen = [role for role in STAFF_ROLES if not roles or role.value in roles]
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        if found is None:
            sys.stderr.write("There is no Chromium: install the packages chromium and chromium-driver.\n")
            return 1
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        build_company(Path(folder))
        with running_company(Path(folder), browser) as company:
            for role in chosen:
                for width in WIDTHS:
                    for scheme in SCHEMES:
                        name = f"{role.value}-{width}-{scheme}"
                        shots = list(_shots(company, role, width, scheme))
                        print(_sheet(browser, name, shots, width), flush=True)
        browser.close()
    return 0


def _shots(company: Company, role: Role, width: int, scheme: str) -> Iterator[Shot]:
    size = {"width": width, "height": WIDTHS[width]}
    with company.person(role, viewport=size, color_scheme=scheme) as context:
        desk = Desk(context.new_page(), company.app.url)
        folder = FOLDER / f"{role.value}-{width}-{scheme}"
        folder.mkdir()
        for place in navigation.DESKS:
            if place.permission not in GRANTS[role]:
                continue
            desk.open("" if place is navigation.HOME else place.slug)
            yield _shot(desk.page, folder, place.slug, place.title)
            if place.slug not in _LISTS_WITHOUT_ROWS_TO_OPEN:
                desk.open_row()
                yield _shot(desk.page, folder, f"{place.slug}-one", f"{place.title}, one")


def _shot(page: Page, folder: Path, name: str, title: str) -> Shot:
    """Take the page as long as it is: the part that scrolls is inside it."""
    page.wait_for_timeout(250)  # tables fade in
    height = page.get_by_test_id("stMainBlockContainer").evaluate("element => element.scrollHeight")
    before: Any = page.viewport_size
    page.set_viewport_size({"width": before["width"], "height": max(before["height"], min(2400, height))})
    page.wait_for_timeout(150)
    file = folder / f"{name}.png"
    page.screenshot(path=file)
    page.set_viewport_size(before)
    return Shot(title, file)


def _sheet(browser: Browser, name: str, shots: Sequence[Shot], width: int) -> Path:
    """All pictures side by side on one."""
    figures = "".join(
        f'<figure><img src="{shot.file.as_uri()}" width="{_SHOWN_AT[width]}">'
        f"<figcaption>{escape(shot.title)}</figcaption></figure>"
        for shot in shots
    )
    html = FOLDER / f"{name}.html"
    html.write_text(
        "<!doctype html><meta charset=utf-8><style>body{margin:16px;background:#888;font:16px system-ui;"
        "display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start}figure{margin:0}"
        f"figcaption{{color:#fff}}</style><title>{escape(name)}</title>{figures}",
        encoding="utf-8",
    )
    with browser.new_context(viewport={"width": 2000, "height": 1200}) as context:
        page = context.new_page()
        page.goto(html.as_uri())
        sheet = FOLDER / f"{name}.png"
        page.screenshot(path=sheet, full_page=True)
    return sheet


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
