"""Disputes: what banks ask back, the nearest deadline first. Evidence is handed in at Stripe."""

from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.models import Dispute, Payment, User

STATES: Final = {
    "waiting": ("warning_needs_response", "needs_response"),
    "with_the_bank": ("warning_under_review", "under_review"),
    "decided": ("won", "lost", "warning_closed", "prevented"),
}
"""What a person looks for, and Stripe's statuses behind it."""

COLUMNS: Final = (
    Column("amount_cents", "Amount", "money"),
    Column("reason", "Reason", "code"),
    Column("status", "State", "status"),
    Column("evidence_due_at", "Evidence until", "moment"),
    Column("person", "Paid by"),
    Column("opened_at", "Opened", "moment"),
    Column("relationship_id", "Couple", "id"),
    Column("stripe_dispute_id", "Stripe dispute", "id"),
    Column("payment_id", "Payment", "id"),
)


@listing(Permission.PAYMENTS_READ, columns=COLUMNS)
def disputes(*, state: str | None = None) -> AnySelect:
    """Disputes by what they wait for, the nearest deadline first. Raises Invalid for an unknown state."""
    statement: AnySelect = (
        select(
            Dispute.stripe_dispute_id,
            Dispute.payment_id,
            Dispute.amount_cents,
            Dispute.currency,
            Dispute.reason,
            Dispute.status,
            Dispute.evidence_due_at,
            Dispute.opened_at,
            Payment.user_id,
            User.name.label("person"),
            Payment.relationship_id,
        )
        .outerjoin(Payment, Payment.id == Dispute.payment_id)
        .outerjoin(User, User.id == Payment.user_id)
        .order_by(Dispute.evidence_due_at.asc().nulls_last(), Dispute.stripe_dispute_id)
    )
    if state:
        if state not in STATES:
            raise Invalid(f"Disputes are {', '.join(STATES)}, not “{state[:40]}”.")
        statement = statement.where(Dispute.status.in_(STATES[state]))
    return statement
