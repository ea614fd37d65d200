"""Money that was not collected, and disputes with their deadline."""

from collections.abc import Iterator, Sequence

from sqlalchemy import func, literal, select, union_all

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import AnyRow
from lib.core.work import View, query
from lib.models import (
    Dispute,
    Invoice,
)
from lib.services.home.counts import A_WEEK
from lib.services.home.parts import Waiting, many


@query(Permission.HOME_READ)
def collecting(view: View) -> Iterator[Waiting]:
    """What was not collected, and what banks ask back until a deadline; one statement for both."""
    if not view.actor.may(Permission.PAYMENTS_CREDIT):
        return
    given_up = func.count().filter(Invoice.next_attempt_at.is_(None))
    open_invoices = (
        select(
            literal("invoice").label("what"),
            Invoice.currency,
            func.count().label("number"),
            func.sum(Invoice.amount_remaining_cents).label("cents"),
            func.min(Invoice.next_attempt_at).label("soonest"),
            given_up.label("given_up"),
        )
        .where(Invoice.status == "open")
        .group_by(Invoice.currency)
    )
    waiting_disputes = (
        select(
            literal("dispute"),
            Dispute.currency,
            func.count(),
            func.sum(Dispute.amount_cents),
            func.min(Dispute.evidence_due_at),
            literal(0),
        )
        .where(Dispute.status.in_(("needs_response", "warning_needs_response")))
        .group_by(Dispute.currency)
    )
    rows = view.session.execute(union_all(open_invoices, waiting_disputes)).all()
    yield from _deadline([row for row in rows if row.what == "dispute"], view)
    yield from _not_collected([row for row in rows if row.what == "invoice"])


def _deadline(rows: Sequence[AnyRow], view: View) -> Iterator[Waiting]:
    if not rows:
        return
    amounts = " + ".join(money.show(int(row.cents), row.currency) for row in rows)
    soonest = min((row.soonest for row in rows if row.soonest), default=None)
    until = f" Evidence is taken until {soonest:%Y-%m-%d %H:%M} UTC at the earliest." if soonest else ""
    yield Waiting(
        f"{many(sum(row.number for row in rows), 'dispute')} to answer",
        f"{amounts} asked back by banks.{until}",
        "payments",
        urgent=soonest is not None and soonest - view.now < A_WEEK,
        filters={"show": "Disputes"},
    )


def _not_collected(rows: Sequence[AnyRow]) -> Iterator[Waiting]:
    if not rows:
        return
    amounts = " + ".join(money.show(int(row.cents), row.currency) for row in rows)
    given_up = sum(row.given_up for row in rows)
    gone = f" Stripe has given up on {given_up:,} of them." if given_up else ""
    yield Waiting(
        f"{many(sum(row.number for row in rows), 'payment')} not collected",
        f"{amounts} at stake.{gone}",
        "payments",
        filters={"show": "Failed"},
    )
