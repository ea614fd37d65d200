"""The inbox with a Stripe to ask: the object as it is counts, whatever an event says about it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from lib.core.database import Database
from lib.models import InboxEvent, Payment, Refund, StripeObject, Subscription
from lib.payments import inbox
from lib.payments.gateway import Gateway
from lib.payments.sandbox.server import running
from lib.payments.sandbox.store import Store
from tests.factories import make_payment, make_plan, make_refund, make_subscription
from tests.payments import told
from tests.payments.scripted import KEY
from tests.payments.told import NOW, START, day, only, rows, seconds, state_of


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    plan = make_plan(opened, id="plan_try", stripe_price_id="price_try")
    make_subscription(opened, id="ours", stripe_subscription_id="sub_1", plan_id=plan, created_at=START)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Stripe where `sub_1` is set to cancel, its invoice is paid, and 10 of 30 dollars went back."""
    path = tmp_path_factory.mktemp("stripe") / "stripe.db"
    with_start: dict[str, Any] = {"created": seconds(START)}
    store = Store(path)
    store.load(
        [
            ("customer", {"id": "cus_1", **with_start}),
            ("payment_method", {"id": "pm_1", **with_start, "customer": "cus_1", "card": "visa"}),
            ("product", {"id": "prod_1", **with_start, "name": "Try It Out"}),
            (
                "price",
                {
                    "id": "price_try",
                    **with_start,
                    "product": "prod_1",
                    "unit_amount": 3000,
                    "interval": "month",
                },
            ),
            (
                "subscription",
                {
                    "id": "sub_1",
                    **with_start,
                    "customer": "cus_1",
                    "status": "active",
                    "items": [{"price": "price_try"}],
                    "current_period_start": seconds(START),
                    "current_period_end": seconds(day(30)),
                    "cancel_at_period_end": True,
                    "canceled_at": seconds(day(3)),
                },
            ),
            (
                "invoice",
                {
                    "id": "in_1",
                    **with_start,
                    "customer": "cus_1",
                    "subscription": "sub_1",
                    "status": "paid",
                    "paid_at": seconds(START),
                    "lines": [{"amount": 3000, "price": "price_try"}],
                },
            ),
            (
                "payment_intent",
                {
                    "id": "pi_1",
                    **with_start,
                    "amount": 3000,
                    "status": "succeeded",
                    "customer": "cus_1",
                    "invoice": "in_1",
                },
            ),
            (
                "charge",
                {
                    "id": "ch_1",
                    **with_start,
                    "amount": 3000,
                    "status": "succeeded",
                    "customer": "cus_1",
                    "payment_intent": "pi_1",
                },
            ),
            (
                "refund",
                {
                    "id": "re_1",
                    "created": seconds(day(2)),
                    "amount": 1000,
                    "charge": "ch_1",
                    "payment_intent": "pi_1",
                    "status": "succeeded",
                    "metadata": {"refund_id": "our_refund"},
                },
            ),
        ]
    )
    store.close()
    with running(path) as url:
        yield url


@pytest.fixture
def gateway(stripe_url: str) -> Iterator[Gateway]:
    httpx.delete(f"{stripe_url}/_sandbox/requests").raise_for_status()
    httpx.delete(f"{stripe_url}/_sandbox/faults").raise_for_status()
    made = Gateway(KEY, api_base=stripe_url, retries=0, sleep=lambda _: None)
    yield made
    made.close()


def asked(stripe_url: str) -> list[str]:
    requests = httpx.get(f"{stripe_url}/_sandbox/requests").json()["requests"]
    return [request["path"] for request in requests]


def subscription_events(**over: Any) -> list[dict[str, Any]]:
    return [
        told.event("customer.subscription.updated", told.subscription("sub_1", "price_try", **over), day(n))
        for n in (1, 2, 3)
    ]


def test_an_object_is_asked_for_once_for_all_of_its_events(
    database: Database, gateway: Gateway, stripe_url: str
) -> None:
    events = subscription_events(status="past_due")
    for event in reversed(events):
        inbox.receive(database, event, livemode_expected=False, now=NOW)
    tried = inbox.apply_due(database, gateway, now=NOW)

    assert (tried, asked(stripe_url)) == (3, ["/v1/subscriptions/sub_1"])
    assert [state_of(database, event["id"]) for event in events] == ["applied"] * 3
    subscription = only(database, Subscription)
    assert (subscription.status, subscription.canceled_at) == ("active", day(3))
    seen = only(database, StripeObject)
    assert (seen.applied_created, seen.applied_event_id) == (day(3), events[-1]["id"])
    assert (seen.fetched_at, seen.lease_owner) == (NOW, None)


