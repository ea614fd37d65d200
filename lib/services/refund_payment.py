"""How a refund is asked for, paid or denied, inside the actions of the desk and of a plan that holds one."""

from typing import Final

from sqlalchemy.orm import Session

from lib.core.errors import NotFound
from lib.core.work import Work
from lib.models import Operation, Payment, Refund, new_id
from lib.payments import operations
from lib.services import refund_recommendations

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


def ask_back(work: Work, payment: Payment, amount_cents: int, reason: str, note: str) -> Refund:
    """Make a request for a part of a payment, with what is recommended for it now; checks nothing."""
    refund = Refund(
        id=new_id(),
        transaction_id=payment.id,
        user_id=payment.user_id,
        relationship_id=payment.relationship_id,
        refund_amount_cents=amount_cents,
        refund_reason=reason.strip(),
        status="pending",
        requested_at=work.now,
        notes=note.strip() or None,
    )
    work.session.add(refund)
    refund_recommendations.keep(work, refund)
    return refund


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
