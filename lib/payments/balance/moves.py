"""What our rows say that moved: payments that went through, refunds that Stripe paid, disputes.

Amounts are signed cents: a payment is more than nothing, a refund less. A payment or a refund moved when it
was processed; a payment of which that was not noted, when it was made. A dispute takes its amount when it is
opened and gives it back when it was won; an inquiry takes nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, CompoundSelect, and_, func, select, union_all
from sqlalchemy.orm import Session

from lib.core.listing import AnySelect
from lib.models import Dispute, Payment, Refund, sortable
from lib.payments.rows.found import PAID

Kind = Literal["payment", "refund", "dispute"]

CURRENCY: Final = "USD"
"""Of a payment whose row names none, as production's own default."""

Moment = datetime | ColumnElement[Any]
"""A moment, or the parameter of a statement that is built once for many of them."""

_INQUIRIES: Final = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
_PROCESSED: Final = sortable(Payment.processed_at)
_MADE: Final = sortable(Payment.created_at)


@dataclass(frozen=True, slots=True)
class Move:
    """What one payment, refund or dispute of ours moved; `object_id` is Stripe's id of it, or else ours."""

    object_id: str
    kind: Kind
    payment_id: str | None
    currency: str
    cents: int
    moved_at: datetime | None


def currency_of(column: Any) -> ColumnElement[str]:
    """A currency in capitals."""
    code: ColumnElement[str] = func.upper(func.coalesce(column, CURRENCY))
    return code


def paid(start: datetime, end: datetime, *columns: Any) -> CompoundSelect[*tuple[Any, ...]]:
    """Payments that went through from `start` on and before `end`: those columns, and `moved_at`."""
    return tried(PAID, start, end, *columns)


def tried(
    statuses: Collection[str], start: Moment, end: Moment, *columns: Any
) -> CompoundSelect[*tuple[Any, ...]]:
    """Payments in some statuses that were processed, or else made, from `start` on and before `end`."""
    processed = select(*columns, _PROCESSED.label("moved_at")).where(
        Payment.status.in_(statuses), within(_PROCESSED, start, end)
    )
    not_noted = select(*columns, _MADE.label("moved_at")).where(
        Payment.status.in_(statuses), Payment.processed_at.is_(None), within(_MADE, start, end)
    )
    return union_all(processed, not_noted)


def refunded(start: Moment, end: Moment, *columns: Any) -> AnySelect:
    """Refunds that Stripe paid in a time, with their payments."""
    return (
        select(*columns)
        .outerjoin(Payment, Payment.id == Refund.transaction_id)
        .where(Refund.status == "processed", within(sortable(Refund.processed_at), start, end))
    )


def took(start: datetime, end: datetime) -> ColumnElement[bool]:
    """The condition that a dispute took its amount in a time."""
    return and_(Dispute.status.not_in(_INQUIRIES), within(Dispute.opened_at, start, end))


def gave_back(start: datetime, end: datetime) -> ColumnElement[bool]:
    """The condition that a dispute was won in a time."""
    return and_(Dispute.status == "won", within(Dispute.told_at, start, end))


def within(moment: Any, start: Moment, end: Moment) -> ColumnElement[bool]:
    """The condition that a moment lies in a time that ends before `end`."""
    return and_(moment >= start, moment < end)


def payments_of(
    session: Session, payment_intents: Iterable[str | None], charges: Iterable[str | None]
) -> dict[str, Move]:
    """What our payments moved, by `pi_…` and by `ch_…`; nothing, for one that did not go through."""
    intents, known = ([each for each in wanted if each is not None] for wanted in (payment_intents, charges))
    names = (Payment.stripe_payment_intent_id, Payment.stripe_charge_id)
    found: dict[str, Move] = {}
    for column, ids in zip(names, (intents, known), strict=True):
        rows = session.execute(
            select(
                column,
                Payment.id,
                Payment.amount_cents,
                Payment.currency,
                Payment.status,
                func.coalesce(_PROCESSED, _MADE),
            ).where(column.in_(ids))
        )
        for stripe_id, key, cents, currency, status, moved_at in rows:
            amount = cents if status in PAID else 0
            code = (currency or CURRENCY).upper()
            found[str(stripe_id)] = Move(str(stripe_id), "payment", key, code, amount, moved_at)
    return found


def refunds_of(session: Session, stripe_ids: Iterable[str]) -> dict[str, Move]:
    """What our refunds moved, by `re_…`; nothing, for one that is not processed."""
    rows = session.execute(
        select(
            Refund.stripe_refund_id,
            Refund.transaction_id,
            Refund.refund_amount_cents,
            currency_of(Payment.currency),
            Refund.status,
            sortable(Refund.processed_at),
        )
        .outerjoin(Payment, Payment.id == Refund.transaction_id)
        .where(Refund.stripe_refund_id.in_(list(stripe_ids)))
    )
    return {
        str(key): Move(
            str(key), "refund", payment, currency, -cents if status == "processed" else 0, moved_at
        )
        for key, payment, cents, currency, status, moved_at in rows
    }


def disputes_of(
    session: Session, stripe_ids: Iterable[str], start: datetime, end: datetime
) -> dict[str, Move]:
    """What disputes moved in a time, by `dp_…`."""
    rows = session.scalars(select(Dispute).where(Dispute.stripe_dispute_id.in_(list(stripe_ids)))).all()
    return {row.stripe_dispute_id: _of_dispute(row, start, end) for row in rows}


def _of_dispute(row: Dispute, start: datetime, end: datetime) -> Move:
    taken = row.status not in _INQUIRIES and start <= row.opened_at < end
    back = row.status == "won" and start <= row.told_at < end
    cents = row.amount_cents * (int(back) - int(taken))
    moved_at = row.opened_at if taken or not back else row.told_at
    return Move(row.stripe_dispute_id, "dispute", row.payment_id, row.currency.upper(), cents, moved_at)
