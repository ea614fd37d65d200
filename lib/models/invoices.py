"""Tables of our own about collecting (revision 0104): Stripe's invoices and disputes, as it last told of them.

Production keeps neither. Pages read these rows, so that a work list does not wait for Stripe's answer; each
row is as old as its `told_at`.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base


class Invoice(Base):
    """What Stripe last told of an invoice that was paid, or tried to be.

    `payment_id` is our newest payment of it; who is meant stands there. `attempt_count` is how often collecting was tried,
    `next_attempt_at` when Stripe tries again by itself: empty once it has given up, or nothing is owed.
    """

    __tablename__ = "admin_invoices"
    __table_args__ = (
        Index("idx_admin_invoices_status", "status", "next_attempt_at", "stripe_invoice_id"),
        Index("idx_admin_invoices_payment", "payment_id"),
        CheckConstraint(
            "status IN ('draft', 'open', 'paid', 'void', 'uncollectible')", name="admin_invoices_status"
        ),
    )

    stripe_invoice_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str]
    stripe_customer_id: Mapped[str | None]
    number: Mapped[str | None]
    status: Mapped[str]
    currency: Mapped[str]
    amount_due_cents: Mapped[int]
    amount_paid_cents: Mapped[int]
    amount_remaining_cents: Mapped[int]
    attempt_count: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]
    told_at: Mapped[datetime]


class Dispute(Base):
    """A bank asks for a payment back. `payment_id` is empty while no payment of ours is known to be meant."""

    __tablename__ = "admin_disputes"
    __table_args__ = (
        Index("idx_admin_disputes_status", "status", "evidence_due_at", "stripe_dispute_id"),
        Index("idx_admin_disputes_payment", "payment_id"),
    )

    stripe_dispute_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str | None]
    stripe_charge_id: Mapped[str | None]
    stripe_payment_intent_id: Mapped[str | None]
    status: Mapped[str]
    reason: Mapped[str | None]
    currency: Mapped[str]
    amount_cents: Mapped[int]
    evidence_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    told_at: Mapped[datetime]
