"""An answer of Stripe's that is older than what our rows follow already never takes them back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Refused, StripeFailed
from lib.core.work import reading
from lib.models import Invoice, Operation, Payment, Subscription
from lib.payments import freshness, inbox, operations
from lib.payments.events import CreditNoteFacts, InvoiceFacts
from lib.services import refunds, subscriptions
from tests.local_stripe import LocalStripe
from tests.payments.outbox import (
    LATER,
    approved,
    dies_with_the_answer,
    intent,
    operation,
    refund_row,
    work_off,
)
from tests.staff import FINANCE, SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def learn_all(database: Database, stripe: LocalStripe, since: str | None, now: datetime) -> None:
    """Every event that Stripe has to tell of after one, applied."""
    for event in stripe.events(since=since):
        inbox.receive(database, event, livemode_expected=False, now=now)
    while inbox.apply_due(database, stripe.gateway, now=now):
        pass


def refunded_cents(database: Database, payment: str) -> int:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Payment, payment).refund_amount_cents or 0


def set_to_cancel(database: Database, subscription: str) -> bool:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Subscription, subscription).canceled_at is not None


@pytest.mark.parametrize("stored", [False, True], ids=["answer lost", "answer stored"])
def test_a_refund_that_came_back_before_our_rows_followed_it_is_not_processed(
    database: Database, stripe: LocalStripe, stored: bool
) -> None:
    newest = stripe.newest_event()
    payment = stripe.payment(database)
    queued, now = approved(database, payment, 500), moments.now()
    if stored:
        operations.run(database, stripe.gateway, queued.id, "worker 1", now=now)
    else:
        assert dies_with_the_answer(database, stripe, queued.id, now)
    [made] = stripe.refunds(intent(database, payment))
    stripe.sends_back(made.id)
    learn_all(database, stripe, newest, now + timedelta(minutes=1))

    work_off(database, stripe, now + LATER)

    row, closed = refund_row(database, queued.object_id), operation(database, queued.id)
    case = read(database, FINANCE, refunds.one, row.id)
    assert (row.status, case.can_try_again) == ("approved", True)
    assert row.notes.count("failed at Stripe") == 1
    assert refunded_cents(database, payment) == 0
    assert closed.state == "failed"
    assert "could not give the money back" in closed.error_message
    assert len(stripe.writes(queued.id)) == 1


def kept(database: Database, stripe: LocalStripe) -> tuple[str, str, Operation]:
    """A subscription that was to end with its period and is to go on, with its id at Stripe."""
    subscription = stripe.subscription(database)
    with reading(database, FINANCE) as view:
        at_stripe = view.session.get_one(Subscription, subscription).stripe_subscription_id
    newest = stripe.newest_event()
    stripe.gateway.subscriptions.cancel_at_period_end(at_stripe, key=f"dashboard:{at_stripe}")
    learn_all(database, stripe, newest, moments.now())
    shown = read(database, SUPPORT, subscriptions.one, subscription).digest
    queued = do(database, SUPPORT, subscriptions.keep, subscription, shown=shown, reason="They stay")
    return subscription, at_stripe, queued


@pytest.mark.parametrize("stored", [False, True], ids=["answer lost", "answer stored"])
def test_what_somebody_changed_at_stripe_meanwhile_counts(
    database: Database, stripe: LocalStripe, stored: bool
) -> None:
    subscription, at_stripe, queued = kept(database, stripe)
    newest, now = stripe.newest_event(), moments.now()
    if stored:
        operations.run(database, stripe.gateway, queued.id, "worker 1", now=now)
    else:
        assert dies_with_the_answer(database, stripe, queued.id, now)
    stripe.gateway.subscriptions.cancel_at_period_end(at_stripe, key=f"dashboard again:{at_stripe}")
    learn_all(database, stripe, newest, now + timedelta(minutes=1))

    work_off(database, stripe, now + LATER)

    assert stripe.gateway.subscriptions.retrieve(at_stripe).cancel_at_period_end
    assert set_to_cancel(database, subscription)
    assert operation(database, queued.id).state == "done"


def told_of(database: Database, stripe: LocalStripe, payment: str, now: datetime) -> str:
    """Something about the refund changes at Stripe, and its event is applied; gives the refund's id there."""
    [made] = stripe.refunds(intent(database, payment))
    newest = stripe.newest_event()
    stripe.v1.refunds.update(made.id, {"metadata": {"seen_by": "the bank"}})
    learn_all(database, stripe, newest, now)
    return made.id


