"""Starting a subscription for a couple: who pays, which plan, a trial or a code, and what Stripe will bill.

Only an operation is queued: the row is there once Stripe has begun it, so a declined card leaves none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.work import Digest, View, Work, action, digest, query
from lib.models import (
    Operation,
    Relationship,
    Subscription,
    SubscriptionPlan,
    new_id,
    sortable,
)
from lib.payments import operations
from lib.payments.gateway import Gateway
from lib.payments.operations import OperationView
from lib.services import payers
from lib.services.payers import Card
from lib.services.start_codes import code_for

LONGEST_TRIAL_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that can be started: its price in minor units, and Stripe's id of it."""

    id: str
    name: str
    billing_period: str
    price_cents: int
    currency: str
    price_id: str

    @property
    def title(self) -> str:
        """As a person chooses it: `Try It Out, monthly, $30.00`."""
        return f"{self.name}, {self.billing_period}, {money.show(self.price_cents, self.currency)}"

    @property
    def mrr_cents(self) -> int:
        """What it adds to MRR once it is paid for, before a discount."""
        return money.monthly(money.annualised(self.price_cents, self.billing_period))


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be started for a couple; `why_not` is a sentence where nothing can.

    `payer_ids`: the partners, of whom one pays. `access_until`: until when the couple has something already
    that is set to end; None without it.
    """

    couple_id: str
    digest: Digest
    payer_ids: tuple[str, ...]
    plans: tuple[Plan, ...]
    access_until: datetime | None
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What Stripe is asked for a preview of: all of it was checked against our rows.

    `customer_id`: the payer's at Stripe, None where no row of ours knows it.
    """

    user_id: str
    customer_id: str | None
    plan: Plan
    trial_end: datetime | None
    code_id: str | None
    coupon_id: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Stripe's own picture of the first invoice, in minor units of `currency`, and the card that pays it."""

    card: Card
    due_cents: int
    currency: str
    lines: tuple[tuple[str, int], ...]


@query(Permission.SUBSCRIPTIONS_START)
def offer(view: View, couple_id: str) -> Offer:
    """The plans, and the partners who may pay; raises NotFound. Three statements."""
    couple = _couple(view.session.get(Relationship, couple_id), couple_id)
    running = _running(view.session, couple_id)
    return Offer(
        couple_id=couple_id,
        digest=digest(couple),
        payer_ids=tuple(dict.fromkeys((couple.user_1_id, couple.user_2_id))),
        plans=plans_on_sale(view.session),
        access_until=max((row.current_period_end for row in running), default=None),
        why_not=_why_not(couple, running),
    )


@query(Permission.SUBSCRIPTIONS_START)
def question(
    view: View,
    couple_id: str,
    *,
    plan_id: str,
    payer_id: str,
    trial_days: int = 0,
    code: str = "",
) -> Question:
    """Check a wish against our rows, for Stripe to preview; raises as `start` does."""
    couple = _couple(view.session.get(Relationship, couple_id), couple_id)
    return _decide(view.session, view.now, couple, plan_id, payer_id, trial_days, code)


def preview(gateway: Gateway, asked: Question) -> Preview:
    """What Stripe would bill at once, and on which card; changes nothing.

    Raises Refused without a card on file, StripeFailed when Stripe cannot say.
    """
    card = payers.card_of(gateway, asked.user_id, asked.customer_id)
    invoice = gateway.invoices.preview_start(
        card.customer_id,
        price_id=asked.plan.price_id,
        trial_end=asked.trial_end,
        coupon_id=asked.coupon_id,
    )
    return Preview(
        card,
        invoice.amount_due or 0,
        invoice.currency or asked.plan.currency,
        tuple((line.description or asked.plan.name, line.amount or 0) for line in invoice.lines),
    )


@query(Permission.PEOPLE_READ)
def progress(view: View, couple_id: str) -> list[OperationView]:
    """What Stripe said so far about what begins for a couple, newest first."""
    return operations.progress(view, "relationships", couple_id)


