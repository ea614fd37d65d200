"""Every recorded event, posted anew with its rows seeded, ends as a right row or as a clear `ignored`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from lib.core.database import Database
from lib.models import InboxEvent, Payment, Refund, StripeWebhook, Subscription
from lib.payments.events import (
    ChargeFacts,
    Facts,
    InvoiceFacts,
    RefundFacts,
    SubscriptionFacts,
    read_event,
    read_object,
)
from tests.conftest import golden
from tests.factories import make_payment, make_plan, make_subscription
from tests.payments import golden_webhook, told
from tests.payments.told import only, rows, tell, work_off

Row = dict[str, Any]

# What each file's event does to its seeded rows: the state it ends in, the subscription's columns and the
# payment's. Where a file holds a bare object, the event around it is the one that its kind comes with here.
OUTCOMES: dict[str, tuple[str, Row, Row]] = {
    "supabase_subscription_created.json": ("applied", {"status": "active", "price_cents": 0}, {}),
    "supabase_subscription_updated.json": ("applied", {"status": "active", "canceled_at": None}, {}),
    "supabase_subscription_deleted.json": ("applied", {"status": "canceled"}, {}),
    "supabase_charge_refunded.json": ("applied", {}, {"status": "refunded", "refund_amount_cents": 2500}),
    "supabase_invoice_paid.json": ("ignored", {"status": "active"}, {}),
    "supabase_invoice_finalized.json": ("ignored", {"status": "active"}, {}),
    "supabase_invoice_voided.json": ("applied", {"status": "active"}, {}),
    "supabase_refund_created.json": ("ignored", {}, {"status": "succeeded", "refund_amount_cents": None}),
    "rubymock_invoice.payment_succeeded.json": ("applied", {}, {"status": "succeeded", "amount_cents": 2000}),
    "rubymock_invoice.payment_failed.json": ("applied", {}, {"status": "succeeded", "amount_cents": 3000}),
    "rubymock_charge.dispute.created.json": ("applied", {}, {}),
    "rubymock_legacy_customer.subscription.updated.json": (
        "applied",
        {"status": "active", "price_cents": 100, "current_period_end": 1383758961},
        {},
    ),
    "rubymock_legacy_charge.refunded.json": (
        "applied",
        {},
        {"status": "refunded", "refund_amount_cents": 1000},
    ),
    "pay_invoice.payment_failed.json": (
        "applied",
        {"status": "past_due"},
        {"status": "failed", "amount_cents": 24900, "stripe_payment_intent_id": None},
    ),
    "pay_charge.refunded.json": ("applied", {}, {"status": "succeeded", "refund_amount_cents": 500}),
    "pay_charge.updated.json": ("ignored", {}, {"status": "succeeded", "refund_amount_cents": None}),
    "pay_subscription.created.json": (
        "applied",
        {"status": "active", "price_cents": 600, "trial_end_date": 1467992724},
        {},
    ),
    "pay_subscription.deleted.json": ("applied", {"status": "canceled", "canceled_at": 1487872069}, {}),
    "pay_invoice.updated.json": ("ignored", {}, {}),
}
# Stripe's own examples of bare objects: what their values mean is not meant seriously, their shapes are.
OUTCOMES |= {
    f"openapi_{commit}_subscription.json": ("applied", {"status": "active", "price_cents": price}, {})
    for commit, price in {
        "261d121": 2000,
        "eed4202": 2000,
        "3604184": 2000,
        "ffec61d": 2000,
        "7e01c9c": 2000,
        "25f4788": 2000,
    }.items()
}
OUTCOMES |= {
    f"openapi_{commit}_charge.json": ("applied", {}, {"status": "succeeded", "refund_amount_cents": None})
    for commit in ("261d121", "eed4202", "3604184", "ffec61d", "7e01c9c", "25f4788")
}
OUTCOMES |= {
    f"openapi_{commit}_invoice.json": (
        "applied",
        {"status": "past_due"},
        {"status": "failed", "amount_cents": 1000},
    )
    for commit in ("7889531", "3f50432", "f0758b1")
}
OUTCOMES |= {
    # These examples belong to no subscription and name no payment.
    f"openapi_{commit}_invoice.json": ("unmatched", {}, {})
    for commit in ("79e5f5f", "0513927", "f7387c2")
}
OUTCOMES["openapi_dd1cdfc_invoice.json"] = ("applied", {"status": "active"}, {})  # nothing was due

_EVENT_OF = {
    SubscriptionFacts: "customer.subscription.updated",
    InvoiceFacts: "invoice.payment_failed",
    ChargeFacts: "charge.refunded",
}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def fresh(name: str) -> dict[str, Any]:
    """The file's event with an id of its own; around a bare object, the event that brings it."""
    payload = golden_webhook(name)
    if payload.get("object") == "event":
        return payload | {"id": f"evt_fresh_{name}", "livemode": False}
    source = payload["object"] if isinstance(payload.get("object"), dict) else payload
    named = name.removesuffix(".json").partition("_")
    kind = {"pay": named[2].replace("subscription.", "customer.subscription.")}.get(named[0])
    facts = read_object(source)
    return told.event(kind or _EVENT_OF[type(facts)], source, told.NOW)


