"""Every shape of Stripe's objects is read into the same facts."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from lib.core.errors import Invalid
from lib.payments.events import (
    HANDLED,
    ChargeFacts,
    Facts,
    InvoiceFacts,
    RefundFacts,
    SubscriptionFacts,
    read_event,
    read_object,
)
from tests.conftest import golden
from tests.payments import golden_webhook
from tests.payments.recorded import READ_BY_HAND


def read(payload: Mapping[str, Any]) -> Facts | None:
    """What a golden file holds, with an envelope or without."""
    return read_event(payload).facts if payload.get("object") == "event" else read_object(payload)


def follow(facts: object, path: str) -> Any:
    """`items.0.price_id` of facts; moments come back as the Unix seconds that the files hold."""
    value = facts
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    return int(value.timestamp()) if isinstance(value, datetime) else value


@pytest.mark.parametrize("name", READ_BY_HAND)
def test_a_recorded_payload_is_read_as_a_person_reads_it(name: str) -> None:
    kind, expected = READ_BY_HAND[name]
    facts = read(golden_webhook(name))

    assert type(facts) is (kind or type(None))
    assert {path: follow(facts, path) for path in expected} == expected


def manifest() -> dict[str, dict[str, Any]]:
    listed = json.loads(golden("webhooks/MANIFEST.json").read_text())
    return {entry["file"]: entry for entry in listed["files"]}


def test_every_recorded_payload_is_covered() -> None:
    recorded = {name for name in manifest() if not name.startswith("signature_vector")}

    assert set(READ_BY_HAND) == recorded


@pytest.mark.parametrize("name", READ_BY_HAND)
def test_the_facts_agree_with_what_the_manifest_measured(name: str) -> None:
    entry = manifest()[name]
    shape = entry.get("shape") or {}
    facts = read(golden_webhook(name))

    for field in ("status", "amount", "amount_due", "amount_paid", "amount_refunded", "refunded"):
        if field in shape:
            assert getattr(facts, field) == shape[field]
    if isinstance(facts, SubscriptionFacts):
        assert len(facts.items) == shape["items"]
        assert facts.billing_mode == shape["billing_mode"]
        assert facts.current_period_end is not None
        assert (facts.items[0].current_period_end is not None) == shape["item_current_period_end"]
    if isinstance(facts, ChargeFacts) and shape:
        assert (facts.refunds is not None) == shape["refunds_list"]
    if entry["envelope"]:
        event = read_event(golden_webhook(name))
        assert (event.id, event.type, event.api_version) == (
            entry["event_id"],
            entry["type"],
            entry["api_version"],
        )
        assert event.created == datetime.fromtimestamp(entry["created"], UTC)
        assert event.livemode is entry["livemode"]
        assert (event.previous_attributes is not None) == entry["has_previous_attributes"]


def test_previous_attributes_are_kept_as_stripe_sent_them() -> None:
    event = read_event(golden_webhook("supabase_charge_refunded.json"))

    assert event.previous_attributes is not None
    assert event.previous_attributes["amount_refunded"] == 0
    assert event.raw["request"] == {"id": "req_QyDCzn33ls4m1t", "idempotency_key": None}


# Rules that no recorded payload shows.


def test_a_first_page_of_refunds_counts_as_none() -> None:
    charge = {"id": "ch_1", "object": "charge", "refunds": {"data": [{"id": "re_1"}], "has_more": True}}
    facts = read_object(charge)

    assert isinstance(facts, ChargeFacts)
    assert facts.refunds is None


def test_the_period_of_a_subscription_is_that_of_the_item_that_ends_first() -> None:
    items = [
        {"id": "si_year", "current_period_start": 100, "current_period_end": 900},
        {"id": "si_month", "current_period_start": 300, "current_period_end": 400},
    ]
    facts = read_object({"id": "sub_1", "object": "subscription", "items": {"data": items}})

    assert follow(facts, "current_period_start") == 300
    assert follow(facts, "current_period_end") == 400


def test_a_discount_that_2024_sends_in_both_places_is_one_discount() -> None:
    whole = {"id": "di_1", "coupon": {"id": "SPRING"}, "promotion_code": "promo_1"}
    facts = read_object(
        {"id": "sub_1", "object": "subscription", "discount": whole, "discounts": ["di_1", "di_2"]}
    )

    assert isinstance(facts, SubscriptionFacts)
    assert [(each.id, each.coupon_id) for each in facts.discounts] == [("di_1", "SPRING"), ("di_2", None)]


def test_the_two_pauses_are_told_apart() -> None:
    collection = {"pause_collection": {"behavior": "void", "resumes_at": 1700000000}}
    real = {
        "paused": {"type": "subscription", "subscription": {"type": "pause_requested"}, "transitioned_at": 1}
    }
    uncollected = read_object({"id": "sub_1", "object": "subscription", "status": "active", **collection})
    paused = read_object(
        {"id": "sub_1", "object": "subscription", "status": "paused", "status_details": real}
    )

    assert isinstance(uncollected, SubscriptionFacts)
    assert (uncollected.pause_behavior, uncollected.paused_reason) == ("void", None)
    assert follow(uncollected, "pause_resumes_at") == 1700000000
    assert isinstance(paused, SubscriptionFacts)
    assert (paused.pause_behavior, paused.paused_reason) == (None, "pause_requested")
    assert follow(paused, "paused_at") == 1


def test_taxes_are_added_up_and_an_expanded_payment_tells_why_it_failed() -> None:
    intent = {
        "id": "pi_2",
        "last_payment_error": {"message": "Your card was declined."},
        "latest_charge": "ch_2",
    }
    payments = [
        {"is_default": False, "payment": {"payment_intent": "pi_1"}},
        {"is_default": True, "payment": {"payment_intent": intent}},
    ]
    facts = read_object(
        {
            "id": "in_1",
            "object": "invoice",
            "total_taxes": [{"amount": 120}, {"amount": 35}],
            "total_discount_amounts": [{"amount": 500, "discount": "di_1"}],
            "payments": {"data": payments},
        }
    )

    assert isinstance(facts, InvoiceFacts)
    assert (facts.tax, facts.discount_total) == (155, 500)
    assert (facts.payment_intent_id, facts.charge_id) == ("pi_2", "ch_2")
    assert facts.error_message == "Your card was declined."


@pytest.mark.parametrize("seconds", [-1, 253_402_300_800, 10**30, True, "1234567890", 1.5])
def test_a_moment_that_is_none_is_not_read(seconds: object) -> None:
    facts = read_object({"id": "re_1", "object": "refund", "created": seconds})

    assert isinstance(facts, RefundFacts)
    assert facts.created is None


def test_expanded_objects_are_read_as_their_ids() -> None:
    facts = read_object(
        {
            "id": "ch_1",
            "object": "charge",
            "customer": {"id": "cus_1"},
            "payment_intent": {"id": "pi_1"},
            "dispute": "dp_1",
        }
    )

    assert isinstance(facts, ChargeFacts)
    assert (facts.customer_id, facts.payment_intent_id) == ("cus_1", "pi_1")
    assert (facts.dispute_id, facts.disputed) == ("dp_1", True)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (None, "JSON object"),
        ([{"id": "evt_1"}], "JSON object"),
        ("evt_1", "JSON object"),
        ({"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"}, "thin event"),
        ({"object": "event", "type": "charge.refunded"}, "“id”"),
        ({"object": "event", "id": "evt_1"}, "“type”"),
        ({"object": "event", "id": 7, "type": "charge.refunded"}, "“id”"),
    ],
)
def test_what_is_no_event_is_refused_in_words(payload: object, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_event(payload)


@pytest.mark.parametrize(
    "source",
    [None, 5, "ch_1", [], {}, {"object": "charge"}, {"object": "payout", "id": "po_1"}, {"id": "x"}],
)
def test_an_object_of_another_kind_or_without_an_id_gives_no_facts(source: object) -> None:
    assert read_object(source) is None


def test_an_event_about_something_else_is_read_without_facts() -> None:
    event = read_event(
        {"id": "evt_1", "type": "plan.created", "data": {"object": {"id": "p", "object": "plan"}}}
    )

    assert event.facts is None
    assert event.type not in HANDLED


def test_a_paid_invoice_is_acted_on_once() -> None:
    assert "invoice.payment_succeeded" in HANDLED
    assert "invoice.paid" not in HANDLED
