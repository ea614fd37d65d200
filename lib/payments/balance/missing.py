"""Rows of ours that moved in a month and that Stripe's balance does not have, a chunk at a time."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from lib.core.listing import AnySelect
from lib.models import Dispute, Payment, ReconciledPayment, Refund, sortable
from lib.payments.balance import moves
from lib.payments.balance.moves import Kind, Move

CHUNK: Final = 500
"""Rows of ours that are read, and written, at once."""


def expected(session: Session, start: datetime, end: datetime) -> int:
    """How many payments, refunds and disputes of ours moved from `start` on and before `end`."""
    payments = moves.paid(start, end, Payment.id).subquery()
    refunds = moves.refunded(start, end, Refund.id).subquery()
    disputes = select(Dispute.stripe_dispute_id).where(
        or_(moves.took(start, end), moves.gave_back(start, end))
    )
    counted = (select(func.count()).select_from(each) for each in (payments, refunds, disputes.subquery()))
    return sum(session.scalar(each) or 0 for each in counted)


def _payments(
    session: Session, reconciliation_id: str, after: str, start: datetime, end: datetime
) -> list[Move]:
    currency = moves.currency_of(Payment.currency).label("currency")
    rows = moves.paid(start, end, Payment.id, currency, Payment.amount_cents).subquery()
    statement = select(
        rows.c.id, rows.c.id.label("payment_id"), rows.c.currency, rows.c.amount_cents, rows.c.moved_at
    )
    listed = _listed(
        reconciliation_id, ReconciledPayment.payment_id == rows.c.id, ReconciledPayment.kind == "payment"
    )
    return _moves(session, statement.where(~listed), rows.c.id, after, "payment")


def _refunds(
    session: Session, reconciliation_id: str, after: str, start: datetime, end: datetime
) -> list[Move]:
    statement = moves.refunded(
        start,
        end,
        Refund.id,
        Refund.transaction_id,
        moves.currency_of(Payment.currency),
        -Refund.refund_amount_cents,
        sortable(Refund.processed_at),
    )
    listed = _listed(reconciliation_id, ReconciledPayment.object_id == Refund.stripe_refund_id)
    return _moves(session, statement.where(~listed), Refund.id, after, "refund")


def _disputes(
    session: Session, reconciliation_id: str, after: str, start: datetime, end: datetime
) -> list[Move]:
    key = Dispute.stripe_dispute_id
    taken, back = moves.took(start, end), moves.gave_back(start, end)
    cents = case((and_(taken, back), 0), (taken, -Dispute.amount_cents), else_=Dispute.amount_cents)
    moved_at = case((taken, Dispute.opened_at), else_=Dispute.told_at)
    statement = select(key, Dispute.payment_id, func.upper(Dispute.currency), cents, moved_at).where(
        or_(taken, back), ~_listed(reconciliation_id, ReconciledPayment.object_id == key)
    )
    return _moves(session, statement, key, after, "dispute")


def _moves(session: Session, statement: AnySelect, key: Any, after: str, kind: Kind) -> list[Move]:
    rows = session.execute(statement.where(key > after).order_by(key).limit(CHUNK))
    return [
        Move(object_id, kind, payment, currency, cents, moved_at)
        for object_id, payment, currency, cents, moved_at in rows
    ]


def _listed(reconciliation_id: str, *conditions: Any) -> Any:
    """Whether Stripe listed what a row of ours is about."""
    mine = ReconciledPayment.reconciliation_id == reconciliation_id
    return select(literal(1)).where(mine, *conditions).exists()


MISSING: Final[Mapping[str, Callable[[Session, str, str, datetime, datetime], list[Move]]]] = {
    "payments": _payments,
    "refunds": _refunds,
    "disputes": _disputes,
}
"""By the stage of a walk: what was not listed, after a key of ours, in its order, `CHUNK` at most."""
