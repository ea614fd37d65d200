"""What came after a month was frozen: the way down from a difference to the ledger and to the payments."""

from datetime import date
from typing import Any

from sqlalchemy import literal, or_, select, union_all

from lib.core import moments
from lib.core.access import Permission
from lib.core.listing import AnySelect, Column, listing
from lib.models import AuditedObject, Dispute, Payment, Refund, SubscriptionChange, sortable
from lib.payments.balance import moves


@listing(
    Permission.REVENUE_CLOSE,
    columns=(
        Column("subscription_id", "Subscription", "id"),
        Column("effective_at", "Holds from", "moment"),
        Column("recorded_at", "Came", "moment"),
        Column("status", "Status", "status"),
        Column("net_arr_cents", "Paid, annualised", "money"),
        Column("list_arr_cents", "List price, annualised", "money"),
        Column("cause", "Cause", "status"),
        Column("source", "Known from", "status"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def late_entries(*, month: date, after: int = 0, zone: str = "UTC") -> AnySelect:
    """Entries of the ledger after the number `after` that hold from before the month's end, newest first."""
    entry = SubscriptionChange
    return (
        select(
            entry.subscription_id,
            entry.effective_at,
            entry.recorded_at,
            entry.status,
            entry.currency,
            entry.net_arr_cents,
            entry.list_arr_cents,
            entry.cause,
            entry.source,
            entry.relationship_id,
            entry.seq,
        )
        .where(entry.seq > after, entry.effective_at < moments.month_bounds(month, zone)[1])
        .order_by(entry.seq.desc())
    )


@listing(
    Permission.REVENUE_CLOSE,
    columns=(
        Column("payment_id", "Payment", "id"),
        Column("kind", "What", "status"),
        Column("cents", "Amount", "money"),
        Column("moved_at", "Moved", "moment"),
        Column("object_id", "Row", "id"),
    ),
)
def late_payments(*, month: date, after: int = 0, zone: str = "UTC") -> AnySelect:
    """Payments, refunds and disputes of the month that were touched after an entry of the audit.

    They are those that an action or an event changed here; what the app itself wrote leaves no such trace.
    """
    start, end = moments.month_bounds(month, zone)
    paid = moves.paid(
        start,
        end,
        Payment.id.label("payment_id"),
        literal("payment").label("kind"),
        Payment.amount_cents.label("cents"),
        moves.currency_of(Payment.currency).label("currency"),
        Payment.id.label("object_id"),
    ).subquery()
    refunded = moves.refunded(
        start,
        end,
        Refund.transaction_id,
        literal("refund"),
        -Refund.refund_amount_cents,
        moves.currency_of(Payment.currency),
        Refund.id,
        sortable(Refund.processed_at),
    ).where(_touched("refunds", Refund.id, after))
    disputed = select(
        Dispute.payment_id,
        literal("dispute"),
        -Dispute.amount_cents,
        Dispute.currency,
        Dispute.stripe_dispute_id,
        Dispute.opened_at,
    ).where(
        or_(moves.took(start, end), moves.gave_back(start, end)),
        _touched("admin_disputes", Dispute.stripe_dispute_id, after),
    )
    payments = select(paid).where(_touched("payment_transactions", paid.c.object_id, after))
    every = union_all(payments, refunded, disputed).subquery()
    return select(every).order_by(every.c.moved_at.desc(), every.c.object_id)


def _touched(table: str, key: Any, after: int) -> Any:
    touched = AuditedObject
    return (
        select(literal(1))
        .where(touched.object_type == table, touched.object_id == key, touched.seq > after)
        .exists()
    )
