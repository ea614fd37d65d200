"""The worker carries out plans: one step after the other, each once, across crashes and restarts.

A step that changes our rows does so in the transaction that says that it is done. A step at Stripe queues its
operation in the transaction that says that it is under way, and is done when the operation is.
"""

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from lib.core.access import Actor, system
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import Work, job, reading, working
from lib.models import ActionPlan, ActionPlanStep, Operation
from lib.services.plans import standing
from lib.services.plans.kinds import STEPS

log = logging.getLogger(__name__)

WORKER: Final[Actor] = system("worker")
_AT_ONCE: Final = 100


def advance_due(database: Database, *, now: datetime | None = None) -> int:
    """Take every running plan one step on where that is possible now; gives how many went on."""
    done = 0
    for plan_id in due(database, now=now):
        try:
            with working(database, WORKER, now=now) as work:
                done += advance(work, plan_id)
        except Refused as refusal:
            # Another worker took it on, or an operation on the same row came first: the next turn sees it.
            log.info("plan %s goes on later: %s", plan_id, refusal)
    return done


def due(database: Database, *, now: datetime | None = None) -> list[str]:
    """The running plans that can go on now: whose step is not under way, and not held up by an operation."""
    step, own, other = aliased(ActionPlanStep), aliased(Operation), aliased(Operation)
    current = (
        select(func.min(ActionPlanStep.position))
        .where(ActionPlanStep.plan_id == ActionPlan.id, ActionPlanStep.state.in_(("planned", "running")))
        .correlate(ActionPlan)
        .scalar_subquery()
    )
    with reading(database, WORKER, now=now) as view:
        rows = view.session.execute(
            select(ActionPlan.id, step.state.label("step"), own.state.label("own"), other.id.label("other"))
            .select_from(ActionPlan)
            .outerjoin(step, (step.plan_id == ActionPlan.id) & (step.position == current))
            .outerjoin(own, own.id == step.operation_id)
            .outerjoin(other, other.open_key == step.object_type + ":" + step.object_id)
            .where(ActionPlan.state == "running")
            .order_by(ActionPlan.requested_at, ActionPlan.id)
            .limit(_AT_ONCE)
        ).all()
    return [
        row.id
        for row in rows
        if (row.step == "running" and row.own in {"done", "failed"})
        or (row.step == "planned" and row.other is None)
        or row.step is None
    ]


@job
def advance(work: Work, plan_id: str) -> bool:
    """Take one plan one step on; gives whether anything was done."""
    plan = standing.get(work.session, plan_id)
    if plan.state != "running":
        return False
    work.about("admin_plans", plan.id)
    step = next(
        (each for each in standing.steps_of(work.session, plan_id) if each.state in {"planned", "running"}),
        None,
    )
    if step is None:
        plan.state, plan.open_key, plan.finished_at = "done", None, work.now
        return True
    return _begin(work, plan, step) if step.state == "planned" else _follow(work, plan, step)


def _begin(work: Work, plan: ActionPlan, step: ActionPlanStep) -> bool:
    step.attempts += 1
    step.started_at, step.said = work.now, None
    begun = STEPS[step.kind].begin(work, plan, step)
    if begun.why_not:
        _stop(work, plan, step, begun.why_not)
    elif begun.operation_id:
        step.state, step.operation_id = "running", begun.operation_id
    else:
        _done(work, step, begun.said)
    return True


def _follow(work: Work, plan: ActionPlan, step: ActionPlanStep) -> bool:
    operation = work.session.get(Operation, step.operation_id)
    if operation is None or operation.state not in {"done", "failed"}:
        return False
    if operation.state == "done":
        _done(work, step, STEPS[step.kind].finished)
    else:
        _stop(work, plan, step, operation.error_message or "Stripe did not do it.")
    return True


def _done(work: Work, step: ActionPlanStep, said: str) -> None:
    step.state, step.said, step.finished_at = "done", said, work.now


def _stop(work: Work, plan: ActionPlan, step: ActionPlanStep, why: str) -> None:
    step.state, step.said = "failed", why
    plan.state, plan.stopped_because = "stopped", f"Step {step.position} was not done: {why}"
