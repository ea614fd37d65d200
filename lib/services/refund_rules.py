"""The rules of refunds: who decides, what is left, what is tried again; the same for forms and actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Actor, Permission
from lib.core.errors import Refused
from lib.core.work import Work
from lib.models import ActionPlan, AuditedObject, AuditEntry, Payment, Refund
from lib.payments.progress import OPEN_STATES
from lib.services import payments


@dataclass(frozen=True, slots=True)
class Requester:
    """The member of staff who asked for a refund; refunds that the app made have none."""

    id: str
    email: str
    at: datetime


def why_not_decide(
    refund: Refund, requester: Requester | None, actor: Actor, plan_id: str | None
) -> str | None:
    """Why the actor cannot approve, deny or hand on a refund, as a sentence; None when they can.

    `plan_id`: the open plan that it is a step of.
    """
    if refund.status != "pending":
        return f"This refund is {refund.status} already; only a pending one can be decided."
    if plan_id is not None:
        return "This refund is a step of a plan, which is decided as a whole. Open the plan."
    if requester is not None and requester.id == actor.id:
        return "You asked for this refund yourself, so somebody else has to decide on it."
    return None if actor.may(Permission.REFUNDS_DECIDE) else "Your role does not decide on refunds."


def why_not_again(refund: Refund, states: Sequence[str], plan_id: str | None) -> str | None:
    """Why a refund, whose operations are in these states, is not paid anew; None when it can be.

    `plan_id`: the open plan that it is a step of.
    """
    if refund.status != "approved":
        return f"This refund is {refund.status}; only an approved one that was not paid is tried again."
    if plan_id is not None:
        return "This refund is a step of a plan. Open the plan to continue it or to give it up."
    if not states:
        return "This refund was approved outside this dashboard. Look at Stripe before anything is paid."
    if any(state in OPEN_STATES for state in states):
        return "The payment of this refund is already under way. Wait until Stripe has answered."
    return None


def must_be_new(work: Work, payment: Payment, amount_cents: int, reason: str, note: str) -> None:
    """Raise Refused where the actor asked for the very same refund already and it still waits.

    Another reason or note makes it another request: two parts of a payment may well be of one size.
    """
    text = note.strip()
    waiting = work.session.execute(
        select(Refund.id, Refund.refund_amount_cents).where(
            Refund.transaction_id == payment.id,
            Refund.status == "pending",
            Refund.refund_reason == reason.strip(),
            Refund.notes == text if text else Refund.notes.is_(None),
        )
    )
    for refund_id in [each.id for each in waiting if each.refund_amount_cents == amount_cents]:
        requester = requester_of(work.session, refund_id)
        if requester is not None and requester.id == work.actor.id:
            raise Refused(
                f"You have asked for this already, at {requester.at:%H:%M} UTC, and it waits for a decision. "
                "If it is another refund, say in the note what sets it apart."
            )


def must_be_left(
    session: Session, payment: Payment, amount_cents: int, *, without: str | None = None
) -> None:
    """Raise Refused unless so much of a payment can be given back; `without` is the refund being decided."""
    refunds = payments.refunds_of(session, [payment.id]).get(payment.id, [])
    left = payments.balance_of(payment, refunds, without=without).left_cents
    disputed = payments.is_disputed(session, payment.id)
    if why := payments.why_not_refundable(payment, left, disputed=disputed):
        raise Refused(why)
    if amount_cents > left:
        raise Refused(
            f"Only {money.show(left, payment.currency)} of this payment is left to refund, and this asks for "
            f"{money.show(amount_cents, payment.currency)}. Refunds that are asked for or approved count."
        )


def requester_of(session: Session, refund_id: str) -> Requester | None:
    """Who asked for it: production's row has no place for that, the audit entry of the request has."""
    row = session.execute(
        select(AuditEntry.actor_id, AuditEntry.actor_email, AuditEntry.at)
        .join(AuditedObject, AuditedObject.seq == AuditEntry.seq)
        .where(
            AuditedObject.object_type == "refunds",
            AuditedObject.object_id == refund_id,
            AuditEntry.action.in_(("refunds.request", "plans.propose")),
            AuditEntry.outcome == "done",
        )
    ).first()
    return Requester(row.actor_id, row.actor_email, row.at) if row else None


def open_plan_of(session: Session, refund_id: str) -> str | None:
    """The open plan that a refund is a step of, if there is one."""
    return session.scalar(
        select(ActionPlan.id).where(ActionPlan.refund_id == refund_id, ActionPlan.open_key.is_not(None))
    )
