"""What could not be collected: open invoices whose payment failed, as a work list."""

from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.listing import AnySelect, Column, listing
from lib.models import Invoice, Payment, User

COLUMNS: Final = (
    Column("amount_remaining_cents", "At stake", "money"),
    Column("person", "Owed by"),
    Column("failure_reason", "Why it failed", "code"),
    Column("attempt_count", "Tries", "count"),
    Column("next_attempt_at", "Next try", "moment"),
    Column("issued_at", "Owed since", "moment"),
    Column("relationship_id", "Couple", "id"),
    Column("stripe_invoice_id", "Stripe invoice", "id"),
    Column("payment_id", "Payment", "id"),
)


@listing(Permission.PAYMENTS_READ, columns=COLUMNS)
def invoices() -> AnySelect:
    """Open invoices: those that Stripe has given up on first, then by the next try, the soonest first."""
    return (
        select(
            Invoice.stripe_invoice_id,
            Invoice.payment_id,
            Invoice.amount_remaining_cents,
            Invoice.currency,
            Invoice.attempt_count,
            Invoice.next_attempt_at,
            Invoice.issued_at,
            Payment.user_id,
            User.name.label("person"),
            Payment.failure_reason,
            Payment.relationship_id,
        )
        .outerjoin(Payment, Payment.id == Invoice.payment_id)
        .outerjoin(User, User.id == Payment.user_id)
        .where(Invoice.status == "open")
        .order_by(Invoice.next_attempt_at.asc().nulls_first(), Invoice.stripe_invoice_id)
    )
