"""What is owed on an invoice, how often it was tried, and when it is tried next.

Events and answers come in any order, so what says more wins, whenever it comes: a settled invoice over an
open one, then more tries over fewer, then the later word.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from lib.models import Invoice, Payment
from lib.payments.events import InvoiceFacts

_SETTLED: Final = {"uncollectible": 1, "paid": 2, "void": 2}


def keep(session: Session, facts: InvoiceFacts, payment: Payment, at: datetime) -> None:
    """Note what Stripe told of the invoice that `payment` is of, unless we were told more already.

    Nothing is noted of a shape that does not say the status. `at`: when it was so.
    """
    if facts.status is None:
        return
    row = session.get(Invoice, facts.id)
    if row is None:
        row = Invoice(stripe_invoice_id=facts.id, payment_id=payment.id, attempt_count=0)
        session.add(row)
    elif _rank(facts.status, facts.attempt_count or 0, at) < _rank(
        row.status, row.attempt_count, row.told_at
    ) or _tells_nothing_new(row, facts):
        return
    row.payment_id = payment.id
    row.stripe_customer_id = facts.customer_id or row.stripe_customer_id
    row.number = facts.number or row.number
    row.status = facts.status
    row.currency = (facts.currency or payment.currency or "usd").upper()
    row.amount_due_cents = facts.amount_due or 0
    row.amount_paid_cents = facts.amount_paid or 0
    row.amount_remaining_cents = _remaining(facts)
    row.attempt_count = max(facts.attempt_count or 0, row.attempt_count)
    row.next_attempt_at = facts.next_payment_attempt if facts.status == "open" else None
    row.issued_at = facts.created or row.issued_at
    row.told_at = at


def _rank(status: str, attempts: int, at: datetime) -> tuple[int, int, datetime]:
    return _SETTLED.get(status, 0), attempts, at


def _tells_nothing_new(row: Invoice, facts: InvoiceFacts) -> bool:
    """Whether only the moment would change: following the same twice changes nothing."""
    said = (row.status, row.amount_due_cents, row.amount_paid_cents, row.attempt_count, row.next_attempt_at)
    says = (facts.status, facts.amount_due or 0, facts.amount_paid or 0, facts.attempt_count or 0)
    return said == (*says, facts.next_payment_attempt if facts.status == "open" else None)


def _remaining(facts: InvoiceFacts) -> int:
    if facts.amount_remaining is not None:
        return facts.amount_remaining
    return (facts.amount_due or 0) - (facts.amount_paid or 0)
