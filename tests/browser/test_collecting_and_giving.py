"""An invoice that is sent again and credits that are given, each by a person in a browser."""

import pytest
from sqlalchemy import select

from lib.core.access import Role
from lib.models import AiCredit, CreditGrant, Invoice, Operation
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser


def test_support_has_an_unpaid_invoice_sent_again(company: Company, open_desk: OpenDesk) -> None:
    [(payment_id,), *_] = company.rows(
        select(Invoice.payment_id)
        .where(Invoice.status == "open", Invoice.payment_id.is_not(None))
        .order_by(Invoice.stripe_invoice_id)
    )
    desk = open_desk(Role.SUPPORT)
    desk.open(f"payments?id={payment_id}", "Payments")
    form = desk.unfold("Send the invoice again")
    form.get_by_label("Reason").fill("They deleted the mail")
    desk.submit(form, "Send the invoice again")
    desk.says("Done at Stripe.")

    sent = select(Operation.state).where(Operation.kind == "invoice_send", Operation.object_id == payment_id)
    assert company.rows(sent) == [("done",)]


def test_finance_gives_the_credits_that_support_asked_for(company: Company, open_desk: OpenDesk) -> None:
    [(grant_id, couple_id, amount), *_] = company.rows(
        select(CreditGrant.id, CreditGrant.relationship_id, CreditGrant.amount)
        .where(
            CreditGrant.status == "pending",
            CreditGrant.what == "credits",
            CreditGrant.requested_by_email == "support@example.org",
        )
        .order_by(CreditGrant.amount)
    )
    desk = open_desk(Role.FINANCE)
    desk.open(f"credits?id={grant_id}", "Credits & gifts")
    form = desk.unfold("Give it")
    form.get_by_label("Reason").fill("They were very patient")
    desk.submit(form, "Give it")
    status = select(CreditGrant.status).where(CreditGrant.id == grant_id)
    eventually(lambda: company.value(status) == "given")

    row = select(CreditGrant.row_id).where(CreditGrant.id == grant_id)
    [given] = company.rows(
        select(AiCredit.relationship_id, AiCredit.credits_amount).where(AiCredit.id == company.value(row))
    )
    assert (given.relationship_id, given.credits_amount) == (couple_id, amount)
