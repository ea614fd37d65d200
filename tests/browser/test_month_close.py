"""A month is frozen, an event comes late, finance restates it: in a browser, with the worker and Stripe."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from lib.core import moments
from lib.core.access import Role, system
from lib.core.errors import Refused
from lib.core.settings import Settings
from lib.core.work import Work, job, working
from lib.jobs import recount
from lib.models import MonthClose, PaymentReconciliation, ReconciledPayment, SubscriptionChange
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser

LAST = moments.month_start(moments.now().date()) - timedelta(days=1)
MONTH = moments.month_start(LAST)
ADDRESS = f"month_close?month={MONTH:%Y-%m}"
HEADING = "Month close"


@job
def hear_late(work: Work) -> str:
    """A subscription had ended in the month already; gives its id."""
    entry = SubscriptionChange
    last = work.session.scalars(
        select(entry)
        .where(entry.effective_at < moments.day_bounds(MONTH)[0], entry.net_arr_cents > 0)
        .where(entry.status == "active", entry.is_gift.is_(False))
        .where(entry.subscription_id.in_(_with_one_entry()))
        .order_by(entry.seq)
        .limit(1)
    ).one()
    values = {
        column.name: getattr(last, column.name)
        for column in entry.__table__.columns
        if column.name not in {"seq", "superseded_at"}
    }
    ended = {"effective_at": moments.day_bounds(LAST)[0], "recorded_at": work.now, "status": "canceled"}
    work.session.add(entry(**values | ended | {"source": "event", "cause": "voluntary"}))
    return last.subscription_id


def _with_one_entry() -> object:
    entry = SubscriptionChange
    return select(entry.subscription_id).group_by(entry.subscription_id).having(func.count() == 1)


def count(company: Company) -> None:
    """Count the month's end and what followed anew, once the worker is not counting itself."""
    settings = Settings.from_environment({"ROLLUPS": "observe"})

    def counted() -> bool:
        try:
            recount.backfill(company.database, LAST, moments.now().date(), settings)
        except Refused:
            return False
        return True

    eventually(counted)


def test_a_month_is_frozen_and_a_late_event_changes_only_its_restatement(
    company: Company, open_desk: OpenDesk
) -> None:
    desk = open_desk(Role.FINANCE)
    desk.open(ADDRESS, HEADING)
    form = desk.unfold(f"Freeze {MONTH:%B %Y}")
    form.get_by_role("textbox", name="Reason").fill("Reported to the board")
    desk.submit(form, f"Freeze {MONTH:%B %Y}")
    desk.says(f"{MONTH:%B %Y}, version 1")
    desk.settled()
    frozen = desk.page.get_by_test_id("stMetricValue").first.inner_text()

    with working(company.database, system("worker")) as work:
        late = hear_late(work)
    count(company)
    desk.open(ADDRESS, HEADING)
    expect(desk.page.get_by_test_id("stMetricValue").first).to_have_text(frozen)
    desk.says("What came after the freeze")
    form = desk.unfold("Restate")
    form.get_by_role("textbox", name="Reason").fill("A cancellation was told late")
    desk.submit(form, "Restate")
    desk.says(f"{MONTH:%B %Y}, version 2")
    desk.settled()
    restated = desk.page.get_by_test_id("stMetricValue").first.inner_text()
    desk.page.get_by_role("button", name="Version 1").click()
    desk.says(f"{MONTH:%B %Y}, version 1")

    assert late
    assert restated != frozen
    expect(desk.page.get_by_test_id("stMetricValue").first).to_have_text(frozen)
    assert company.value(select(func.count()).where(MonthClose.month == MONTH)) == 2


def test_the_worker_ties_a_months_payments_and_the_files_are_downloaded(
    company: Company, open_desk: OpenDesk
) -> None:
    desk = open_desk(Role.FINANCE)
    closed: date = company.value(select(func.min(MonthClose.month)))
    desk.open(f"month_close?month={closed:%Y-%m}&section=Payments+at+Stripe", HEADING)
    form = desk.unfold("Compare with Stripe")
    form.get_by_role("textbox", name="Reason").fill("Month end")
    desk.submit(form, "Compare with Stripe")
    done = select(func.count()).where(
        PaymentReconciliation.month == closed, PaymentReconciliation.state == "done"
    )
    eventually(lambda: company.value(done) == 1)
    desk.says("Totals")
    desk.open(f"month_close?month={closed:%Y-%m}", HEADING)
    downloaded = []
    desk.page.get_by_role("button", name="Files").click()
    for kind in ("PDF", "CSV"):
        with desk.page.expect_download() as download:
            desk.page.get_by_role("button", name=f"Download {kind}").click()
        downloaded.append(download.value.path().read_bytes())

    assert downloaded[0].startswith(b"%PDF-")
    assert b"closing_arr_cents" in downloaded[1]
    assert company.value(select(func.count()).select_from(ReconciledPayment)) > 0
