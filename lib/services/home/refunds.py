"""Refunds and plans that wait for a decision, and what became of the reader's own requests."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select

from lib.core import moments, money
from lib.core.access import Permission
from lib.core.work import View, query
from lib.models import (
    ActionPlan,
    AuditEntry,
    Payment,
    Refund,
    RefundHandOn,
    sortable,
)
from lib.services.home.counts import A_DAY, A_WEEK
from lib.services.home.parts import Waiting, many
from lib.services.refund_hand_ons import newest_to

_MY_REQUESTS: Final = {
    "denied": ("denied", "Tell the customer why: the reason stands with the refund."),
    "processed": ("paid back", "Tell the customer that the money is on its way."),
}
_PLANS: Final = {
    "proposed": ("to decide", "Refund, cancellation and the rest in one, decided as a whole."),
    "stopped": ("stopped half-way", "A step was not done. Continue the plan, or give it up."),
}


@query(Permission.HOME_READ)
def refunds_to_decide(view: View) -> Iterator[Waiting]:
    """Refunds that wait for a decision, with how long the first one has waited."""
    if not view.actor.may(Permission.REFUNDS_DECIDE):
        return
    rows = view.session.execute(
        select(
            Payment.currency,
            func.count().label("number"),
            func.sum(Refund.refund_amount_cents).label("cents"),
            func.min(sortable(Refund.requested_at)).label("oldest"),
        )
        .outerjoin(Payment, Payment.id == Refund.transaction_id)
        .where(Refund.status == "pending")
        .group_by(Payment.currency)
        .order_by(func.count().desc())
    ).all()
    if rows:
        number = sum(row.number for row in rows)
        amounts = " + ".join(money.show(int(row.cents), row.currency) for row in rows)
        oldest = min((row.oldest for row in rows if row.oldest), default=None)
        yield Waiting(
            f"{many(number, 'refund')} to decide",
            f"{amounts} in all. The oldest was requested {moments.ago(oldest, view.now)}.",
            "refunds",
            urgent=oldest is not None and view.now - oldest > A_DAY,
            filters={"status": "pending"},
        )


@query(Permission.HOME_READ)
def refund_desk(view: View) -> Iterator[Waiting]:
    """Refunds that were handed on to the reader, and plans that wait or have stopped. One statement."""
    if not view.actor.may(Permission.REFUNDS_DECIDE):
        return
    handed_on = (
        select(func.count(RefundHandOn.refund_id.distinct()))
        .join(Refund, Refund.id == RefundHandOn.refund_id)
        .where(
            RefundHandOn.to_id == view.actor.id,
            Refund.status == "pending",
            newest_to() == RefundHandOn.to_email,
        )
    )
    plans = {
        state: select(func.count()).select_from(ActionPlan).where(ActionPlan.state == state)
        for state in _PLANS
    }
    counts = view.session.execute(
        select(
            handed_on.scalar_subquery().label("handed_on"),
            *(count.scalar_subquery().label(state) for state, count in plans.items()),
        )
    ).one()
    if counts.handed_on:
        yield Waiting(
            f"{many(counts.handed_on, 'refund')} handed on to you",
            "A colleague asks you to decide. Their message stands with the refund.",
            "refunds",
            urgent=True,
            filters={"status": "pending"},
        )
    for state, (title, next_step) in _PLANS.items():
        if number := counts._mapping[state]:
            yield Waiting(
                f"{many(number, 'plan')} {title}",
                next_step,
                "plans",
                urgent=state == "stopped",
                filters={"state": state},
            )


@query(Permission.HOME_READ)
def my_requests(view: View) -> Iterator[Waiting]:
    """What became of the refunds that the reader asked for, decided within a week."""
    if not view.actor.may(Permission.REFUNDS_REQUEST):
        return
    rows = view.session.execute(
        select(Refund.status, func.count().label("number"))
        .join(AuditEntry, AuditEntry.object_id == Refund.id)
        .where(
            AuditEntry.actor_id == view.actor.id,
            AuditEntry.action == "refunds.request",
            AuditEntry.outcome == "done",
            AuditEntry.at > view.now - A_WEEK,
            Refund.status.in_(("denied", "processed")),
        )
        .group_by(Refund.status)
        .order_by(Refund.status)
    )
    for status, number in rows:
        outcome, next_step = _MY_REQUESTS[status]
        yield Waiting(
            f"{many(number, 'refund')} that you asked for: {outcome}",
            next_step,
            "refunds",
            filters={"status": status},
        )
