"""A month's cash by currency: what was paid, given back and disputed here, and what Stripe kept.

Payments, refunds and disputes are our own rows'. Fees are known once the month's payments were reconciled
with Stripe's balance; until then they, and what is left after them, are not known, and never 0.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.models import Dispute, Payment, PaymentReconciliation, ReconciledPayment, Refund
from lib.payments.balance import moves
from lib.services.month_close.lines import Line

NO_FEES: Final = "Fees are known once the month's payments were reconciled with Stripe."
_MEASURES: Final = ("payments_cents", "refunds_cents", "disputes_cents")


def lines(session: Session, month: date) -> Iterator[Line]:
    """The lines of each currency, in which something moved. Six statements."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for kind, statement in _sums(month):
        for currency, cents, number in session.execute(statement):
            found[currency][f"{kind}_cents"] += int(cents or 0)
            found[currency][kind] += int(number)
    fees = _fees(session, month)
    for currency in sorted({*found, *(fees or {})}):
        sums = found[currency]
        kept = None if fees is None else fees.get(currency, 0)
        net = sums["payments_cents"] - sums["refunds_cents"] - sums["disputes_cents"]
        for measure in _MEASURES:
            yield Line("cash", "", currency, measure, sums[measure])
        yield Line("cash", "", currency, "fees_cents", kept, NO_FEES if kept is None else None)
        left = None if kept is None else net - kept
        yield Line("cash", "", currency, "net_cents", left, NO_FEES if left is None else None)
        for measure in ("payments", "refunds", "disputes"):
            yield Line("cash", "", currency, measure, sums[measure])


def newest_reconciliation(session: Session, month: date) -> str | None:
    """The reconciliation of a month that is through; None where there is none."""
    return session.scalar(
        select(PaymentReconciliation.id)
        .where(PaymentReconciliation.month == month, PaymentReconciliation.state == "done")
        .order_by(PaymentReconciliation.asked_at.desc(), PaymentReconciliation.id.desc())
        .limit(1)
    )


def _sums(month: date) -> Iterator[tuple[str, Any]]:
    """By kind: currency, cents and how many. A dispute that was won gives back what it took."""
    start, end = moments.day_bounds(month)[0], moments.day_bounds(moments.next_month(month))[0]
    paid = moves.paid(
        start, end, moves.currency_of(Payment.currency).label("currency"), Payment.amount_cents
    ).subquery()
    yield (
        "payments",
        select(paid.c.currency, func.sum(paid.c.amount_cents), func.count()).group_by(paid.c.currency),
    )
    code = moves.currency_of(Payment.currency)
    refunded = moves.refunded(start, end, code, func.sum(Refund.refund_amount_cents), func.count())
    yield "refunds", refunded.group_by(code)
    own: Any = func.upper(Dispute.currency)
    taken: Any = func.sum(Dispute.amount_cents)
    yield "disputes", select(own, taken, func.count()).where(moves.took(start, end)).group_by(own)
    yield "disputes", select(own, -taken, literal(0)).where(moves.gave_back(start, end)).group_by(own)


def _fees(session: Session, month: date) -> dict[str, int] | None:
    done = newest_reconciliation(session, month)
    if done is None:
        return None
    row = ReconciledPayment
    kept = (
        select(row.settled_currency, func.sum(row.fee_cents))
        .where(row.reconciliation_id == done, row.fee_cents.is_not(None))
        .group_by(row.settled_currency)
    )
    return {currency: int(cents or 0) for currency, cents in session.execute(kept) if currency}
