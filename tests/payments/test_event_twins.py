"""An object says the same in the shapes before and after basil (2025-03-31).

The new twin is made of the recorded old one by moving its fields to where Stripe moved them.
"""

import copy
from dataclasses import fields
from typing import Any

import pytest

from lib.payments.events import ChargeFacts, SubscriptionFacts, read_object
from tests.payments import golden_webhook


def modern_subscription(old: dict[str, Any]) -> dict[str, Any]:
    new = copy.deepcopy(old)
    period = {name: new.pop(name) for name in ("current_period_start", "current_period_end")}
    for item in new["items"]["data"]:
        item.update(period)
        item.pop("plan")
    discount = new.pop("discount")
    if discount:
        discount["source"] = {"type": "coupon", "coupon": discount.pop("coupon")["id"]}
    new["discounts"] = [discount] if discount else []
    new["billing_mode"] = {"type": "classic"}
    return new


def modern_invoice(old: dict[str, Any]) -> dict[str, Any]:
    new = copy.deepcopy(old)
    subscription, payment_intent = new.pop("subscription"), new.pop("payment_intent")
    charge, tax = new.pop("charge"), new.pop("total_tax_amounts")
    del new["tax"], new["paid"], new["discount"]
    new["parent"] = subscription and {
        "type": "subscription_details",
        "subscription_details": {"subscription": subscription, "metadata": {}},
    }
    new["total_taxes"] = tax
    if payment_intent:
        payment = {
            "type": "payment_intent",
            "payment_intent": {"id": payment_intent, "latest_charge": charge, "last_payment_error": None},
        }
        new["payments"] = {
            "object": "list",
            "data": [{"is_default": True, "status": "paid", "payment": payment}],
        }
    for line in new["lines"]["data"]:
        price = line.pop("price")
        line.pop("plan", None)
        line["pricing"] = {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
        }
        subscription_item = line.pop("subscription_item", None)
        kind = "subscription_item_details" if subscription_item else "invoice_item_details"
        line["parent"] = {
            "type": kind,
            kind: {
                "proration": line.pop("proration"),
                "subscription": line.pop("subscription"),
                "subscription_item": subscription_item,
            },
        }
    return new


@pytest.mark.parametrize("name", ["created", "updated", "deleted"])
def test_a_subscription_says_the_same_before_and_after_basil(name: str) -> None:
    old = golden_webhook(f"supabase_subscription_{name}.json")["data"]["object"]
    old["discount"] = {
        "id": "di_1",
        "object": "discount",
        "coupon": {"id": "SPRING", "object": "coupon"},
        "promotion_code": "promo_1",
        "start": 1618980344,
        "end": None,
    }
    before, after = read_object(old), read_object(modern_subscription(old))

    assert isinstance(before, SubscriptionFacts)
    assert isinstance(after, SubscriptionFacts)
    assert before.discounts[0].coupon_id == "SPRING"
    assert before.discounts[0].promotion_code_id == "promo_1"
    moved = {"items", "billing_mode"}
    assert {f.name: getattr(before, f.name) for f in fields(before) if f.name not in moved} == {
        f.name: getattr(after, f.name) for f in fields(after) if f.name not in moved
    }
    assert [(item.price_id, item.product_id, item.unit_amount, item.interval) for item in before.items] == [
        (item.price_id, item.product_id, item.unit_amount, item.interval) for item in after.items
    ]


@pytest.mark.parametrize(
    "name",
    [
        "supabase_invoice_paid.json",
        "supabase_invoice_finalized.json",
        "supabase_invoice_voided.json",
        "rubymock_invoice.payment_succeeded.json",
        "rubymock_invoice.payment_failed.json",
    ],
)
def test_an_invoice_says_the_same_before_and_after_basil(name: str) -> None:
    old = golden_webhook(name)["data"]["object"]

    assert read_object(modern_invoice(old)) == read_object(old)


def test_a_charge_after_basil_lacks_only_its_invoice_and_its_refunds() -> None:
    old = golden_webhook("supabase_charge_refunded.json")["data"]["object"]
    new = {key: value for key, value in old.items() if key not in {"invoice", "refunds"}}
    before, after = read_object(old), read_object(new)

    assert isinstance(before, ChargeFacts)
    assert isinstance(after, ChargeFacts)
    assert {f.name for f in fields(before) if getattr(before, f.name) != getattr(after, f.name)} == {
        "invoice_id",
        "refunds",
    }
    assert after.refunds is None
