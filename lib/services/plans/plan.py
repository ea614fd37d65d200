"""Plans: proposed by one, decided as a whole by another, then carried out by the worker.

    proposed --approve--> running --(every step is done)--> done
    proposed --deny-----> denied            running --(a step fails)--> stopped
    proposed --withdraw-> withdrawn         stopped --go_on---> running
                                            stopped --give_up-> given_up

A refund that is a step waits, approved or denied, with its plan; its amount counts against the payment, and
against the limit of who approves the plan.
"""

from dataclasses import asdict
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lib.core.access import Permission
from lib.core.audit import canonical
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, Work, action
from lib.models import ActionPlan, ActionPlanStep, Refund, Relationship, new_id
from lib.services import limits, refund_recommendations
from lib.services.plans.dry_run import drafts, fingerprint, why_not_propose
from lib.services.plans.kinds import STEPS
from lib.services.plans.standing import (
    digest_of,
    effects_now,
    get,
    steps_of,
    why_not_decide,
    why_not_withdraw,
)
from lib.services.plans.wishes import Situation, Wishes
from lib.services.refund_payment import ask_back, currency_of, locked_payment, mark_denied
from lib.services.refund_rules import must_be_left, must_be_new

STATES: Final = ("proposed", "running", "stopped", "done", "denied", "withdrawn", "given_up")


@listing(
    Permission.REFUNDS_READ,
    columns=(
        Column("requested_at", "Proposed", "moment"),
        Column("state", "State", "status"),
        Column("reason", "Why"),
        Column("requested_by_email", "By"),
        Column("decided_by_email", "Decided by"),
        Column("stopped_because", "Stopped because"),
        Column("relationship_id", "Couple", "id"),
        Column("id", "Plan", "id"),
    ),
)
def plans(*, state: str | None = None) -> AnySelect:
    """Plans, newest first."""
    statement: AnySelect = select(
        ActionPlan.id,
        ActionPlan.requested_at,
        ActionPlan.state,
        ActionPlan.reason,
        ActionPlan.requested_by_email,
        ActionPlan.decided_by_email,
        ActionPlan.stopped_because,
        ActionPlan.relationship_id,
    ).order_by(ActionPlan.requested_at.desc(), ActionPlan.id.desc())
    if state:
        if state not in STATES:
            raise Invalid(f"Plans are {', '.join(STATES)}, not “{state[:40]}”.")
        statement = statement.where(ActionPlan.state == state)
    return statement


@action(Permission.REFUNDS_REQUEST)
def propose(work: Work, couple_id: str, wishes: Wishes, *, shown: Digest, reason: str) -> str:
    """Propose a plan as it was shown; gives its id. Nothing is done before somebody else approves all of it.

    Raises NotFound without such a couple or payment, and Refused when anything changed since it was shown,
    when a step is impossible, or while the couple has an open plan.
    """
    if work.session.get(Relationship, couple_id) is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    work.actor.must(Permission.SUBSCRIPTIONS_CANCEL)
    payment = locked_payment(work.session, wishes.payment_id) if wishes.payment_id else None
    steps = drafts(Situation(work.session, work.now, couple_id, wishes.payment_id), wishes)
    if why := why_not_propose(steps):
        raise Refused(why)
    if fingerprint(step.effect for step in steps) != shown:
        raise Refused("Something changed since the dry run was shown. Nothing was done; look at it again.")
    refund: Refund | None = None
    if payment is not None:
        must_be_new(work, payment, wishes.amount_cents, wishes.refund_reason, reason)
        must_be_left(work.session, payment, wishes.amount_cents)
        refund = ask_back(work, payment, wishes.amount_cents, wishes.refund_reason, reason)
    plan = ActionPlan(
        id=new_id(),
        relationship_id=couple_id,
        refund_id=refund.id if refund else None,
        state="proposed",
        open_key=couple_id,
        reason=reason.strip(),
        requested_by=work.actor.id,
        requested_by_email=work.actor.email,
        requested_at=work.now,
    )
    work.session.add(plan)
    work.about("admin_plans", plan.id)
    for step in steps:
        work.session.add(
            ActionPlanStep(
                plan_id=plan.id,
                position=step.number,
                kind=step.kind,
                object_type=STEPS[step.kind].object_type,
                object_id=refund.id if refund and step.kind == "refund" else step.object_id,
                shown=canonical(asdict(step.effect)),
                state="planned",
                attempts=0,
            )
        )
    _flush(work)
    return plan.id


