"""The rows behind money in: one row for each payment, refund or try that a figure of money counts.

    paid       payments that went through, when they did
    refunded   refunds that Stripe paid, when it did
    failed     payments whose newest try was refused, when it was
    recovered  payments that went through after a refusal, when they did

A refused try and the one that went through are either one payment, whose invoice says that it took several
tries, or two of one subscription within 30 days, with none between them that went through. So what one
payment has recovered is not recovered once more by the next.

The figures are sums of these rows and the lists behind them show them: the two never differ.
"""

from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Subquery, case, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from lib.core.errors import Invalid
from lib.models import Invoice, Payment, Refund, sortable
from lib.models.expressions import moved
from lib.payments.balance import moves
from lib.payments.balance.moves import Moment
from lib.payments.rows.found import PAID
from lib.services.refunds import REASONS

What = Literal["paid", "refunded", "failed", "recovered"]
WHATS: Final[tuple[What, ...]] = get_args(What)
AFTER_A_REFUSAL: Final = 30
"""Days after which a payment that goes through is a later one, and recovers nothing."""
OTHER: Final = "other"
"""Why money went back, where the row names none of the known reasons."""


def rows(what: What | str, start: Moment, end: Moment) -> Subquery:
    """The rows of one thing from `start` on and before `end`.

    Columns: what, currency (capitals), detail (what was paid for, or why it went back, or empty), cents,
    moved_at, payment_id, subscription_id. Raises Invalid for what is no such thing.
    """
    match what:
        case "paid":
            return _tries(what, PAID, Payment.transaction_type, start, end)
        case "failed":
            return _tries(what, ("failed",), literal(""), start, end)
        case "refunded":
            return _refunds(start, end)
        case "recovered":
            through = _tries(what, PAID, literal(""), start, end)
            return select(through).where(or_(_refused_before(through), _tried_again(through))).subquery()
        case _:
            raise Invalid(f"Money is {', '.join(WHATS)}, not “{what[:40]}”.")


def _tries(what: str, statuses: tuple[str, ...], detail: Any, start: Moment, end: Moment) -> Subquery:
    return moves.tried(
        statuses,
        start,
        end,
        literal(what).label("what"),
        moves.currency_of(Payment.currency).label("currency"),
        detail.label("detail"),
        Payment.amount_cents.label("cents"),
        Payment.id.label("payment_id"),
        Payment.subscription_id.label("subscription_id"),
    ).subquery()


def _refunds(start: Moment, end: Moment) -> Subquery:
    reason = case((Refund.refund_reason.in_(REASONS), Refund.refund_reason), else_=OTHER)
    return moves.refunded(
        start,
        end,
        literal("refunded").label("what"),
        moves.currency_of(Payment.currency).label("currency"),
        reason.label("detail"),
        Refund.refund_amount_cents.label("cents"),
        sortable(Refund.processed_at).label("moved_at"),
        Refund.transaction_id.label("payment_id"),
        Payment.subscription_id.label("subscription_id"),
    ).subquery()


def _refused_before(through: Subquery) -> ColumnElement[bool]:
    refused, between = aliased(Payment, name="refused"), aliased(Payment, name="between")
    went_through_between = (
        exists()
        .where(
            between.subscription_id == through.c.subscription_id,
            between.id != through.c.payment_id,
            between.status.in_(PAID),
            _moved(between) >= _moved(refused),
            _moved(between) < through.c.moved_at,
        )
        .correlate(through, refused)
    )
    return exists().where(
        refused.subscription_id == through.c.subscription_id,
        refused.status == "failed",
        _moved(refused) < through.c.moved_at,
        moved(_moved(refused), AFTER_A_REFUSAL) > through.c.moved_at,
        ~went_through_between,
    )


def _tried_again(through: Subquery) -> ColumnElement[bool]:
    return exists().where(
        Invoice.payment_id == through.c.payment_id, Invoice.status == "paid", Invoice.attempt_count > 1
    )


def _moved(payment: Any) -> ColumnElement[datetime]:
    return func.coalesce(sortable(payment.processed_at), sortable(payment.created_at))
