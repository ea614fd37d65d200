"""What can be wished for a couple, and what a plan would do, before anything is done or written."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.audit import canonical
from lib.core.errors import NotFound
from lib.core.work import Digest, View, query
from lib.models import ActionPlan, Payment, Relationship, Subscription, SubscriptionPlan, sortable
from lib.services import payments
from lib.services.payments import PaymentLine
from lib.services.plans import addons, ai_credits
from lib.services.plans.kinds import STEPS
from lib.services.plans.refund import effect_of_asking
from lib.services.plans.wishes import Effect, Situation, StepLine, Wishes, line_of
from lib.services.refund_policy import Recommendation
from lib.services.refund_recommendations import recommendation_of


@dataclass(frozen=True, slots=True)
class Draft:
    """One step of a plan that is not there yet."""

    number: int
    kind: str
    object_id: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a plan would do now; `why_not`: why it is not to be proposed; `digest` goes back with the wish."""

    steps: tuple[StepLine, ...]
    why_not: str | None
    recommendation: Recommendation | None
    digest: Digest


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be wished for a couple: each with its id and its words."""

    couple_id: str
    payments: tuple[PaymentLine, ...]
    subscriptions: dict[str, str]
    credits: int
    addons: dict[str, str]
    open_plan_id: str | None


@query(Permission.REFUNDS_REQUEST)
def choices(view: View, couple_id: str) -> Choices:
    """What can be wished for a couple now; raises NotFound. Seven statements at most."""
    session = view.session
    if session.get(Relationship, couple_id) is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    running = session.execute(
        select(Subscription.id, SubscriptionPlan.plan_name, Subscription.status)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        .where(Subscription.relationship_id == couple_id, Subscription.status != "canceled")
        .order_by(sortable(Subscription.created_at).desc(), Subscription.id.desc())
    )
    return Choices(
        couple_id=couple_id,
        payments=tuple(line for line in payments.of_couple(view, couple_id) if line.why_not is None),
        subscriptions={
            row.id: f"{row.plan_name or row.id}, {row.status.replace('_', ' ')}" for row in running
        },
        credits=ai_credits.unused(session, couple_id, None)[1],
        addons={row.id: name for row, name in addons.running(session, couple_id)},
        open_plan_id=session.scalar(select(ActionPlan.id).where(ActionPlan.open_key == couple_id)),
    )


@query(Permission.REFUNDS_REQUEST)
def dry_run(view: View, couple_id: str, wishes: Wishes) -> DryRun:
    """What a plan would do for a couple now, step by step, and why a step is impossible."""
    steps = drafts(Situation(view.session, view.now, couple_id, wishes.payment_id), wishes)
    payment = view.session.get(Payment, wishes.payment_id) if wishes.payment_id else None
    return DryRun(
        tuple(line_of(step.number, step.kind, step.effect) for step in steps),
        why_not_propose(steps),
        recommendation_of(view.session, payment, view.now) if payment else None,
        fingerprint(step.effect for step in steps),
    )


def drafts(situation: Situation, wishes: Wishes) -> tuple[Draft, ...]:
    """The steps that the wishes come to, in the order in which they are taken."""
    wanted = [
        *_wanted(wishes),
        *([("refund", wishes.payment_id)] if wishes.payment_id else []),
    ]
    return tuple(
        Draft(
            number,
            kind,
            object_id or situation.couple_id,
            effect_of_asking(situation, object_id, wishes.amount_cents)
            if kind == "refund"
            else STEPS[kind].effect(situation, object_id or situation.couple_id),
        )
        for number, (kind, object_id) in enumerate(wanted, 1)
    )


def why_not_propose(steps: tuple[Draft, ...]) -> str | None:
    """Why these steps are no plan; None when they are."""
    if len(steps) < 2:
        return "A plan has two steps at least. Choose more, or do the one thing on its own page."
    impossible = next((step for step in steps if step.effect.why_not), None)
    if impossible is not None:
        return f"“{impossible.effect.title}” is impossible: {impossible.effect.why_not}"
    return None


def fingerprint(effects: Iterable[Effect]) -> Digest:
    """A digest of what steps would do, to notice that something changed since they were shown."""
    text = canonical([asdict(effect) for effect in effects])
    return Digest(hashlib.sha256(text.encode()).hexdigest()[:32])


def _wanted(wishes: Wishes) -> Iterator[tuple[str, str]]:
    if wishes.subscription_id:
        yield f"cancel_{wishes.cancel}", wishes.subscription_id
    if wishes.credits:
        yield "take_back_credits", ""
    for addon_id in dict.fromkeys(wishes.addon_ids):
        yield "end_addon", addon_id