def test_a_late_event_with_an_old_picture_does_no_harm(database: Database, gateway: Gateway) -> None:
    first, *_, last = subscription_events(status="canceled")
    inbox.apply_event(database, gateway, last, now=NOW)
    late = inbox.apply_event(database, gateway, first, now=NOW + timedelta(hours=1))

    assert (late.state, late.outcome) == ("applied", "Our rows said so already.")
    assert only(database, Subscription).status == "active"


def test_an_invoice_that_is_paid_by_now_is_paid_whatever_its_event_said(
    database: Database, gateway: Gateway
) -> None:
    """Since basil the event does not name its payment intent: the gateway finds it."""
    unpaid = told.invoice("in_1", "sub_1", "pi_1", status="open")
    del unpaid["payments"]
    inbox.apply_event(database, gateway, told.event("invoice.payment_failed", unpaid, day(1)), now=NOW)

    payment = only(database, Payment)
    assert (payment.status, payment.amount_cents) == ("succeeded", 3000)
    assert (payment.stripe_payment_intent_id, payment.stripe_charge_id) == ("pi_1", "ch_1")
    subscription = only(database, Subscription)
    assert (subscription.status, subscription.canceled_at) == ("active", day(3))


@pytest.mark.parametrize("kind", ["charge.refunded", "refund.updated"])
def test_a_refund_is_followed_with_all_that_went_back_of_its_charge(
    database: Database, gateway: Gateway, kind: str
) -> None:
    pay = make_payment(
        database, stripe_payment_intent_id="pi_1", stripe_charge_id=None, subscription_id="ours"
    )
    make_refund(database, id="our_refund", transaction_id=pay, refund_amount_cents=1000, status="approved")
    source = {
        "charge.refunded": told.charge("pi_1", amount_refunded=77, id="ch_1"),
        "refund.updated": told.refund("re_1", "pi_1", 1000, "pending"),
    }[kind]
    applied = inbox.apply_event(database, gateway, told.event(kind, source, day(2)), now=NOW)

    assert applied.state == "applied"
    payment, refund = only(database, Payment), only(database, Refund)
    assert (payment.status, payment.refund_amount_cents) == ("succeeded", 1000)
    assert (refund.status, refund.stripe_refund_id, refund.processed_at) == ("processed", "re_1", day(2))


def test_what_stripe_does_not_know_is_taken_from_the_payload(database: Database, gateway: Gateway) -> None:
    make_payment(database, stripe_payment_intent_id="pi_9", subscription_id="ours")
    refunded = told.event("charge.refunded", told.charge("pi_9", amount_refunded=500), day(2))
    applied = inbox.apply_event(database, gateway, refunded, now=NOW)

    assert applied.state == "applied"
    assert only(database, Payment).refund_amount_cents == 500
    assert only(database, StripeObject).fetched_at is None


@pytest.mark.parametrize("fault", ["500", "429", "drop_before"])
def test_a_stripe_in_trouble_puts_an_event_off_and_nothing_is_lost(
    database: Database, gateway: Gateway, stripe_url: str, fault: str
) -> None:
    event = subscription_events()[0]
    httpx.post(f"{stripe_url}/_sandbox/faults", json={"fault": fault, "times": 4}).raise_for_status()
    trouble = inbox.apply_event(database, gateway, event, now=NOW)
    httpx.delete(f"{stripe_url}/_sandbox/faults").raise_for_status()
    inbox.apply_due(database, gateway, now=NOW + inbox.BACKOFF[0])

    assert (trouble.state, only(database, InboxEvent).state) == ("failed", "applied")
    assert trouble.error
    assert only(database, Subscription).canceled_at == day(3)
    assert len(rows(database, InboxEvent)) == 1


def test_asking_stripe_happens_outside_every_transaction(
    database: Database, gateway: Gateway, stripe_url: str
) -> None:
    """While Stripe takes its time another writer is not held up."""
    inbox.receive(database, subscription_events()[0], livemode_expected=False, now=NOW)
    written: list[str] = []

    noting = Gateway(KEY, api_base=stripe_url, retries=0, timeout=(1, 0.5))
    retrieve = noting.subscriptions.retrieve

    def retrieve_while_another_writes(subscription_id: str) -> Any:
        other = told.event("customer.created", {"id": "cus_2", "object": "customer"})
        written.append(inbox.receive(database, other, livemode_expected=False, now=NOW))
        return retrieve(subscription_id)

    noting.subscriptions.retrieve = retrieve_while_another_writes
    inbox.apply_due(database, noting, now=NOW)
    noting.close()

    assert written == ["stored"]
