"""The person on call finds the bad deploy by what it cost, takes it in hand and resolves it: in a browser."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from lib.core import money
from lib.core.access import Role
from lib.models import AuditEntry, ErrorGroup, ErrorLog, ErrorMoney, ErrorOccurrence
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser


def test_the_person_on_call_finds_the_bad_deploy_by_its_cost_assigns_and_resolves_it(
    company: Company, open_desk: OpenDesk
) -> None:
    [(key, cents, currency)] = company.rows(
        select(ErrorGroup.id, ErrorGroup.cost_cents, ErrorGroup.currency).where(
            ErrorGroup.culprit == "applyDiscount in src/billing/checkout"
        )
    )
    [(failed, asked)] = company.rows(
        select(ErrorMoney.failed_payments, ErrorMoney.refund_requests).where(ErrorMoney.group_id == key)
    )
    still_open = (
        select(func.count())
        .select_from(ErrorOccurrence)
        .join(ErrorLog, ErrorLog.id == ErrorOccurrence.error_id)
        .where(ErrorOccurrence.group_id == key, ErrorLog.resolved.is_not(True))
    )
    begun = company.value(still_open)

    desk = open_desk(Role.PRODUCT)
    desk.open("errors", "Errors")
    desk.open_row()
    expect(desk.page).to_have_url(f"{company.app.url}/errors?id={key}")
    desk.says("Regressed")
    tiles = desk.page.get_by_test_id("stMetricValue").all_inner_texts()
    desk.page.get_by_role("radio", name="What came of it").click()
    desk.says(f"1–{failed + asked} of {failed + asked}")
    form = desk.unfold("Assign")
    desk.choose(form, "To", "Pat Product (product@example.org)")
    desk.submit(form, "Assign")
    desk.says("product@example.org")
    form = desk.unfold("Resolve")
    desk.submit(form, "Resolve")
    desk.says("Open again")
    eventually(lambda: company.value(still_open) == 0)
    desk.open("errors?q=is:resolved+assigned:me", "Errors")
    desk.says("1–1 of 1")

    assert begun > 0
    assert failed > 0
    assert asked > 0
    assert tiles[:3] == [money.show(cents, currency), str(failed), str(asked)]
    done = select(AuditEntry.action).where(AuditEntry.object_id == key, AuditEntry.actor_role == "product")
    assert {action for (action,) in company.rows(done)} == {"error_groups.assign", "error_groups.resolve"}
