"""The inbox and collecting: what is owed and when it is tried next, and disputes with their deadline."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import reading
from lib.models import Dispute, Invoice, Payment
from tests.factories import make_payment, make_subscription
from tests.payments import told
from tests.payments.told import day, seconds, tell


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def the(database: Database, model: Any) -> Any:
    """The only row of a table."""
    with reading(database, system("test")) as view:
        return view.session.scalars(select(model)).one()


def failed(subscription: str, at: int, tries: int, **over: Any) -> dict[str, Any]:
    """A try to collect the invoice that failed, on that day."""
    return told.event(
        "invoice.payment_failed",
        told.invoice(
            "in_1",
            subscription,
            "pi_1",
            status="open",
            amount_remaining=3000,
            attempt_count=tries,
            next_payment_attempt=seconds(day(at + 3)),
            **over,
        ),
        created=day(at),
    )


def closed(subscription: str, at: int, kind: str, status: str, **over: Any) -> dict[str, Any]:
    shape = told.invoice(
        "in_1", subscription, "pi_1", status=status, amount_remaining=0, attempt_count=2, **over
    )
    return told.event(kind, shape, created=day(at))


def dispute(at: int, kind: str = "created", status: str = "needs_response") -> dict[str, Any]:
    return told.event(
        f"charge.dispute.{kind}",
        {
            "id": "dp_1",
            "object": "dispute",
            "amount": 3000,
            "currency": "usd",
            "charge": "ch_1",
            "payment_intent": "pi_disputed",
            "status": status,
            "reason": "fraudulent",
            "evidence_details": {"due_by": seconds(day(20))},
            "created": seconds(day(1)),
        },
        created=day(at),
    )


def test_a_failed_try_says_what_is_owed_and_when_it_is_tried_next(database: Database) -> None:
    make_subscription(database, stripe_subscription_id="sub_1")
    tell(database, failed("sub_1", 3, 1))

    owed, payment = the(database, Invoice), the(database, Payment)
    assert (owed.payment_id, owed.status, owed.attempt_count) == (payment.id, "open", 1)
    assert (owed.amount_remaining_cents, owed.next_attempt_at) == (3000, day(6))
    assert (owed.currency, owed.number) == ("USD", "BT-0001")


@pytest.mark.parametrize(
    ("kind", "status", "payment_is"),
    [
        ("invoice.voided", "void", "canceled"),
        ("invoice.marked_uncollectible", "uncollectible", "failed"),
        ("invoice.payment_succeeded", "paid", "succeeded"),
    ],
)
def test_every_order_of_an_invoices_events_ends_in_the_same_rows(
    sqlite_url: str, kind: str, status: str, payment_is: str
) -> None:
    database = Database(sqlite_url)
    ends = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        name = f"sub_of_{number}"
        make_subscription(database, stripe_subscription_id=name)
        told_events = [
            failed(name, 3, 1),
            failed(name, 6, 2),
            closed(name, 8, kind, status),
        ]
        for event in told_events:
            shape = event["data"]["object"]
            shape["id"] = f"in_{number}"
            for payment in shape["payments"]["data"]:
                payment["payment"]["payment_intent"]["id"] = f"pi_{number}"
        for place in order:
            tell(database, told_events[place])
        with reading(database, system("test")) as view:
            invoice = view.session.get_one(Invoice, f"in_{number}")
            payment = view.session.get_one(Payment, invoice.payment_id)
        ends.add((invoice.status, invoice.attempt_count, invoice.next_attempt_at, payment.status))
    database.dispose()

    assert ends == {(status, 2, None, payment_is)}


def test_an_invoice_that_was_never_tried_and_is_voided_leaves_no_payment(database: Database) -> None:
    make_subscription(database, stripe_subscription_id="sub_1")
    shape = told.invoice("in_1", "sub_1", "pi_1", status="void", attempt_count=0)
    tell(database, told.event("invoice.voided", shape, created=day(3)))

    with reading(database, system("test")) as view:
        assert view.session.scalars(select(Payment)).all() == []
        assert view.session.scalars(select(Invoice)).all() == []


def test_an_invoice_settled_by_credit_alone_brings_no_money(database: Database) -> None:
    make_subscription(database, stripe_subscription_id="sub_1")
    tell(database, failed("sub_1", 3, 1))
    over = {"amount_due": 0, "amount_paid": 0}
    tell(database, closed("sub_1", 5, "invoice.payment_succeeded", "paid", **over))

    payment = the(database, Payment)
    assert (payment.status, payment.amount_cents) == ("canceled", 3000)


def test_a_dispute_is_kept_with_its_deadline_and_its_payment(database: Database) -> None:
    payment = make_payment(database, stripe_payment_intent_id="pi_disputed", stripe_charge_id="ch_1")

    applied = tell(database, dispute(1))

    kept = the(database, Dispute)
    assert (kept.payment_id, kept.status, kept.reason) == (payment, "needs_response", "fraudulent")
    assert (kept.amount_cents, kept.evidence_due_at, kept.opened_at) == (3000, day(20), day(1))
    assert applied.state == "applied"


def test_a_dispute_about_no_payment_of_ours_is_kept_too(database: Database) -> None:
    tell(database, dispute(1))

    assert the(database, Dispute).payment_id is None


def test_every_order_of_a_disputes_events_ends_decided(sqlite_url: str) -> None:
    ends = set()
    database = Database(sqlite_url)
    events = [dispute(1), dispute(4, "updated", "under_review"), dispute(9, "closed", "won")]
    for number, order in enumerate(itertools.permutations(events)):
        for event in order:
            shape = event["data"]["object"] | {"id": f"dp_{number}"}
            tell(database, event | {"id": f"{event['id']}_{number}", "data": {"object": shape}})
        with reading(database, system("test")) as view:
            ends.add(view.session.get_one(Dispute, f"dp_{number}").status)
    database.dispose()

    assert ends == {"won"}
