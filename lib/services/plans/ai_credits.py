"""The step that takes back unused AI credits: those that the payment bought, else all that are left."""

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import ActionPlan, ActionPlanStep, AiCredit, Payment, Refund, Relationship, sortable
from lib.services.credits.balance import add_movement, stored_balance
from lib.services.credits.take_back import bought_by
from lib.services.plans.wishes import Begun, Effect, Situation, StepKind


def unused(session: Session, couple_id: str, payment: Payment | None) -> tuple[int, int]:
    """How many credits can be taken back, and the balance that they are taken from.

    Of a payment that bought credits, what is left of those at most.
    """
    balance = max(0, stored_balance(session, couple_id))
    if payment is None or payment.transaction_type != "credits":
        return balance, balance
    bought = bought_by(session, payment)
    return min(balance, bought.credits_left if bought else 0), balance


def take_back(work: Work, couple_id: str, payment: Payment | None, number: int, words: str) -> int:
    """Take back at most so many of a couple's unused credits, as one movement of the ledger; gives how many.

    Holds the couple until the transaction ends, so that no two movements follow the same one.
    """
    work.session.get(Relationship, couple_id, with_for_update=True)
    left, _ = unused(work.session, couple_id, payment)
    taken = min(number, left)
    if taken > 0:
        of_credits = payment is not None and payment.transaction_type == "credits"
        add_movement(
            work,
            couple_id,
            _holder(work.session, couple_id),
            "refund",
            -taken,
            words=words,
            payment=payment.stripe_payment_intent_id if payment and of_credits else None,
        )
    return taken


def _effect(situation: Situation, couple_id: str) -> Effect:
    payment = situation.session.get(Payment, situation.payment_id) if situation.payment_id else None
    number, balance = unused(situation.session, couple_id, payment)
    return Effect(
        title=f"Take back {number} AI credits",
        touches=f"The couple's AI credits: {balance} are unused",
        access=f"{balance - number} AI credits stay.",
        amount=number,
        why_not=None if number else "No unused AI credits are left to take back.",
        state=f"{number} of {balance}",
    )


def _begin(work: Work, plan: ActionPlan, step: ActionPlanStep) -> Begun:
    refund = work.session.get(Refund, plan.refund_id) if plan.refund_id else None
    payment = work.session.get(Payment, refund.transaction_id) if refund else None
    wanted = json.loads(step.shown)["amount"]
    taken = take_back(work, plan.relationship_id, payment, wanted, "Taken back with a refund")
    return Begun(f"{taken} AI credits were taken back." if taken else "No unused credits were left.")


def _holder(session: Session, couple_id: str) -> str:
    """Whose the newest movement is: only a couple with a balance gets here, so there is one."""
    return session.scalars(
        select(AiCredit.user_id)
        .where(AiCredit.relationship_id == couple_id)
        .order_by(sortable(AiCredit.created_at).desc(), AiCredit.id.desc())
        .limit(1)
    ).one()


CREDITS = StepKind("relationships", _effect, _begin)
