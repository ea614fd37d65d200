"""Subscriptions and their items."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import item_id
from lib.payments.sandbox.shapes import catalog
from lib.payments.sandbox.shapes.lists import list_of

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session


def subscription(session: "Session", facts: Facts) -> dict[str, Any]:
    """A subscription; its periods are shown on its items and its discounts are ids, as since 2025-03-31."""
    latest = session.newest("invoice", parent=facts["id"])
    discounts = facts.get("discounts", [])
    details = facts.get("cancellation_details") or {}
    pause = facts.get("pause_collection")
    billing_mode: dict[str, Any] = {"type": facts.get("billing_mode", "flexible")}
    if billing_mode["type"] == "flexible":
        billing_mode["flexible"] = {"proration_discounts": "included"}
    return {
        "id": facts["id"],
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": facts.get("billing_cycle_anchor", facts["current_period_start"]),
        "billing_cycle_anchor_config": None,
        "billing_mode": billing_mode,
        "billing_thresholds": None,
        "cancel_at": facts.get("cancel_at"),
        "cancel_at_period_end": facts.get("cancel_at_period_end", False),
        "canceled_at": facts.get("canceled_at"),
        "cancellation_details": {name: details.get(name) for name in ("comment", "feedback", "reason")},
        "collection_method": facts.get("collection_method", "charge_automatically"),
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "customer": facts["customer"],
        "customer_account": None,
        "days_until_due": facts.get("days_until_due"),
        "default_payment_method": facts.get("default_payment_method"),
        "default_source": None,
        "default_tax_rates": [],
        "description": facts.get("description"),
        "discounts": [one["id"] for one in discounts],
        "ended_at": facts.get("ended_at"),
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": list_of(items(session, facts), f"/v1/subscription_items?subscription={facts['id']}"),
        "latest_invoice": latest["id"] if latest else None,
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": {"behavior": pause["behavior"], "resumes_at": pause.get("resumes_at")}
        if pause
        else None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": facts.get("start_date", facts["created"]),
        "status": facts["status"],
        "test_clock": None,
        "transfer_data": None,
        "trial_end": facts.get("trial_end"),
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": facts.get("trial_start"),
        "_discounts": [
            catalog.discount(session, one, customer=facts["customer"], subscription=facts["id"])
            for one in discounts
        ],
    }


def items(session: "Session", facts: Facts) -> list[dict[str, Any]]:
    """The items, each with its price, in the order in which they were given."""
    shown = []
    for position, item in enumerate(facts["items"]):
        price = session.get("price", item["price"])
        shown.append(
            {
                "id": item.get("id") or item_id(facts["id"], position),
                "object": "subscription_item",
                "billing_thresholds": None,
                "created": item.get("created", facts["created"]),
                "current_period_end": facts["current_period_end"],
                "current_period_start": facts["current_period_start"],
                "discounts": [],
                "metadata": item.get("metadata", {}),
                "plan": catalog.plan(price),
                "price": catalog.price(session, price),
                "quantity": item.get("quantity", 1),
                "subscription": facts["id"],
                "tax_rates": [],
            }
        )
    return shown
