"""One plan, for who decides on it or watches it."""

from dataclasses import dataclass, replace
from datetime import datetime

from lib.core.access import Permission
from lib.core.work import Digest, View, digest, query
from lib.models import ActionPlan, Payment, Refund
from lib.services.plans import standing
from lib.services.plans.wishes import StepLine, line_of
from lib.services.refund_policy import Recommendation
from lib.services.refund_recommendations import kept_of, recommendation_of


@dataclass(frozen=True, slots=True)
class PlanCase:
    """A plan with its steps as they are now. `digest` goes back with a decision, `plan_digest` with the rest.

    `is_moving`: the worker is at it, so the page looks again. `changed`: steps that would do something else
    now than when the plan was proposed, by their numbers. `why_not_...`: why the reader cannot do that now.
    """

    id: str
    state: str
    relationship_id: str
    refund_id: str | None
    reason: str
    requested_by_email: str
    requested_at: datetime
    decided_by_email: str | None
    decided_at: datetime | None
    decision_reason: str | None
    stopped_because: str | None
    finished_at: datetime | None
    steps: tuple[StepLine, ...]
    changed: tuple[int, ...]
    recommendation: Recommendation | None
    digest: Digest
    plan_digest: Digest
    is_moving: bool
    why_not_decide: str | None
    why_not_withdraw: str | None

    @property
    def why_not_possible(self) -> str | None:
        """Why it cannot be carried out as it stands; None when every step is possible."""
        step = next((each for each in self.steps if each.why_not), None)
        return f"Step {step.number} is impossible now: {step.why_not}" if step else None

    @property
    def changed_sentence(self) -> str:
        """Which steps would do something else now than when the plan was proposed."""
        numbers = ", ".join(str(number) for number in self.changed)
        return f"Since this was proposed, what it would do has changed. Look at step {numbers} again."


@query(Permission.REFUNDS_READ)
def one(view: View, plan_id: str) -> PlanCase:
    """A plan with its steps, what they would do now, and what came of them; raises NotFound."""
    plan = standing.get(view.session, plan_id)
    rows = standing.steps_of(view.session, plan_id)
    # Held here, so that whatever looks at them below finds them without asking the database again.
    refund = view.session.get(Refund, plan.refund_id) if plan.refund_id else None
    payment = view.session.get(Payment, refund.transaction_id) if refund else None
    effects = standing.effects_now(view.session, plan, rows, view.now)
    then = standing.effects_shown(rows)
    return PlanCase(
        id=plan.id,
        state=plan.state,
        relationship_id=plan.relationship_id,
        refund_id=plan.refund_id,
        reason=plan.reason,
        requested_by_email=plan.requested_by_email,
        requested_at=plan.requested_at,
        decided_by_email=plan.decided_by_email,
        decided_at=plan.decided_at,
        decision_reason=plan.decision_reason,
        stopped_because=plan.stopped_because,
        finished_at=plan.finished_at,
        steps=tuple(
            replace(
                line_of(row.position, row.kind, effect),
                state=row.state,
                said=row.said,
                operation_id=row.operation_id,
            )
            for row, effect in zip(rows, effects, strict=True)
        ),
        changed=tuple(
            row.position
            for row, now, before in zip(rows, effects, then, strict=True)
            if plan.state == "proposed" and now.title != before.title
        ),
        recommendation=_recommendation(view, plan, payment),
        digest=standing.digest_of(plan, effects),
        plan_digest=digest(plan),
        is_moving=plan.state == "running",
        why_not_decide=standing.why_not_decide(plan, view.actor),
        why_not_withdraw=standing.why_not_withdraw(plan, view.actor),
    )


def _recommendation(view: View, plan: ActionPlan, payment: Payment | None) -> Recommendation | None:
    """What is recommended for the plan's refund now; once decided, what it was then."""
    if plan.refund_id is None:
        return None
    if plan.state != "proposed":
        kept = kept_of(view.session, plan.refund_id)
        return kept[-1].recommendation if kept else None
    return recommendation_of(view.session, payment, view.now, without=plan.refund_id) if payment else None
