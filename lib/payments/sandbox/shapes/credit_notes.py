"""Credit notes, and the movements of a customer's credit balance."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.shapes.lists import list_of

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session


def credit_note(_session: "Session", facts: Facts) -> dict[str, Any]:
    """A credit note; what is not off the open invoice is a credit to the customer."""
    amount, before = facts["amount"], facts["pre_payment"]
    return {
        "id": facts["id"],
        "object": "credit_note",
        "amount": amount,
        "amount_shipping": 0,
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "customer": facts["customer"],
        "customer_account": None,
        "customer_balance_transaction": facts.get("customer_balance_transaction"),
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": facts["created"],
        "invoice": facts["invoice"],
        "lines": list_of([], f"/v1/credit_notes/{facts['id']}/lines"),
        "livemode": False,
        "memo": facts.get("memo"),
        "metadata": facts.get("metadata", {}),
        "number": facts["number"],
        "out_of_band_amount": None,
        "pdf": f"https://invoice.example.com/cn/{facts['id']}/pdf",
        "post_payment_amount": amount - before,
        "pre_payment_amount": before,
        "pretax_credit_amounts": [],
        "reason": facts.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": facts["status"],
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_excluding_tax": amount,
        "total_taxes": [],
        "type": "pre_payment" if before else "post_payment",
        "voided_at": None,
    }


def balance_movement(_session: "Session", facts: Facts) -> dict[str, Any]:
    """A customer balance transaction: a credit to the customer is negative."""
    return {
        "id": facts["id"],
        "object": "customer_balance_transaction",
        "amount": facts["amount"],
        "checkout_session": None,
        "created": facts["created"],
        "credit_note": facts.get("credit_note"),
        "currency": facts["currency"],
        "customer": facts["customer"],
        "customer_account": None,
        "description": facts.get("description"),
        "ending_balance": facts["ending_balance"],
        "invoice": facts.get("invoice"),
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "type": facts["type"],
    }
