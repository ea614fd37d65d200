"""Another plan: what Stripe says that it would charge or credit, and what becomes of MRR; then the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.work import Digest, View, Work, action, query
from lib.models import Operation, Subscription, SubscriptionPlan
from lib.payments.events import InvoiceFacts
from lib.payments.gateway import Gateway, Proration
from lib.payments.gateway.subscriptions import item_of
from lib.services.subscriptions.asking import Bill, bill_of
from lib.services.subscriptions.case import SubscriptionCase
from lib.services.subscriptions.wishes import get, prepare

Settlement = Literal["now", "next_bill", "not_at_all"]

SETTLEMENTS: Final[tuple[Settlement, ...]] = ("now", "next_bill", "not_at_all")
"""When the difference for the rest of the period is charged or credited."""

PREVIEW_HOLDS_FOR: Final = timedelta(hours=1)
"""How old a preview may be that a change is made by: what it promised is what is charged."""

_PRORATIONS: Final[dict[Settlement, Proration]] = {
    "now": "always_invoice",
    "next_bill": "create_prorations",
    "not_at_all": "none",
}


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """A change of plan that somebody thinks about. Cents of `currency`.

    `moment`: as of when it is settled, hand it back with the action. `at_once`: the first invoice is made
    when the plan changes, because that was chosen or because the new price has another interval.
    MRR is as the house policy counts it, before and after.
    """

    stripe_subscription_id: str
    from_price: str | None
    to_price: str
    to_plan: str
    settlement: Settlement
    moment: datetime
    at_once: bool
    same_period: bool
    period_end: datetime | None
    mrr_before_cents: int
    mrr_after_cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """What Stripe would do: `now` is made at once, None where nothing is; `then` is the bill after that."""

    now: Bill | None
    then: Bill | None


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """A plan that can be changed to, at a price of Stripe's."""

    id: str
    name: str
    billing_period: str
    price_cents: int
    currency: str
    stripe_price_id: str

    @property
    def words(self) -> str:
        """Its name with its price: `Premium Plus, $50.00 monthly`."""
        return f"{self.name}, {money.show(self.price_cents, self.currency)} {self.billing_period}"


@dataclass(frozen=True, slots=True)
class PlanChoices:
    """The plans that a subscription can change to, in the price list's order, as of `at`.

    `from_price`: the present plan's price at Stripe.
    """

    at: datetime
    from_price: str | None
    plans: Mapping[str, PlanChoice]


@query(Permission.SUBSCRIPTIONS_READ)
def choices(view: View, plan_id: str, currency: str) -> PlanChoices:
    """What a subscription on a plan can change to: other plans for sale at Stripe in its currency."""
    listed = view.session.scalars(
        select(SubscriptionPlan).order_by(
            SubscriptionPlan.sort_order, SubscriptionPlan.plan_name, SubscriptionPlan.id
        )
    ).all()
    return PlanChoices(
        at=view.now,
        from_price=next((plan.stripe_price_id for plan in listed if plan.id == plan_id), None),
        plans={
            plan.id: PlanChoice(
                plan.id,
                plan.plan_name,
                plan.billing_period,
                plan.price_cents,
                _currency(plan.currency),
                plan.stripe_price_id,
            )
            for plan in listed
            if plan.is_active
            and plan.stripe_price_id is not None
            and plan.id != plan_id
            and _currency(plan.currency) == _currency(currency)
        },
    )