def test_an_event_between_asking_and_following_puts_it_off(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.payment(database)
    queued, now = approved(database, payment, 500), moments.now()
    operations.run(database, stripe.gateway, queued.id, "worker 1", now=now)
    made = told_of(database, stripe, payment, now + timedelta(minutes=1))
    newest = stripe.newest_event()
    told = stripe.gateway.refunds.retrieve

    def retrieve_while_the_bank_sends_it_back(refund_id: str):
        answer = told(refund_id)
        stripe.sends_back(refund_id)
        stripe.gateway.refunds.retrieve = told
        learn_all(database, stripe, newest, now + timedelta(minutes=2))
        return answer

    stripe.gateway.refunds.retrieve = retrieve_while_the_bank_sends_it_back
    with pytest.raises(Refused, match="at this moment"):
        operations.settle(database, stripe.gateway, queued.id, now=now + timedelta(minutes=3))
    waiting = operation(database, queued.id).state
    operations.settle(database, stripe.gateway, queued.id, now=now + timedelta(minutes=4))

    assert waiting == "answered"
    assert refund_row(database, queued.object_id).stripe_refund_id == made
    assert refund_row(database, queued.object_id).status == "approved"
    assert operation(database, queued.id).state == "failed"


def test_while_stripe_cannot_be_asked_the_answer_waits(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.payment(database)
    queued, now = approved(database, payment, 500), moments.now()
    operations.run(database, stripe.gateway, queued.id, "worker 1", now=now)
    told_of(database, stripe, payment, now + timedelta(minutes=1))
    stripe.goes_wrong("500", method="GET", times=1)

    with pytest.raises(StripeFailed):
        operations.settle(database, stripe.gateway, queued.id, now=now + LATER)
    waiting = operation(database, queued.id).state
    operations.settle(database, stripe.gateway, queued.id, now=now + LATER)

    assert waiting == "answered"
    assert operation(database, queued.id).state == "done"
    assert refund_row(database, queued.object_id).status == "processed"


def test_an_invoice_is_asked_for_too_and_with_a_credit_note_its_invoice(
    database: Database, stripe: LocalStripe
) -> None:
    invoice = stripe.gateway.invoices.retrieve(unpaid_invoice(database, stripe))
    note = stripe.gateway.credit_notes.create(
        invoice.id, amount_cents=500, to_balance=False, reason=None, memo=None, metadata={}, key=invoice.id
    )
    stripe.gateway.invoices.void(invoice.id, key=f"dashboard:{invoice.id}")
    asked, of_note = (freshness.as_it_is(stripe.gateway, each) for each in (invoice, note))

    assert isinstance(asked, InvoiceFacts)
    assert isinstance(of_note, CreditNoteFacts)
    assert of_note.invoice is not None
    assert (invoice.status, asked.status, of_note.invoice.status) == ("open", "void", "void")


def test_what_stripe_does_not_know_any_more_is_as_it_was_told(stripe: LocalStripe) -> None:
    gone = replace(stripe.gateway.subscriptions.retrieve(stripe.running_subscription()), id="sub_gone")

    assert freshness.as_it_is(stripe.gateway, gone) == gone


def unpaid_invoice(database: Database, stripe: LocalStripe) -> str:
    """The id `in_…` of an open invoice."""
    key = stripe.unpaid(database)
    with reading(database, FINANCE) as view:
        return view.session.scalars(select(Invoice.stripe_invoice_id).where(Invoice.payment_id == key)).one()
