"""How a plan stands: its steps, what they would do now, and why somebody cannot decide on it."""

import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Actor, Permission
from lib.core.errors import NotFound
from lib.core.work import Digest, digest
from lib.models import ActionPlan, ActionPlanStep, Refund
from lib.services.plans.dry_run import fingerprint
from lib.services.plans.kinds import STEPS
from lib.services.plans.wishes import Effect, Situation


def get(session: Session, plan_id: str) -> ActionPlan:
    """A plan by its id; raises NotFound."""
    plan = session.get(ActionPlan, plan_id)
    if plan is None:
        raise NotFound(f"There is no plan “{plan_id[:40]}”.")
    return plan


def steps_of(session: Session, plan_id: str) -> list[ActionPlanStep]:
    """The steps of a plan in their order."""
    return list(
        session.scalars(
            select(ActionPlanStep).where(ActionPlanStep.plan_id == plan_id).order_by(ActionPlanStep.position)
        )
    )


def effects_now(
    session: Session, plan: ActionPlan, steps: list[ActionPlanStep], now: datetime
) -> list[Effect]:
    """What each step would do now; for one that was begun already, what it was said to do."""
    refund = session.get(Refund, plan.refund_id) if plan.refund_id else None
    payment_id = refund.transaction_id if refund else None
    situation = Situation(session, now, plan.relationship_id, payment_id)
    return [
        STEPS[step.kind].effect(situation, step.object_id)
        if step.state == "planned" and plan.state in {"proposed", "running", "stopped"}
        else _shown(step)
        for step in steps
    ]


def effects_shown(steps: list[ActionPlanStep]) -> list[Effect]:
    """What each step was said to do when the plan was proposed, or else decided."""
    return [_shown(step) for step in steps]


def _shown(step: ActionPlanStep) -> Effect:
    return Effect(**json.loads(step.shown))


def digest_of(plan: ActionPlan, effects: list[Effect]) -> Digest:
    """A digest of a plan with what its steps would do now."""
    return Digest(f"{digest(plan)}{fingerprint(effects)}")


def why_not_decide(plan: ActionPlan, actor: Actor) -> str | None:
    """Why the actor cannot approve or deny a plan, as a sentence; None when they can."""
    if plan.state != "proposed":
        return f"This plan is {plan.state.replace('_', ' ')} already; only a proposed one can be decided."
    if plan.requested_by == actor.id:
        return "You proposed this plan yourself, so somebody else has to decide on it."
    return None if actor.may(Permission.REFUNDS_DECIDE) else "Your role does not decide on plans."


def why_not_withdraw(plan: ActionPlan, actor: Actor) -> str | None:
    """Why the actor cannot take a plan back, as a sentence; None when they can."""
    if plan.state != "proposed":
        return f"This plan is {plan.state.replace('_', ' ')} already; only a proposed one can be withdrawn."
    return None if plan.requested_by == actor.id else "Only who proposed a plan withdraws it."
