"""What is wished for a couple, what one step would do, and how a step is carried out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import ActionPlan, ActionPlanStep, Operation
from lib.payments.kinds import KINDS

Cancel = Literal["at_period_end", "now"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a plan is to do for one couple; what is empty is left out.

    `amount_cents`: how much of the payment goes back, in its currency. `refund_reason`: one of the refund
    desk's reasons. `credits`: take back unused AI credits. `addon_ids`: add-ons to end.
    """

    payment_id: str | None = None
    amount_cents: int = 0
    refund_reason: str = "requested_by_customer"
    subscription_id: str | None = None
    cancel: Cancel = "at_period_end"
    credits: bool = False
    addon_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """What one step would do now, in sentences.

    `why_not`: why it is impossible now; None when it can be done. `amount`: how many credits, or minor units
    of money, it is about. `state`: what the rows behind it say, to notice that they changed.
    """

    title: str
    touches: str
    money: str = "No money moves."
    access: str = "Access stays."
    mrr: str = "MRR stays."
    amount: int = 0
    why_not: str | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step for a reader: what it does, whether it can be done, how far it is and what came of it.

    `state` is empty for a step of a plan that is not there yet.
    """

    number: int
    kind: str
    title: str
    touches: str
    money: str
    access: str
    mrr: str
    why_not: str | None = None
    state: str = ""
    said: str | None = None
    operation_id: str | None = None


def line_of(number: int, kind: str, effect: Effect) -> StepLine:
    """A step that is not there yet, for a reader."""
    return StepLine(
        number,
        kind,
        effect.title,
        effect.touches,
        effect.money,
        effect.access,
        effect.mrr,
        effect.why_not,
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """What the steps of one plan are looked at in: the couple, and the payment that is given back, if any."""

    session: Session
    now: datetime
    couple_id: str
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of beginning a step: done, and what was; under way at Stripe; or impossible, and why."""

    said: str = ""
    operation_id: str | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class StepKind:
    """One kind of step.

    `effect`: what it would do to an object of its kind. `begin`: does it, or queues its operation, inside the
    worker's transaction. `finished`: what to say once Stripe has done the operation.
    """

    object_type: str
    effect: Callable[[Situation, str], Effect]
    begin: Callable[[Work, ActionPlan, ActionPlanStep], Begun]
    finished: str = "Done at Stripe."


def under_way(session: Session, object_type: str, object_id: str) -> str | None:
    """The title of the open operation on an object, if there is one."""
    kind = session.scalar(select(Operation.kind).where(Operation.open_key == f"{object_type}:{object_id}"))
    return KINDS[kind].title if kind is not None and kind in KINDS else kind


def reason_of(plan: ActionPlan) -> str:
    """The reason that an operation of a plan's step is given: who decided, and why."""
    return f"Plan approved by {plan.decided_by_email}: {plan.decision_reason}"
