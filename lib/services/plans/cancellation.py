"""The step that ends a subscription, now or with its period."""

from typing import Final

from lib.core import money
from lib.core.work import Work, digest
from lib.models import ActionPlan, ActionPlanStep, Subscription, SubscriptionPlan
from lib.payments import ledger
from lib.services.plans.wishes import Begun, Cancel, Effect, Situation, StepKind, reason_of, under_way
from lib.services.subscriptions.case import arr_of
from lib.services.subscriptions.wishes import Standing, Wish, is_set_to_cancel, prepare, why_not

_WISHES: Final[dict[Cancel, Wish]] = {"now": "cancel_now", "at_period_end": "cancel_at_period_end"}


def step_kind(wish: Cancel) -> StepKind:
    """The step for one way to cancel."""

    def effect(situation: Situation, subscription_id: str) -> Effect:
        return _effect(situation, subscription_id, wish)

    def begin(work: Work, plan: ActionPlan, step: ActionPlanStep) -> Begun:
        return _begin(work, plan, step, wish)

    return StepKind("subscriptions", effect, begin)


def _effect(situation: Situation, subscription_id: str, wish: Cancel) -> Effect:
    session = situation.session
    subscription = session.get(Subscription, subscription_id)
    if subscription is None or subscription.relationship_id != situation.couple_id:
        return Effect(
            "Cancel", f"Subscription {subscription_id[:40]}", why_not="The couple has no such subscription."
        )
    plan = session.get(SubscriptionPlan, subscription.plan_id)
    last = ledger.newest(session, subscription.id)
    lost = money.show(money.monthly(arr_of(subscription, last)), subscription.currency)
    until = f"{subscription.current_period_end:%Y-%m-%d}"
    ways = {
        "now": ("now", "Access ends at once, for both partners.", f"MRR falls by {lost} at once."),
        "at_period_end": (
            "at the period's end",
            f"Access stays until {until} (UTC), for both partners.",
            f"MRR falls by {lost} on {until}.",
        ),
    }
    when, access, mrr = ways[wish]
    return Effect(
        title=f"Cancel {plan.plan_name if plan else 'the subscription'} {when}",
        touches=f"Subscription {subscription.stripe_subscription_id or subscription.id}",
        money="No money moves by this: the refund is a step of its own.",
        access=access,
        mrr=mrr,
        why_not=why_not(
            _WISHES[wish],
            Standing.of(subscription, last),
            under_way(session, "subscriptions", subscription.id),
        ),
        state=digest(subscription),
    )


def _begin(work: Work, plan: ActionPlan, step: ActionPlanStep, wish: Cancel) -> Begun:
    wanted = _WISHES[wish]
    subscription = work.session.get(Subscription, step.object_id)
    if subscription is None:
        return Begun(why_not="The subscription is not here any more.")
    if subscription.status == "canceled":
        return Begun("It had ended already.")
    if wish == "at_period_end" and is_set_to_cancel(subscription):
        return Begun("It was set to end with its period already.")
    if why := why_not(wanted, Standing.of(subscription, ledger.newest(work.session, subscription.id))):
        return Begun(why_not=why)
    operation = prepare(work, wanted, subscription, shown=digest(subscription), reason=reason_of(plan))
    return Begun(operation_id=operation.id)