def seed(database: Database, facts: Facts | None) -> None:
    """The subscription and the payment that the object is about, as the app would hold them."""
    match facts:
        case SubscriptionFacts():
            plan = make_plan(database, stripe_price_id=facts.items[0].price_id)
            make_subscription(database, stripe_subscription_id=facts.id, plan_id=plan)
        case InvoiceFacts():
            lines = (line.subscription_id for line in facts.lines)
            subscription = facts.subscription_id or next(lines, None)
            make_subscription(database, stripe_subscription_id=subscription)
            if facts.payment_intent_id is not None:
                make_payment(database, stripe_payment_intent_id=facts.payment_intent_id)
        case ChargeFacts():
            make_payment(
                database,
                stripe_payment_intent_id=facts.payment_intent_id,
                stripe_charge_id=facts.id,
                amount_cents=facts.amount,
            )
        case RefundFacts():
            make_payment(
                database,
                stripe_payment_intent_id=facts.payment_intent_id,
                stripe_charge_id=facts.charge_id,
                amount_cents=2000,
            )


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_recorded_event_ends_as_its_row_says(database: Database, name: str) -> None:
    event = fresh(name)
    seed(database, read_event(event).facts)
    tell(database, event)
    work_off(database)

    state, subscription, payment = OUTCOMES[name]
    entry = only(database, InboxEvent)
    assert (entry.state, entry.error) == (state, None)
    assert entry.outcome
    if subscription:
        row = only(database, Subscription)
        assert {column: _plain(getattr(row, column)) for column in subscription} == subscription
    if payment:
        row = only(database, Payment)
        assert {column: getattr(row, column) for column in payment} == payment
    logged = only(database, StripeWebhook)
    assert logged.processed is (state != "unmatched")
    assert len(rows(database, Refund)) == len(
        [refund for refund in _refunds(event) if state == "applied" and refund.status in {"succeeded", None}]
    )


# A dispute is kept whoever's payment it is about: somebody has to answer it.
KEPT_ALONE = {"rubymock_charge.dispute.created.json"}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, (state, *_) in OUTCOMES.items()
        if state in {"applied", "unmatched"} and name not in KEPT_ALONE
    ],
)
def test_a_recorded_event_without_our_rows_ends_unmatched(database: Database, name: str) -> None:
    tell(database, fresh(name))
    work_off(database)

    entry = only(database, InboxEvent)
    assert (entry.state, entry.error) == ("unmatched", None)
    assert entry.outcome.startswith("No row of ours is about ")
    assert rows(database, Payment) == rows(database, Refund) == rows(database, Subscription) == []


def test_every_recorded_payload_has_its_outcome() -> None:
    files = {path.name for path in golden("webhooks").glob("*.json")}

    assert files - set(OUTCOMES) == {"MANIFEST.json", "signature_vector.json"}


def _plain(value: Any) -> Any:
    return int(value.astimezone(UTC).timestamp()) if isinstance(value, datetime) else value


def _refunds(event: dict[str, Any]) -> tuple[RefundFacts, ...]:
    facts = read_event(event).facts
    return facts.refunds or () if isinstance(facts, ChargeFacts) else ()
