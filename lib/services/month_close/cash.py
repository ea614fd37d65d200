"""A month's cash by currency: what was paid, given back and disputed here, and what Stripe kept.

Payments, refunds and disputes are our own rows'. Fees are known once the month's payments were reconciled
with Stripe's balance; until then they, and what is left after them, are not known, and never 0.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.listing import AnySelect
from lib.models import Dispute, Payment, PaymentReconciliation, ReconciledPayment, Refund
from lib.payments.balance import moves
from lib.services.month_close.lines import Line

NO_FEES: Final = "Fees are known once the month's payments were reconciled with Stripe."
_MEASURES: Final = ("payments_cents", "refunds_cents", "disputes_cents")


def lines(session: Session, month: date, zone: str = "UTC") -> Iterator[Line]:
    """The lines of each currency, in which something moved in the month as a zone has it. Two statements."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for kind, currency, cents, number in session.execute(union_all(*_sums(month, zone))):
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


def newest_reconciliation(month: date) -> Select[str]:
    """The reconciliation of a month that is through, the newest one; no row where there is none."""
    return (
        select(PaymentReconciliation.id)
        .where(PaymentReconciliation.month == month, PaymentReconciliation.state == "done")
        .order_by(PaymentReconciliation.asked_at.desc(), PaymentReconciliation.id.desc())
        .limit(1)
    )


def _sums(month: date, zone: str) -> Iterator[AnySelect]:
    """Kind, currency, cents and how many. A dispute that was won gives back what it took."""
    start, end = moments.month_bounds(month, zone)
    code: Any = moves.currency_of(Payment.currency)
    paid = moves.paid(start, end, code.label("currency"), Payment.amount_cents).subquery()
    yield select(literal("payments"), paid.c.currency, func.sum(paid.c.amount_cents), func.count()).group_by(
        paid.c.currency
    )
    refunds = func.sum(Refund.refund_amount_cents)
    yield moves.refunded(start, end, literal("refunds"), code, refunds, func.count()).group_by(code)
    own: Any = func.upper(Dispute.currency)
    taken: Any = func.sum(Dispute.amount_cents)
    disputes = literal("disputes")
    yield select(disputes, own, taken, func.count()).where(moves.took(start, end)).group_by(own)
    yield select(disputes, own, -taken, literal(0)).where(moves.gave_back(start, end)).group_by(own)


def _fees(session: Session, month: date) -> dict[str, int] | None:
    """What Stripe kept by currency; None where the month was not reconciled."""
    newest = newest_reconciliation(month).subquery()
    row = ReconciledPayment
    kept = (
        select(row.settled_currency, func.sum(row.fee_cents))
        .select_from(newest)
        .outerjoin(row, row.reconciliation_id == newest.c.id)
        .group_by(row.settled_currency)
    )
    found = session.execute(kept).all()
    return {currency: int(cents or 0) for currency, cents in found if currency} if found else None