def question(case: SubscriptionCase, offered: PlanChoices, plan_id: str, settlement: str) -> PlanQuestion:
    """What to ask Stripe about a change to one of the plans offered, and what becomes of MRR.

    Raises Invalid for a settlement that there is not.
    """
    chosen, plan = _settlement(settlement), offered.plans[plan_id]
    same_period = plan.billing_period == case.billing_period
    listed = money.annualised(case.price_cents, case.billing_period)
    after = money.annualised(plan.price_cents, plan.billing_period)
    return PlanQuestion(
        stripe_subscription_id=case.stripe_subscription_id or "",
        from_price=offered.from_price,
        to_price=plan.stripe_price_id,
        to_plan=f"{plan.name}, {plan.billing_period}",
        settlement=chosen,
        moment=offered.at,
        at_once=chosen == "now" or not same_period,
        same_period=same_period,
        period_end=case.current_period_end,
        mrr_before_cents=case.mrr_cents,
        # What a code takes off today it takes off as the same part of the new price, as in the ledger.
        mrr_after_cents=money.monthly(after * case.arr_cents // listed) if listed else 0,
        currency=plan.currency,
    )


def preview(gateway: Gateway, asked: PlanQuestion) -> PlanPreview:
    """What Stripe would charge or credit; raises StripeFailed."""
    facts = gateway.subscriptions.retrieve(asked.stripe_subscription_id)
    item_id = item_of(facts, asked.from_price)

    def invoice(proration: Proration) -> InvoiceFacts | None:
        return gateway.previews.plan_change(
            asked.stripe_subscription_id,
            item_id=item_id,
            price_id=asked.to_price,
            proration=proration,
            moment=asked.moment,
        )

    if facts.status == "trialing":
        return PlanPreview(None, bill_of(invoice("none")))
    settled = invoice(_PRORATIONS[asked.settlement])
    if not asked.at_once:
        return PlanPreview(None, bill_of(settled, at=asked.period_end))
    # Without anything to settle, Stripe's preview is a plain bill at the new price: the one that comes after.
    plain = invoice("none")
    after = asked.period_end if asked.same_period else _end_of_period(plain)
    return PlanPreview(bill_of(settled, at=asked.moment), bill_of(plain, at=after))


@action(Permission.SUBSCRIPTIONS_CHANGE, about="subscriptions")
def change(
    work: Work,
    subscription_id: str,
    *,
    plan_id: str,
    settlement: str,
    moment: datetime,
    shown: Digest,
    reason: str,
) -> Operation:
    """Change to another plan, charged and credited as the preview of `moment` said.

    Where money is due at once and the card is declined, Stripe leaves the plan as it was. Raises NotFound
    without such a plan and Invalid for a settlement that there is not. Refused for a plan in another currency
    or not for sale at Stripe, for a preview older than an hour, when the subscription
    changed since it was shown, is not running or is set to cancel, or while another operation is under way.
    """
    subscription = get(work.session, subscription_id)
    chosen = _settlement(settlement)
    _, price = _plan_for(work, subscription, plan_id)
    if not work.now - PREVIEW_HOLDS_FOR <= moment <= work.now:
        raise Refused("This preview is older than an hour. Look at what Stripe says now, then decide.")
    return prepare(
        work,
        "change_plan",
        subscription,
        shown=shown,
        reason=reason,
        from_price=_price_of(work, subscription),
        to_price=price,
        proration=_PRORATIONS[chosen],
        # A change is settled within the running period; the row may be a moment ahead of the preview.
        moment=max(moment, subscription.current_period_start).isoformat(),
    )


def _end_of_period(invoice: InvoiceFacts | None) -> datetime | None:
    """When the period ends that a bill pays for."""
    lines = invoice.lines if invoice else ()
    return max((line.period_end for line in lines if line.period_end), default=None)


def _settlement(chosen: str) -> Settlement:
    for settlement in SETTLEMENTS:
        if settlement == chosen:
            return settlement
    raise Invalid(f"A change is settled {', '.join(SETTLEMENTS)}, not “{chosen[:40]}”.".replace("_", " "))


def _plan_for(work: Work, subscription: Subscription, plan_id: str) -> tuple[SubscriptionPlan, str]:
    """The plan with its price at Stripe, if the subscription can change to it."""
    plan = work.session.get(SubscriptionPlan, plan_id)
    if plan is None:
        raise NotFound(f"There is no plan “{plan_id[:40]}”.")
    if plan.id == subscription.plan_id:
        raise Refused("It is on this plan already. Choose another.")
    if not plan.is_active or plan.stripe_price_id is None:
        raise Refused(f"{plan.plan_name} is not for sale at Stripe. Choose another plan.")
    if _currency(plan.currency) != _currency(subscription.currency):
        raise Refused(f"{plan.plan_name} is sold in another currency. Choose another plan.")
    return plan, plan.stripe_price_id


def _price_of(work: Work, subscription: Subscription) -> str | None:
    plan = work.session.get(SubscriptionPlan, subscription.plan_id)
    return plan.stripe_price_id if plan else None


def _currency(code: str | None) -> str:
    return (code or "USD").upper()
