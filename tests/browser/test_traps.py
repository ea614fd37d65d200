"""Four habits of Streamlit that would cost money: each is tried as a person would meet it."""

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import exists, func, select

from lib.core.access import Actor, Role
from lib.core.work import working
from lib.models import AdminUser, AuditEntry, Note, Operation, Payment, Refund, sortable
from lib.services import refunds
from tests.browser.company import Company, OpenDesk

pytestmark = pytest.mark.browser

BETWEEN_CLICKS_MS = 350


def test_an_approval_clicked_twice_pays_once(company: Company, open_desk: OpenDesk) -> None:
    refund_id = _requested(company, cents=100)
    desk = open_desk(Role.FINANCE)
    desk.open(f"refunds?id={refund_id}", "Refunds")
    form = desk.unfold("Approve and pay")
    form.get_by_label("Reason").fill("Fair")
    _click_twice(form, "Approve and pay")
    desk.says("Done at Stripe.")
    operations = company.rows(select(Operation.state).where(Operation.object_id == refund_id))
    at_stripe = company.refunds_of(_payment_of(company, refund_id))

    assert operations == [("done",)]
    assert [refund.amount for refund in at_stripe] == [100]


def test_a_request_clicked_twice_is_one_request(company: Company, open_desk: OpenDesk) -> None:
    person, _ = _somebody_with_a_payment(company)
    desk = open_desk(Role.SUPPORT)
    desk.open(f"users?id={person}&section=Payments", "Users")
    form = desk.unfold("Request refund")
    form.get_by_label("Amount").fill("1.11")
    form.get_by_label("Note for finance").fill("Clicked twice")
    _click_twice(form, "Request refund")
    expect(desk.page.get_by_text("Requested.").or_(desk.page.get_by_text("already")).first).to_be_visible()
    desk.settled()
    asked = select(func.count()).select_from(Refund).where(Refund.notes == "Clicked twice")

    assert company.value(asked) == 1


def test_a_click_elsewhere_while_an_action_runs_leaves_nothing_half_done(
    company: Company, open_desk: OpenDesk
) -> None:
    """Each try moves the second click a little, so that it meets the script at different places."""
    person, _ = _somebody_with_a_payment(company)
    desk = open_desk(Role.SUPPORT)
    tries = 6
    for n in range(tries):
        desk.open(f"users?id={person}&section=Notes", "Users")
        desk.page.get_by_label("New note").fill(f"Interrupted {n}")
        desk.page.get_by_role("button", name="Add note").click()
        desk.page.wait_for_timeout(40 * n)
        desk.page.get_by_role("radio", name="Overview").click()
        desk.heading("Couples").wait_for()
        desk.settled()
    written = company.rows(select(Note.id).where(Note.body.startswith("Interrupted")))
    noted = company.rows(
        select(AuditEntry.outcome).where(
            AuditEntry.action == "notes.write", AuditEntry.payload.contains("Interrupted")
        )
    )

    assert len(written) == len(noted)
    assert {outcome for (outcome,) in noted} <= {"done"}


@pytest.mark.parametrize("address", ["audit", "audit/", "?page=audit", "audit.py"])
def test_no_spelling_of_an_address_is_a_way_round_the_roles(
    company: Company, open_desk: OpenDesk, address: str
) -> None:
    desk = open_desk(Role.PRODUCT)
    desk.open(address)

    expect(desk.heading("Not allowed").or_(desk.heading("Today"))).to_be_visible()
    expect(desk.page.get_by_test_id("stDataFrame")).to_have_count(0)


def _click_twice(form: Locator, label: str) -> None:
    """Click where the button is, and there again, as an impatient person does; the form may be gone then."""
    button = form.get_by_role("button", name=label, exact=True)
    box = button.bounding_box()
    assert box is not None
    where = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    button.page.mouse.click(*where)
    button.page.wait_for_timeout(BETWEEN_CLICKS_MS)
    button.page.mouse.click(*where)


def _somebody_with_a_payment(company: Company) -> tuple[str, str]:
    """A person, and a payment of theirs of which nothing was given back or asked for."""
    asked = exists().where(Refund.transaction_id == Payment.id)
    [row, *_] = company.rows(
        select(Payment.user_id, Payment.id)
        .where(
            Payment.status == "succeeded",
            Payment.transaction_type == "subscription",
            Payment.stripe_payment_intent_id.is_not(None),
            Payment.amount_cents > 1_000,
            ~asked,
        )
        .order_by(sortable(Payment.created_at), Payment.id)
    )
    return row.user_id, row.id


def _requested(company: Company, *, cents: int) -> str:
    """A refund that support has asked for."""
    _, payment_id = _somebody_with_a_payment(company)
    staff_id = company.value(select(AdminUser.id).where(AdminUser.email == "support@example.org"))
    with working(company.database, Actor(staff_id, "support@example.org", Role.SUPPORT)) as work:
        return refunds.request(
            work, payment_id, amount_cents=cents, reason="requested_by_customer", note="Clicked twice later"
        )


def _payment_of(company: Company, refund_id: str) -> str:
    """The Stripe payment that a refund is of."""
    payment = select(Payment.stripe_payment_intent_id).join(Refund, Refund.transaction_id == Payment.id)
    return str(company.value(payment.where(Refund.id == refund_id)))