@action(Permission.REFUNDS_DECIDE, about="admin_plans")
def approve(work: Work, plan_id: str, *, shown: Digest, reason: str) -> None:
    """Approve a plan as a whole: the worker then takes its steps one by one.

    Raises Refused when the plan or what it touches changed since it was shown, when the actor proposed it,
    when it is decided already, when a step is impossible, or beyond the actor's limit for refunds.
    """
    plan = get(work.session, plan_id)
    refund = work.session.get(Refund, plan.refund_id) if plan.refund_id else None
    attempt = _attempt(work, refund) if refund else None
    _must_decide(work, plan)
    steps = steps_of(work.session, plan.id)
    effects = effects_now(work.session, plan, steps, work.now)
    if digest_of(plan, effects) != shown:
        raise Refused("Something changed since the plan was shown. Nothing was done; look at it again.")
    impossible = next((effect for effect in effects if effect.why_not), None)
    if impossible is not None:
        raise Refused(f"“{impossible.title}” is impossible now: {impossible.why_not}")
    if refund is not None and attempt is not None:
        attempt.must_fit()
        refund_recommendations.keep(work, refund, "approved")
        refund.status, refund.processed_by = "approved", work.actor.id
    for step, effect in zip(steps, effects, strict=True):
        step.shown = canonical(asdict(effect))
    _decide(work, plan, "running", reason)


@action(Permission.REFUNDS_DECIDE, about="admin_plans")
def deny(work: Work, plan_id: str, *, shown: Digest, reason: str) -> None:
    """Deny a plan as a whole, its refund with it; `reason` is what whoever proposed it is told.

    Raises Refused when the plan changed since it was shown, is decided already, or the actor proposed it.
    """
    plan = get(work.session, plan_id)
    work.expect(plan, shown)
    _must_decide(work, plan)
    if plan.refund_id and (refund := work.session.get(Refund, plan.refund_id)):
        refund_recommendations.keep(work, refund, "denied")
    _decide(work, plan, "denied", reason)
    _end(work, plan, f"Denied: {reason.strip()}")


@action(Permission.REFUNDS_REQUEST, about="admin_plans")
def withdraw(work: Work, plan_id: str, *, shown: Digest, reason: str) -> None:
    """Take back a plan that the actor proposed and nobody has decided on; raises Refused for any other."""
    plan = get(work.session, plan_id)
    work.expect(plan, shown)
    if why := why_not_withdraw(plan, work.actor):
        raise Refused(why)
    plan.state = "withdrawn"
    _end(work, plan, f"Withdrawn: {reason.strip()}")


@action(Permission.REFUNDS_DECIDE, about="admin_plans")
def go_on(work: Work, plan_id: str, *, shown: Digest, reason: str) -> None:
    """Continue a plan that stopped, from the step that failed; steps that are done stay done.

    Raises Refused when the plan changed since it was shown or has not stopped.
    """
    plan = _stopped(work, plan_id, shown)
    for step in steps_of(work.session, plan.id):
        if step.state == "failed":
            step.state = "planned"
    plan.state, plan.stopped_because = "running", None


@action(Permission.REFUNDS_DECIDE, about="admin_plans")
def give_up(work: Work, plan_id: str, *, shown: Digest, reason: str) -> None:
    """Leave a plan that stopped as it is: what is done stays, the rest is not done, its refund is denied.

    Raises Refused when the plan changed since it was shown or has not stopped.
    """
    plan = _stopped(work, plan_id, shown)
    plan.state = "given_up"
    _end(work, plan, f"Not paid, because its plan was given up: {reason.strip()}")


def _attempt(work: Work, refund: Refund) -> limits.Attempt:
    currency = currency_of(locked_payment(work.session, refund.transaction_id))
    return limits.attempt(work, limits.REFUNDS, refund.id, refund.refund_amount_cents, currency)


def _must_decide(work: Work, plan: ActionPlan) -> None:
    if why := why_not_decide(plan, work.actor):
        raise Refused(why)


def _decide(work: Work, plan: ActionPlan, state: str, reason: str) -> None:
    plan.state = state
    plan.decided_by, plan.decided_by_email = work.actor.id, work.actor.email
    plan.decided_at, plan.decision_reason = work.now, reason.strip()


def _end(work: Work, plan: ActionPlan, note: str) -> None:
    """Close a plan: what was not done is skipped, and money that was not paid is not promised any more."""
    plan.open_key, plan.finished_at = None, work.now
    for step in steps_of(work.session, plan.id):
        if step.state in {"planned", "failed"}:
            step.state = "skipped"
    refund = work.session.get(Refund, plan.refund_id) if plan.refund_id else None
    if refund is not None and refund.status in {"pending", "approved"}:
        mark_denied(work, refund, note)


def _stopped(work: Work, plan_id: str, shown: Digest) -> ActionPlan:
    plan = get(work.session, plan_id)
    work.expect(plan, shown)
    if plan.state != "stopped":
        raise Refused(f"This plan is {plan.state.replace('_', ' ')}; only one that has stopped is continued.")
    return plan


def _flush(work: Work) -> None:
    try:
        work.session.flush()
    except IntegrityError as error:
        if "open_key" not in str(error.orig):
            raise
        raise Refused("This couple has an open plan already. Decide on it, or let it end, first.") from None
