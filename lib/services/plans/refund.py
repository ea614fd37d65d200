"""The step that gives money back, the last one of a plan: nothing is paid while another may stop it."""

from typing import Final

from lib.core import money
from lib.core.work import Work, digest
from lib.models import ActionPlan, ActionPlanStep, Payment, Refund
from lib.services import payments
from lib.services.plans.wishes import Begun, Effect, Situation, StepKind, reason_of
from lib.services.refund_payment import currency_of, locked_payment, prepare_payment

_TITLE: Final = "Give money back"


def effect_of_asking(situation: Situation, payment_id: str, amount_cents: int) -> Effect:
    """What giving back a part of a payment would do, before it was asked for."""
    return _effect_on(situation, payment_id, amount_cents, None)


def _effect(situation: Situation, refund_id: str) -> Effect:
    refund = situation.session.get(Refund, refund_id)
    if refund is None:
        return Effect(_TITLE, f"Refund {refund_id[:40]}", why_not="The refund is not here any more.")
    return _effect_on(situation, refund.transaction_id, refund.refund_amount_cents, refund.id)


def _effect_on(situation: Situation, payment_id: str, amount_cents: int, refund_id: str | None) -> Effect:
    session = situation.session
    payment = session.get(Payment, payment_id)
    if payment is None or payment.relationship_id != situation.couple_id:
        return Effect(_TITLE, f"Payment {payment_id[:40]}", why_not="The couple has no such payment.")
    currency = currency_of(payment)
    refunds = payments.refunds_of(session, [payment.id]).get(payment.id, [])
    left = payments.balance_of(payment, refunds, without=refund_id).left_cents
    disputed = payments.is_disputed(session, payment.id)
    why = payments.why_not_refundable(payment, left, disputed=disputed)
    if why is None and amount_cents <= 0:
        why = "The amount must be more than zero."
    if why is None and amount_cents > left:
        why = f"Only {money.show(left, currency)} of this payment is left to refund."
    amount = money.show(amount_cents, currency)
    return Effect(
        title=f"Give back {amount}",
        touches=f"Payment {payment.stripe_payment_intent_id or payment.id} of "
        f"{money.show(payment.amount_cents, currency)}",
        money=f"{amount} go back to the card; {money.show(max(0, left - amount_cents), currency)} stay.",
        amount=amount_cents,
        why_not=why,
        state=f"{digest(payment)} {left}",
    )


def _begin(work: Work, plan: ActionPlan, step: ActionPlanStep) -> Begun:
    refund = work.session.get(Refund, step.object_id)
    if refund is None:
        return Begun(why_not="The refund is not here any more.")
    if refund.status == "processed":
        return Begun("It was paid already.")
    if refund.status != "approved":
        return Begun(why_not=f"The refund is {refund.status}, so it is not paid.")
    payment = locked_payment(work.session, refund.transaction_id)
    situation = Situation(work.session, work.now, plan.relationship_id, payment.id)
    if why := _effect_on(situation, payment.id, refund.refund_amount_cents, refund.id).why_not:
        return Begun(why_not=why)
    operation = prepare_payment(work, refund, payment, reason_of(plan), again=step.attempts > 1)
    return Begun(operation_id=operation.id)


REFUND = StepKind("refunds", _effect, _begin, finished="Stripe has paid it back.")
