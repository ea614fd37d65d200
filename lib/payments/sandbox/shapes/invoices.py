"""Invoices and the payments made to them."""

import hashlib
from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import invoice_payment_id
from lib.payments.sandbox.shapes import catalog
from lib.payments.sandbox.shapes.customers import invoice_prefix
from lib.payments.sandbox.shapes.invoice_lines import lines
from lib.payments.sandbox.shapes.lists import list_of

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session


def amounts(facts: Facts) -> dict[str, int]:
    """What the lines come to, in cents.

    A total below zero is owed to the customer: it goes to the credit balance. A credit (a negative starting
    balance) lowers what is due, and so does a credit note before the payment.
    """
    subtotal = sum(line["amount"] for line in facts["lines"])
    discount = sum(amount for line in facts["lines"] for _, amount in line.get("discount_amounts", []))
    total = subtotal - discount
    start = facts.get("starting_balance", 0)
    due = max(0, total + start - facts.get("pre_credit", 0))
    paid = due if facts["status"] == "paid" else 0
    return {
        "subtotal": subtotal,
        "total": total,
        "amount_due": due,
        "amount_paid": paid,
        "amount_remaining": due - paid,
        "starting_balance": start,
        "ending_balance": min(0, total + start),
    }


def invoice(session: "Session", facts: Facts) -> dict[str, Any]:
    """An invoice; its subscription is under `parent` and its payments are included only when expanded."""
    buyer = session.find("customer", facts["customer"]) or {}
    subscription = session.find("subscription", facts["subscription"]) if facts.get("subscription") else None
    status, sums, final = facts["status"], amounts(facts), facts["status"] != "draft"
    finalized_at = facts.get("finalized_at", facts["created"] if final else None)
    paid_at = facts.get("paid_at", finalized_at if status == "paid" else None)
    discounts = facts.get("discounts", [])
    payments = [] if facts.get("preview") else list(session.select("payment_intent", parent=facts["id"]))
    charge = session.newest("charge", parent=payments[0]["id"]) if payments else None
    attempts = facts.get("attempt_count", 1 if status == "paid" and sums["amount_due"] else 0)
    return {
        "id": facts["id"],
        "object": "invoice",
        "account_country": "US",
        "account_name": "Local Stripe",
        "account_tax_ids": None,
        "amount_due": sums["amount_due"],
        "amount_overpaid": 0,
        "amount_paid": sums["amount_paid"],
        "amount_remaining": sums["amount_remaining"],
        "amount_shipping": 0,
        "application": None,
        "attempt_count": attempts,
        "attempted": attempts > 0 or status == "paid",
        "auto_advance": facts.get("auto_advance", status == "open"),
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": facts.get("billing_reason", "manual"),
        "collection_method": facts.get("collection_method", "charge_automatically"),
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "custom_fields": None,
        "customer": facts["customer"],
        "customer_account": None,
        "customer_address": buyer.get("address"),
        "customer_email": buyer.get("email"),
        "customer_name": buyer.get("name"),
        "customer_phone": buyer.get("phone"),
        "customer_shipping": buyer.get("shipping"),
        "customer_tax_exempt": buyer.get("tax_exempt", "none"),
        "customer_tax_ids": [],
        "default_payment_method": facts.get("default_payment_method"),
        "default_source": None,
        "default_tax_rates": [],
        "description": facts.get("description"),
        "discounts": [one["id"] for one in discounts],
        "due_date": facts.get("due_date"),
        "effective_at": finalized_at,
        "ending_balance": sums["ending_balance"] if final else None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": f"https://invoice.example.com/i/{facts['id']}" if final else None,
        "invoice_pdf": f"https://invoice.example.com/i/{facts['id']}/pdf" if final else None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": list_of(lines(session, facts), f"/v1/invoices/{facts['id']}/lines"),
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "next_payment_attempt": facts.get("next_payment_attempt"),
        "number": facts.get("number") or (_number(facts) if final else None),
        "on_behalf_of": None,
        "parent": _parent(facts, subscription),
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": facts.get("period_end", facts["created"]),
        "period_start": facts.get("period_start", facts["created"]),
        "post_payment_credit_notes_amount": facts.get("post_credit", 0),
        "pre_payment_credit_notes_amount": facts.get("pre_credit", 0),
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": sums["starting_balance"],
        "statement_descriptor": None,
        "status": status,
        "status_transitions": {
            "finalized_at": finalized_at,
            "marked_uncollectible_at": facts.get("marked_uncollectible_at"),
            "paid_at": paid_at,
            "voided_at": facts.get("voided_at"),
        },
        "subtotal": sums["subtotal"],
        "subtotal_excluding_tax": sums["subtotal"],
        "test_clock": None,
        "total": sums["total"],
        "total_discount_amounts": _total_discounts(facts),
        "total_excluding_tax": sums["total"],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": finalized_at,
        "_charge": charge["id"] if charge else None,
        "_discounts": [
            catalog.discount(session, one, customer=facts["customer"], subscription=facts.get("subscription"))
            for one in discounts
        ],
        "_paid_out_of_band": facts.get("paid_out_of_band", False),
        "_payment_intent": payments[0]["id"] if payments else None,
        "_payments": [invoice_payment(session, one) for one in payments],
        "_subscription": facts.get("subscription"),
    }


def _parent(facts: Facts, subscription: Facts | None) -> dict[str, Any] | None:
    if not facts.get("subscription"):
        return None
    return {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {
            "metadata": (subscription or {}).get("metadata", {}),
            "subscription": facts["subscription"],
        },
    }


def _number(facts: Facts) -> str:
    digits = int(hashlib.sha256(facts["id"].encode()).hexdigest()[:8], 16) % 9_000 + 1_000
    return f"{invoice_prefix(facts['customer'])}-{digits}"


def _total_discounts(facts: Facts) -> list[dict[str, Any]]:
    totals: dict[str, int] = {}
    for line in facts["lines"]:
        for discount, amount in line.get("discount_amounts", []):
            totals[discount] = totals.get(discount, 0) + amount
    return [{"amount": amount, "discount": discount} for discount, amount in totals.items()]


def invoice_payment(session: "Session", payment_intent: Facts) -> dict[str, Any]:
    """The link between an invoice and one of its payment intents; it has no row of its own."""
    paid = payment_intent["status"] == "succeeded"
    canceled = payment_intent["status"] == "canceled"
    charge = session.newest("charge", parent=payment_intent["id"]) if paid else None
    return {
        "id": invoice_payment_id(payment_intent["id"]),
        "object": "invoice_payment",
        "amount_paid": payment_intent["amount"] if paid else None,
        "amount_requested": payment_intent["amount"],
        "created": payment_intent["created"],
        "currency": payment_intent.get("currency", "usd"),
        "invoice": payment_intent["invoice"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": payment_intent["id"], "type": "payment_intent"},
        "status": "paid" if paid else "canceled" if canceled else "open",
        "status_transitions": {
            "canceled_at": payment_intent.get("canceled_at"),
            "paid_at": charge["created"] if charge else None,
        },
    }
