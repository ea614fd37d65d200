"""Customers and their cards."""

import hashlib
from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.cards import CARDS
from lib.payments.sandbox.facts import Facts

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session

_NO_ADDRESS = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def customer(session: "Session", facts: Facts) -> dict[str, Any]:
    """A customer; delinquent while one of its subscriptions is past due."""
    unpaid = session.newest("subscription", customer=facts["id"], statuses=["past_due", "unpaid"])
    return {
        "id": facts["id"],
        "object": "customer",
        "address": facts.get("address"),
        "balance": facts.get("balance", 0),
        "created": facts["created"],
        "currency": facts.get("currency"),
        "customer_account": None,
        "default_source": None,
        "delinquent": unpaid is not None,
        "description": facts.get("description"),
        "discount": None,
        "email": facts.get("email"),
        "invoice_prefix": invoice_prefix(facts["id"]),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": facts.get("default_payment_method"),
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "name": facts.get("name"),
        "next_invoice_sequence": facts.get("next_invoice_sequence", 1),
        "phone": facts.get("phone"),
        "preferred_locales": facts.get("preferred_locales", []),
        "shipping": facts.get("shipping"),
        "tax_exempt": facts.get("tax_exempt", "none"),
        "test_clock": None,
    }


def invoice_prefix(customer_id: str) -> str:
    """Eight signs that begin the numbers of this customer's invoices."""
    return hashlib.sha256(customer_id.encode()).hexdigest()[:8].upper()


def payment_method(_session: "Session", facts: Facts) -> dict[str, Any]:
    """A card, without its number: brand, last four digits, expiry."""
    return {
        "id": facts["id"],
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(facts),
        "card": {
            **card_details(facts),
            "display_brand": card_details(facts)["brand"],
            "generated_from": None,
            "networks": {"available": [card_details(facts)["brand"]], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
        },
        "created": facts["created"],
        "customer": facts.get("customer"),
        "customer_account": None,
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "type": "card",
    }


def billing_details(facts: Facts | None) -> dict[str, Any]:
    """Name and address on the card."""
    given = (facts or {}).get("billing_details") or {}
    return {
        "address": _NO_ADDRESS | (given.get("address") or {}),
        "email": given.get("email"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tax_id": None,
    }


def card_details(facts: Facts | None) -> dict[str, Any]:
    """What a charge and a payment method both show of a card."""
    facts = facts or {}
    card = CARDS[facts.get("card", "pm_card_visa")]
    last4 = facts.get("last4", card.number[-4:])
    brand = facts.get("brand", card.brand)
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": facts.get("exp_month", 12),
        "exp_year": facts.get("exp_year", 2034),
        "fingerprint": hashlib.sha256(f"{brand}{last4}".encode()).hexdigest()[:16],
        "funding": "debit" if card.number == CARDS["pm_card_visa_debit"].number else "credit",
        "last4": last4,
        "wallet": None,
    }
