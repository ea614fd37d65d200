"""A refund of ours follows Stripe's.

`processed` means that Stripe said `succeeded`, and nothing else does. A refund may still come back days
later, when the bank does not take it: our row is then `approved` again, with a note, for finance to look at.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import Payment, Refund, new_id
from lib.payments.events import RefundFacts
from lib.payments.ledger import Source
from lib.payments.rows.found import Changes, find_payment, noted

DEAD: Final = frozenset({"failed", "canceled"})
MADE_ELSEWHERE: Final = "Made in Stripe, not here."
_MADE_TWICE: Final = "Stripe paid this a second time for refund {refund_id}, which it had paid already."


@dataclass(frozen=True, slots=True)
class Told:
    """Who told us, and of when it is, for the notes of staff."""

    source: Source
    source_id: str | None
    at: datetime

    def __str__(self) -> str:
        return f"{self.source} {self.source_id}" if self.source_id else self.source


def follow_refund(
    work: Work, facts: RefundFacts, *, source: Source, source_id: str | None, at: datetime | None = None
) -> Changes | None:
    """Make our refund say what Stripe's does, and the payment's refunded total with it.

    Our row is found by Stripe's id, or by our own in the refund's metadata. One that was made elsewhere, such
    as in Stripe's dashboard, gets a row once it has succeeded. `at`: when the facts came to be.
    None when neither the refund nor its payment is ours.
    """
    payment = find_payment(work.session, facts.payment_intent_id, facts.charge_id)
    if payment is None:
        payment = _payment_by_refund(work.session, facts)
    if payment is None:
        return None
    rows = refunds_of(work.session, payment)
    follow_one(work, payment, rows, facts, Told(source, source_id, at or work.now))
    paid_back = sum(row.refund_amount_cents for row in rows if row.status == "processed")
    if facts.status not in DEAD:
        # The charge may have said more already: its total counts refunds that we have no row for.
        paid_back = max(paid_back, payment.refund_amount_cents or 0)
    newest = max((row.processed_at for row in rows if row.processed_at), default=at or work.now)
    set_paid_back(payment, paid_back, payment.amount_cents, newest)
    return noted(work)


def refunds_of(session: Session, payment: Payment) -> list[Refund]:
    """Every refund of a payment, in a list that `follow_one` adds to."""
    return list(session.scalars(select(Refund).where(Refund.transaction_id == payment.id)))


def follow_one(work: Work, payment: Payment, rows: list[Refund], facts: RefundFacts, told: Told) -> None:
    """Make one of a payment's refunds say what Stripe's does; the payment's total is the caller's."""
    row = _ours(rows, facts)
    match facts.status:
        case "failed" | "canceled":
            if row is not None and row.stripe_refund_id in {None, facts.id}:
                _come_back(row, facts, told)
        # Before 2015 a refund had no status: it was done when it was made.
        case "succeeded" | None:
            if row is None:
                row = _made_elsewhere(payment, rows, facts, told)
                rows.append(row)
                work.session.add(row)
            elif row.status != "processed":
                row.status = "processed"
                row.processed_at = facts.created or told.at
                row.stripe_refund_id = facts.id
        case _:
            if row is not None and row.status != "processed":
                row.stripe_refund_id = facts.id


def set_paid_back(payment: Payment, paid_back: int, amount: int, at: datetime) -> None:
    """Set how much of a payment went back; it counts as `refunded` only when all of it did."""
    if payment.refund_amount_cents != (paid_back or None):
        payment.refund_amount_cents = paid_back or None
        payment.refunded_at = at if paid_back else None
    if paid_back and paid_back >= amount:
        payment.status = "refunded"
    elif payment.status == "refunded":
        payment.status = "succeeded"


def _payment_by_refund(session: Session, facts: RefundFacts) -> Payment | None:
    row = session.get(Refund, facts.metadata.get("refund_id", ""))
    return session.get(Payment, row.transaction_id) if row is not None else None


def _ours(rows: list[Refund], facts: RefundFacts) -> Refund | None:
    """Our row for a refund; a second success for a row that was paid already is a refund of its own."""
    for row in rows:
        if row.stripe_refund_id == facts.id:
            return row
    named = _named(rows, facts)
    return None if named is None or _paid_by_another(named, facts) else named


def _named(rows: list[Refund], facts: RefundFacts) -> Refund | None:
    wanted = facts.metadata.get("refund_id")
    return next((row for row in rows if row.id == wanted), None)


def _paid_by_another(row: Refund, facts: RefundFacts) -> bool:
    return row.status == "processed" and row.stripe_refund_id not in {None, facts.id}


def _made_elsewhere(payment: Payment, rows: list[Refund], facts: RefundFacts, told: Told) -> Refund:
    twice = _named(rows, facts)
    note = _MADE_TWICE.format(refund_id=twice.id) if twice is not None else MADE_ELSEWHERE
    return Refund(
        id=new_id(),
        transaction_id=payment.id,
        user_id=payment.user_id,
        relationship_id=payment.relationship_id,
        refund_amount_cents=facts.amount or 0,
        refund_reason=facts.reason,
        status="processed",
        stripe_refund_id=facts.id,
        requested_at=facts.created or told.at,
        processed_at=facts.created or told.at,
        processed_by="stripe",
        notes=f"{note} ({told})",
    )


def _come_back(row: Refund, facts: RefundFacts, told: Told) -> None:
    why = f" ({facts.failure_reason})" if facts.failure_reason else ""
    note = (
        f"{facts.id} {facts.status} at Stripe{why}, {told.at:%Y-%m-%d %H:%M} UTC: the money did not "
        f"arrive. Approved again; try once more, or pay it another way. ({told})"
    )
    if row.status == "processed":
        row.status = "approved"
        row.processed_at = None
    if f"{facts.id} {facts.status} at Stripe" not in (row.notes or ""):
        row.notes = f"{row.notes}\n{note}" if row.notes else note
    row.stripe_refund_id = facts.id
