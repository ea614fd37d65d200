"""`python -m tests.browser.pictures`: the README's pictures, from the running app, into docs/pictures/."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright
from sqlalchemy import select

from lib.core.access import Role
from lib.core.settings import ROOT
from lib.models import AuditedObject, AuditEntry, Refund
from tests.browser.company import Company, Desk, build_company, running_company
from tests.browser.running import FLAGS

FOLDER: Final = ROOT / "docs" / "pictures"


def take(company: Company) -> None:
    """Take the main job: the couple, the refund that is paid, its audit entry, and revenue."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    # The demo opens with two requests of support's, so that finance has something to decide.
    asked = select(AuditedObject.object_id).join(AuditEntry, AuditEntry.seq == AuditedObject.seq)
    refund_id = company.rows(asked.where(AuditEntry.action == "refunds.request"))[0].object_id
    [couple] = company.rows(select(Refund.relationship_id).where(Refund.id == refund_id))
    _couple(_desk(company, Role.SUPPORT), couple.relationship_id)
    _refund(_desk(company, Role.FINANCE), refund_id)
    settled = select(AuditEntry.seq).where(AuditEntry.action == "refunds.approve")
    _audit(_desk(company, Role.ADMIN), company.rows(settled)[-1].seq)
    _revenue(_desk(company, Role.FINANCE))


def _desk(company: Company, role: Role) -> Desk:
    context = company.person(role, viewport={"width": 1280, "height": 860})
    return Desk(context.new_page(), company.app.url)


def _couple(desk: Desk, couple_id: str) -> None:
    desk.open(f"relationships?id={couple_id}", "Relationships")
    _keep(desk, "couple")


def _refund(desk: Desk, refund_id: str) -> None:
    desk.open(f"refunds?id={refund_id}", "Refunds")
    form = desk.unfold("Approve and pay")
    form.get_by_label("Reason").fill("Renewed after they had decided to stop")
    desk.submit(form, "Approve and pay")
    desk.says("Done at Stripe.")
    desk.settled()
    _keep(desk, "refund")


def _audit(desk: Desk, seq: int) -> None:
    desk.open(f"audit?id={seq}", "Audit")
    _keep(desk, "audit")


def _revenue(desk: Desk) -> None:
    desk.open("revenue?period=6+months", "Revenue")
    _keep(desk, "revenue")


def _keep(desk: Desk, name: str) -> None:
    desk.page.wait_for_timeout(1_000)  # tables and lines are drawn after the page
    desk.page.screenshot(path=FOLDER / f"{name}.png")
    desk.page.context.close()


def main() -> int:
    """Run a company for the pictures alone."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        sys.stderr.write("There is no Chromium: install the packages chromium and chromium-driver.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        build_company(Path(folder))
        with running_company(Path(folder), browser) as company:
            take(company)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
