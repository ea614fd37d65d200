"""Payment intents, charges, refunds and the balance transactions that follow from them."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.cards import DECLINES
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import tail, transaction_id
from lib.payments.sandbox.shapes.customers import billing_details, card_details, payment_method

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session

_SETTLES_AFTER = 2 * 86_400
_UNREFUNDED = "failed"
_DISPUTE_FEE = 1500

BALANCE_TYPES = {
    "charge": "charge",
    "refund": "refund",
    "failed_refund": "refund_failure",
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
}
"""Stripe's type of a balance transaction by its role."""


def fee(amount: int) -> int:
    """Stripe's price for a card in the United States: 2.9 % and 30 cents."""
    return round(amount * 0.029) + 30


def payment_intent(session: "Session", facts: Facts) -> dict[str, Any]:
    """A payment; `_invoice` is what older versions showed as `invoice`."""
    succeeded = facts["status"] == "succeeded"
    latest = session.newest("charge", parent=facts["id"])
    return {
        "id": facts["id"],
        "object": "payment_intent",
        "amount": facts["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": facts["amount"] if succeeded else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": facts.get("canceled_at"),
        "cancellation_reason": facts.get("cancellation_reason"),
        "capture_method": "automatic",
        "client_secret": f"{facts['id']}_secret_{tail(facts['id'])[::-1]}",
        "confirmation_method": "automatic",
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "customer": facts.get("customer"),
        "customer_account": None,
        "description": facts.get("description"),
        "last_payment_error": _last_error(session, facts, latest),
        "latest_charge": latest["id"] if latest else None,
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": facts.get("payment_method"),
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": facts.get("receipt_email"),
        "review": None,
        "setup_future_usage": facts.get("setup_future_usage"),
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": facts["status"],
        "transfer_data": None,
        "transfer_group": None,
        "_invoice": facts.get("invoice"),
    }


def _last_error(session: "Session", facts: Facts, charge_facts: Facts | None) -> dict[str, Any] | None:
    if not facts.get("decline") or facts["status"] == "succeeded":
        return None
    decline = DECLINES[facts["decline"]]
    used = (charge_facts or {}).get("payment_method")
    card = session.find("payment_method", used) if used else None
    error: dict[str, Any] = {"code": decline.code, "message": decline.message, "type": "card_error"}
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    if charge_facts:
        error["charge"] = charge_facts["id"]
    if card:
        error["payment_method"] = payment_method(session, card)
    return error


def charge(session: "Session", facts: Facts) -> dict[str, Any]:
    """One attempt at a card. `amount_refunded` is the sum of its refunds that did not fail."""
    succeeded = facts["status"] == "succeeded"
    refunds = [refund(session, one) for one in session.select("refund", parent=facts["id"])]
    refunded = sum(one["amount"] for one in refunds if one["status"] != _UNREFUNDED)
    intent = session.find("payment_intent", facts["payment_intent"]) if facts.get("payment_intent") else None
    card = session.find("payment_method", facts["payment_method"]) if facts.get("payment_method") else None
    disputed = session.newest("dispute", parent=facts["id"]) is not None
    decline = DECLINES[facts.get("decline") or "generic_decline"] if not succeeded else None
    return {
        "id": facts["id"],
        "object": "charge",
        "amount": facts["amount"],
        "amount_captured": facts["amount"] if succeeded else 0,
        "amount_refunded": refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": transaction_id("charge", facts["id"]) if succeeded else None,
        "billing_details": billing_details(card),
        "calculated_statement_descriptor": "LOCAL STRIPE",
        "captured": succeeded,
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "customer": facts.get("customer"),
        "description": facts.get("description"),
        "disputed": disputed,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": facts.get("fraud_details", {}),
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "on_behalf_of": None,
        "outcome": _outcome(decline.decline_code or decline.code if decline else None),
        "paid": succeeded,
        "payment_intent": facts.get("payment_intent"),
        "payment_method": facts.get("payment_method"),
        "payment_method_details": {
            "card": {
                **card_details(card),
                "amount_authorized": facts["amount"] if succeeded else None,
                "installments": None,
                "mandate": None,
                "network": card_details(card)["brand"],
                "three_d_secure": None,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": facts.get("receipt_email"),
        "receipt_number": None,
        "receipt_url": f"https://pay.example.com/receipts/{facts['id']}" if succeeded else None,
        "refunded": succeeded and refunded >= facts["amount"],
        "refunds": None,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": facts["status"],
        "transfer_data": None,
        "transfer_group": None,
        "_invoice": intent.get("invoice") if intent else None,
        "_refunds": refunds,
    }


def _outcome(reason: str | None) -> dict[str, Any]:
    if reason:
        return {
            "network_status": "declined_by_network",
            "reason": reason,
            "risk_level": "normal",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }
    return {
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def refund(_session: "Session", facts: Facts) -> dict[str, Any]:
    """Money sent back. A failed one names why, and the transaction that took the money back."""
    status = facts.get("status", "succeeded")
    shown: dict[str, Any] = {
        "id": facts["id"],
        "object": "refund",
        "amount": facts["amount"],
        "balance_transaction": transaction_id("refund", facts["id"]),
        "charge": facts["charge"],
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": facts.get("metadata", {}),
        "payment_intent": facts.get("payment_intent"),
        "reason": facts.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if status == "failed":
        shown["failure_balance_transaction"] = transaction_id("failed_refund", facts["id"])
        shown["failure_reason"] = facts.get("failure_reason", "unknown")
    return shown


def balance_transaction(session: "Session", facts: Facts) -> dict[str, Any]:
    """What an object did to the balance. Its facts are a `role` and its `source`, the object."""
    role, source = facts["role"], facts["source"]
    amount = -source["amount"] if role in ("refund", "dispute") else source["amount"]
    cost = fee(source["amount"]) if role == "charge" else _DISPUTE_FEE if role == "dispute" else 0
    created = moved_at(role, source)
    available = created + _SETTLES_AFTER
    return {
        "id": transaction_id(role, source["id"]),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available,
        "balance_type": "payments",
        "created": created,
        "currency": source.get("currency", "usd"),
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": cost,
        "fee_details": [
            {
                "amount": cost,
                "application": None,
                "currency": source.get("currency", "usd"),
                "description": "Dispute fee" if role == "dispute" else "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        if cost
        else [],
        "net": amount - cost,
        "reporting_category": {"failed_refund": "refund_failure"}.get(role, role),
        "source": source["id"],
        "status": "available" if available <= session.now else "pending",
        "type": BALANCE_TYPES[role],
    }


def moved_at(role: str, source: Facts) -> int:
    """When the balance moved: at once, or when a refund failed or a dispute was decided."""
    later = {"failed_refund": "failed_at", "dispute_reversal": "closed_at"}.get(role)
    return int(source.get(later) or source["created"]) if later else int(source["created"])