@action(Permission.SUBSCRIPTIONS_START, about="relationships")
def start(
    work: Work,
    couple_id: str,
    *,
    shown: Digest,
    plan_id: str,
    payer_id: str,
    customer_id: str,
    card_id: str,
    trial_days: int = 0,
    code: str = "",
    reason: str,
) -> Operation:
    """Queue a new subscription of a couple, paid by one partner with the card that was shown.

    `trial_days`: how long nothing is charged; a code that gives days of trial adds to them.

    Raises Refused when the couple changed since it was shown, has ended, has a subscription that goes on, or
    something begins for it already; for a payer who is no partner, a customer who is somebody else, or a code
    that cannot be used. Invalid for a trial longer than a year, NotFound without such a couple or plan.
    """
    couple = _couple(payers.hold(work.session, couple_id), couple_id)
    work.expect(couple, shown)
    if why := _why_not(couple, _running(work.session, couple_id)):
        raise Refused(why)
    payers.must_be_quiet(work.session, couple_id)
    decided = _decide(work.session, work.now, couple, plan_id, payer_id, trial_days, code)
    payers.must_be_theirs(work.session, payer_id, customer_id, card_id)
    return operations.prepare(
        work,
        "subscription_start",
        object_type="relationships",
        object_id=couple_id,
        relationship_id=couple_id,
        params=start_params(decided, couple_id, customer_id, card_id),
        reason=reason,
    )


def start_params(decided: Question, couple_id: str, customer_id: str, card_id: str) -> dict[str, str | None]:
    """What the operation needs, with the id that our row will have."""
    return {
        "subscription_id": new_id(),
        "relationship_id": couple_id,
        "user_id": decided.user_id,
        "plan_id": decided.plan.id,
        "price_id": decided.plan.price_id,
        "customer_id": customer_id,
        "card_id": card_id,
        "code_id": decided.code_id,
        "coupon_id": decided.coupon_id,
        "trial_end": decided.trial_end.isoformat() if decided.trial_end else None,
    }


def plans_on_sale(session: Session) -> tuple[Plan, ...]:
    """The plans that Stripe has a price of and that are on sale, in the price list's order."""
    rows = session.scalars(
        select(SubscriptionPlan)
        .where(SubscriptionPlan.is_active.is_(True), SubscriptionPlan.stripe_price_id.is_not(None))
        .order_by(SubscriptionPlan.sort_order, SubscriptionPlan.plan_name, SubscriptionPlan.id)
    )
    return tuple(plan for row in rows if (plan := plan_of(row)) is not None)


def plan_of(row: SubscriptionPlan | None) -> Plan | None:
    """A plan as it can be started; None where Stripe has no price of it."""
    if row is None or row.stripe_price_id is None:
        return None
    return Plan(
        row.id,
        row.plan_name,
        row.billing_period,
        row.price_cents,
        row.currency or "USD",
        row.stripe_price_id,
    )


def _decide(
    session: Session,
    now: datetime,
    couple: Relationship,
    plan_id: str,
    payer_id: str,
    trial_days: int,
    code: str,
) -> Question:
    if payer_id not in (couple.user_1_id, couple.user_2_id):
        raise Refused("Only one of the two partners can pay for their subscription.")
    plan = next((each for each in plans_on_sale(session) if each.id == plan_id), None)
    if plan is None:
        raise NotFound(f"There is no plan “{plan_id[:40]}” on sale with a price at Stripe.")
    if not 0 <= trial_days <= LONGEST_TRIAL_DAYS:
        raise Invalid(f"A trial lasts 0 to {LONGEST_TRIAL_DAYS} days.")
    found = code_for(session, code, couple.id, now) if code.strip() else None
    days = trial_days + (found.trial_days if found else 0)
    return Question(
        payer_id,
        payers.customers_of(session, (payer_id,)).get(payer_id),
        plan,
        now + timedelta(days=days) if days else None,
        found.id if found else None,
        found.coupon_id if found else None,
    )


def _running(session: Session, couple_id: str) -> list[Subscription]:
    """What the couple has and pays for itself, oldest first."""
    return list(
        session.scalars(
            select(Subscription)
            .where(
                Subscription.relationship_id == couple_id,
                Subscription.status != "canceled",
                Subscription.is_gift.is_not(True),
            )
            .order_by(sortable(Subscription.created_at), Subscription.id)
        )
    )


def _why_not(couple: Relationship, running: list[Subscription]) -> str | None:
    if couple.status == "ended":
        return "This couple has ended, so nothing begins for it any more."
    if any(row.canceled_at is None for row in running):
        return "This couple has a subscription that goes on. Change that one, or let it end first."
    return None


def _couple(row: Relationship | None, couple_id: str) -> Relationship:
    if row is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    return row
