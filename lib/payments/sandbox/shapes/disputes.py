"""Disputes."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.shapes.payments import balance_transaction

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session

_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6"}


def dispute(session: "Session", facts: Facts) -> dict[str, Any]:
    """A dispute with what it did to the balance."""
    roles = ["dispute", "dispute_reversal"] if facts["status"] == "won" else ["dispute"]
    moves = [
        balance_transaction(session, {"object": "balance_transaction", "role": role, "source": facts})
        for role in roles
    ]
    return {
        "id": facts["id"],
        "object": "dispute",
        "amount": facts["amount"],
        "balance_transactions": moves,
        "charge": facts["charge"],
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": facts["evidence_due_by"],
            "has_evidence": facts["status"] != "needs_response",
            "past_due": facts["status"] == "needs_response" and facts["evidence_due_by"] < session.now,
            "submission_count": 0 if facts["status"] == "needs_response" else 1,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "network_reason_code": _NETWORK_CODES.get(facts["reason"]),
        "payment_intent": facts.get("payment_intent"),
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": None},
            "type": "card",
        },
        "reason": facts["reason"],
        "status": facts["status"],
    }
