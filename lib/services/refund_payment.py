"""How a refund is paid or denied: what the desk, and a plan that holds one, do alike inside their actions."""

from typing import Final

from sqlalchemy.orm import Session

from lib.core.errors import NotFound
from lib.core.work import Work
from lib.models import Operation, Payment, Refund
from lib.payments import operations

# Stripe's own word `fraudulent` would also block the card and the address at Stripe: a decision of its own.
_TOLD_TO_STRIPE: Final = frozenset({"duplicate", "requested_by_customer"})


def locked_payment(session: Session, payment_id: str) -> Payment:
    """The payment, held until the action ends: what is left of it cannot be promised twice at one moment."""
    payment = session.get(Payment, payment_id, with_for_update=True)
    if payment is None:
        raise NotFound(f"There is no payment “{payment_id[:40]}”.")
    return payment


def currency_of(payment: Payment) -> str:
    """The currency of a payment, in capitals; the dollar where none is named."""
    return (payment.currency or "USD").upper()


def mark_denied(work: Work, refund: Refund, note: str) -> None:
    """Deny a refund, adding a note to what is known of it."""
    refund.status = "denied"
    refund.processed_at = work.now
    refund.processed_by = work.actor.id
    refund.notes = "\n".join(part for part in (refund.notes, note) if part)


def prepare_payment(work: Work, refund: Refund, payment: Payment, reason: str, *, again: bool) -> Operation:
    """Queue the payment of an approved refund; `again`: Stripe is asked first whether it was paid after all.

    Raises Refused while another operation on the refund is open.
    """
    by_intent = payment.stripe_payment_intent_id is not None
    return operations.prepare(
        work,
        "refund",
        object_type="refunds",
        object_id=refund.id,
        relationship_id=refund.relationship_id,
        params={
            "refund_id": refund.id,
            "payment_intent_id": payment.stripe_payment_intent_id,
            "charge_id": None if by_intent else payment.stripe_charge_id,
            "amount_cents": refund.refund_amount_cents,
            "reason": refund.refund_reason if refund.refund_reason in _TOLD_TO_STRIPE else None,
            "again": again,
        },
        reason=reason,
    )
