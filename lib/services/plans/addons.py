"""The step that ends an add-on: ours alone, or with a subscription of its own at Stripe."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.work import Work, digest
from lib.models import ActionPlan, ActionPlanStep, Addon, UserAddon
from lib.payments import operations
from lib.services.plans.wishes import Begun, Effect, Situation, StepKind, reason_of, under_way


def running(session: Session, couple_id: str) -> list[tuple[UserAddon, str]]:
    """A couple's add-ons that have not ended, with their names, newest first."""
    rows = session.execute(
        select(UserAddon, Addon.addon_name)
        .outerjoin(Addon, Addon.id == UserAddon.addon_id)
        .where(UserAddon.relationship_id == couple_id, UserAddon.status != "canceled")
        .order_by(UserAddon.id.desc())
    )
    return [(row, name or row.addon_id) for row, name in rows]


def end(work: Work, addon: UserAddon) -> None:
    """End an add-on in our rows, now."""
    addon.status = "canceled"
    addon.canceled_at = work.now


def _effect(situation: Situation, addon_id: str) -> Effect:
    session = situation.session
    row = session.get(UserAddon, addon_id)
    if row is None or row.relationship_id != situation.couple_id:
        return Effect("End an add-on", f"Add-on {addon_id[:40]}", why_not="The couple has no such add-on.")
    addon = session.get(Addon, row.addon_id)
    price = f"{money.show(row.price_cents, 'USD')} {row.billing_period or 'one_time'}".replace("_", " ")
    busy = under_way(session, "user_addons", row.id)
    why = f"“{busy}” is already under way. Wait until Stripe has answered." if busy else None
    if row.status == "canceled":
        why = "This add-on has ended already."
    return Effect(
        title=f"End {addon.addon_name if addon else 'the add-on'}",
        touches=f"Add-on {row.stripe_subscription_id or row.id}, {price}",
        money="It is not charged again." if row.stripe_subscription_id else "No money moves.",
        access="The add-on ends at once.",
        mrr="MRR stays: add-ons do not count in it.",
        why_not=why,
        state=digest(row),
    )


def _begin(work: Work, plan: ActionPlan, step: ActionPlanStep) -> Begun:
    row = work.session.get(UserAddon, step.object_id)
    if row is None:
        return Begun(why_not="The add-on is not here any more.")
    if row.status == "canceled":
        return Begun("It had ended already.")
    if not row.stripe_subscription_id:
        end(work, row)
        return Begun("It has ended.")
    operation = operations.prepare(
        work,
        "addon_cancel_now",
        object_type="user_addons",
        object_id=row.id,
        relationship_id=row.relationship_id,
        params={"subscription_id": row.stripe_subscription_id},
        reason=reason_of(plan),
    )
    return Begun(operation_id=operation.id)


ADDON = StepKind("user_addons", _effect, _begin, finished="It has ended, at Stripe too.")
