"""Collecting through the outbox, against a local Stripe: done once, found again, and our rows follow."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.core.work import digest, reading
from lib.models import Invoice, Operation, Payment, Subscription
from lib.payments import operations
from lib.services.payments import case, credit, invoices
from tests.factories import make_invoice
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

LATER = timedelta(hours=1)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def queue(database: Database, function: Any, payment: str, **given: Any) -> Operation:
    """What finance asks for, with the invoice as it is now."""
    with reading(database, FINANCE) as view:
        invoice = case.invoice_of(view.session, view.session.get_one(Payment, payment))
        assert invoice is not None
        shown = digest(invoice)
    return do(database, FINANCE, function, payment, shown=shown, reason="They called", **given)


def work_off(database: Database, stripe: LocalStripe, *, later: timedelta = timedelta()) -> None:
    moment = moments.now() + later
    for operation_id in operations.due(database, moment):
        operations.run(database, stripe.gateway, operation_id, "worker 1", now=moment)
        operations.settle(database, stripe.gateway, operation_id, now=moment)


def row(database: Database, model: Any, key: str) -> Any:
    with reading(database, FINANCE) as view:
        return view.session.get_one(model, key)


def invoice_row(database: Database, payment: str) -> Invoice:
    with reading(database, FINANCE) as view:
        found = case.invoice_of(view.session, view.session.get_one(Payment, payment))
    assert found is not None
    return found


def test_a_retry_that_the_card_pays_makes_payment_and_subscription_good(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.unpaid(database, card="pm_card_visa")
    queued = queue(database, invoices.retry, payment)

    work_off(database, stripe)

    paid = row(database, Payment, payment)
    assert (paid.status, paid.failure_reason) == ("succeeded", None)
    assert row(database, Subscription, paid.subscription_id).status == "active"
    invoice = invoice_row(database, payment)
    assert (invoice.status, invoice.amount_remaining_cents, invoice.attempt_count) == ("paid", 0, 2)
    assert row(database, Operation, queued.id).state == "done"


def test_a_retry_that_the_card_refuses_says_so_and_counts_as_a_try(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.unpaid(database, card="pm_card_chargeCustomerFail")
    queued = queue(database, invoices.retry, payment)

    work_off(database, stripe)

    refused = row(database, Operation, queued.id)
    assert refused.state == "failed"
    assert refused.error_message == "The card was refused again. Your card was declined."
    invoice = invoice_row(database, payment)
    assert (invoice.status, invoice.attempt_count) == ("open", 2)
    assert invoice.next_attempt_at is not None
    assert row(database, Payment, payment).status == "failed"


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeCustomerFail"])
def test_a_retry_whose_answer_is_lost_is_found_and_not_made_twice(
    database: Database, stripe: LocalStripe, card: str
) -> None:
    payment = stripe.unpaid(database, card=card)
    queued = queue(database, invoices.retry, payment)
    stripe.goes_wrong("drop_after")
    work_off(database, stripe)
    unknown = row(database, Operation, queued.id).state

    work_off(database, stripe, later=LATER)

    assert unknown == "unknown"
    assert len(stripe.writes(queued.id)) == 1
    assert invoice_row(database, payment).attempt_count == 2
    paid = card == "pm_card_visa"
    assert row(database, Operation, queued.id).state == ("done" if paid else "failed")
    assert row(database, Payment, payment).status == ("succeeded" if paid else "failed")


def test_a_retry_without_a_card_is_refused_in_stripes_words(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.unpaid(database, card=None)
    queued = queue(database, invoices.retry, payment)

    work_off(database, stripe)

    failed = row(database, Operation, queued.id)
    assert failed.state == "failed"
    assert "no attached payment source" in failed.error_message
    assert "another Stripe account" not in failed.error_message


@pytest.mark.parametrize(
    ("function", "status", "payment_is"),
    [(invoices.void, "void", "canceled"), (invoices.write_off, "uncollectible", "failed")],
)
@pytest.mark.parametrize("fault", [None, "drop_after", "500"])
def test_an_invoice_is_given_up_once_whatever_becomes_of_the_answer(
    database: Database, stripe: LocalStripe, function: Any, status: str, payment_is: str, fault: str | None
) -> None:
    payment = stripe.unpaid(database)
    queued = queue(database, function, payment)
    if fault:
        stripe.goes_wrong(fault)

    work_off(database, stripe)
    work_off(database, stripe, later=LATER)

    assert row(database, Operation, queued.id).state == "done"
    invoice = invoice_row(database, payment)
    assert (invoice.status, invoice.next_attempt_at) == (status, None)
    assert row(database, Payment, payment).status == payment_is
    assert len(stripe.writes(queued.id)) == (2 if fault == "500" else 1)


def test_what_was_paid_meanwhile_is_not_voided_and_our_rows_learn_it(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.unpaid(database, card="pm_card_visa")
    stripe.gateway.invoices.pay(invoice_row(database, payment).stripe_invoice_id, key="elsewhere")
    queued = queue(database, invoices.void, payment)

    work_off(database, stripe)

    failed = row(database, Operation, queued.id)
    assert (failed.state, failed.error_message) == (
        "failed",
        "It was not done: at Stripe the invoice is paid already.",
    )
    assert row(database, Payment, payment).status == "succeeded"


def test_an_invoice_is_mailed_once_though_only_an_event_tells(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.unpaid(database)
    invoice = invoice_row(database, payment).stripe_invoice_id
    queued = queue(database, invoices.send, payment)
    stripe.goes_wrong("drop_after")

    work_off(database, stripe)
    work_off(database, stripe, later=LATER)

    assert row(database, Operation, queued.id).state == "done"
    assert len(stripe.writes(queued.id)) == 1
    assert stripe.gateway.invoices.was_sent(invoice, moments.now() - LATER)


@pytest.mark.parametrize("fault", [None, "drop_after", "invalid_json"])
def test_credit_is_given_once(database: Database, stripe: LocalStripe, fault: str | None) -> None:
    payment = stripe.unpaid(database)
    customer = invoice_row(database, payment).stripe_customer_id
    queued = do(
        database,
        FINANCE,
        credit.change_balance,
        payment,
        direction="add",
        amount_cents=1000,
        credit_cents=0,
        reason="Sync was down",
    )
    if fault:
        stripe.goes_wrong(fault)

    work_off(database, stripe)
    work_off(database, stripe, later=LATER)

    assert customer is not None
    assert row(database, Operation, queued.id).state == "done"
    assert stripe.gateway.customers.retrieve(customer).balance == -1000
    [entry] = stripe.gateway.customers.balance_entries(customer)
    assert entry.metadata["operation_id"] == queued.id


@pytest.mark.parametrize("fault", [None, "drop_after"])
def test_a_credit_note_lowers_what_is_owed_once(
    database: Database, stripe: LocalStripe, fault: str | None
) -> None:
    payment = stripe.unpaid(database)
    queued = queue(
        database, credit.issue_note, payment, amount_cents=1000, note_reason="order_change", memo="Sorry"
    )
    if fault:
        stripe.goes_wrong(fault)

    work_off(database, stripe)
    work_off(database, stripe, later=LATER)

    assert row(database, Operation, queued.id).state == "done"
    invoice = invoice_row(database, payment)
    assert (invoice.status, invoice.amount_remaining_cents) == ("open", 2000)
    [note] = stripe.gateway.credit_notes.of_invoice(invoice.stripe_invoice_id)
    assert (note.amount, note.memo, note.reason) == (1000, "Sorry", "order_change")
    assert row(database, Payment, payment).status == "failed"


def test_a_credit_note_over_everything_settles_the_payment_without_money(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.unpaid(database)
    queue(database, credit.issue_note, payment, amount_cents=3000, note_reason="duplicate")

    work_off(database, stripe)

    invoice = invoice_row(database, payment)
    assert (invoice.status, invoice.amount_paid_cents) == ("paid", 0)
    settled = row(database, Payment, payment)
    assert (settled.status, settled.amount_cents) == ("canceled", 3000)


def test_a_credit_note_of_a_paid_invoice_becomes_credit_and_the_payment_stays_paid(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.unpaid(database, card="pm_card_visa")
    queue(database, invoices.retry, payment)
    work_off(database, stripe)

    queue(database, credit.issue_note, payment, amount_cents=500, note_reason="order_change")
    work_off(database, stripe)

    customer = invoice_row(database, payment).stripe_customer_id
    assert customer is not None
    assert stripe.gateway.customers.retrieve(customer).balance == -500
    assert row(database, Payment, payment).status == "succeeded"
    found = read(database, FINANCE, case.case, payment)
    assert found.line.refunded_cents == 0


def test_a_payment_without_a_known_invoice_has_nothing_to_collect(database: Database) -> None:
    payment, known = make_invoice(database, status="paid"), make_invoice(database)

    found = read(database, FINANCE, case.case, payment)
    open_one = read(database, FINANCE, case.case, known)

    assert found.why_not["retry"] == "Only an open invoice can be collected; this one is paid."
    assert set(open_one.why_not.values()) == {None}
