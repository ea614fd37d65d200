"""One subscription with everything that a decision needs, for the page; and what can be done with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.listing import Column
from lib.core.work import Digest, View, digest
from lib.models import (
    Payment,
    Relationship,
    Subscription,
    SubscriptionChange,
    SubscriptionPlan,
    User,
    sortable,
)
from lib.payments import operations
from lib.payments.operations import OperationView

Wish = Literal["at_period_end", "now", "keep"]

_ENDS_WITH_PERIOD: Final = ("active", "trialing", "past_due", "paused")
_COUNTS_IN_MRR: Final = ("active", "past_due")
_PAYMENTS_SHOWN: Final = 20


PAYMENT_COLUMNS: Final = (
    Column("created_at", "Paid", "moment"),
    Column("amount_cents", "Amount", "money"),
    Column("status", "Status", "status"),
    Column("refund_amount_cents", "Refunded", "money"),
    Column("id", "Payment", "id"),
)


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of a subscription."""

    id: str
    created_at: datetime | None
    amount_cents: int
    currency: str | None
    status: str
    refund_amount_cents: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionCase:
    """One subscription with what a decision needs. Amounts are minor units of `currency`.

    `mrr_cents`: what it adds to MRR today under the house policy (trials, gifts and pauses add nothing), and
    so what a cancellation takes away, rounded once; `arr_cents` is exact. `access_until`: until when the
    couple has what it paid for, if it is cancelled at the period's end or is so already. `digest`: hand it
    back with the action. `why_not_...`: why that action is refused now; None when it is possible.
    """

    id: str
    digest: Digest
    status: str
    set_to_cancel: bool
    canceled_at: datetime | None
    cancel_reason: str | None
    plan_id: str
    plan_name: str | None
    billing_period: str
    price_cents: int
    currency: str
    is_gift: bool
    trial_end_date: datetime | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    created_at: datetime | None
    user_id: str
    payer: str | None
    payer_email: str | None
    relationship_id: str
    partners: tuple[tuple[str, str | None], ...]
    couple_status: str | None
    stripe_subscription_id: str | None
    stripe_customer_id: str | None
    arr_cents: int
    mrr_cents: int
    access_until: datetime | None
    payments: tuple[Paid, ...]
    operations: tuple[OperationView, ...]
    why_not_cancel_at_period_end: str | None
    why_not_cancel_now: str | None
    why_not_keep: str | None


def case_of(view: View, subscription: Subscription) -> SubscriptionCase:
    """Gather the case of a subscription; its payer counts as opened."""
    view.note_opening("users", subscription.user_id)
    couple, plan_name = _couple_and_plan(view.session, subscription)
    members = [subscription.user_id, *((couple.user_1_id, couple.user_2_id) if couple else ())]
    with view.revealing(members) as revealed:
        if revealed:
            view.session.refresh(subscription)
        people = {
            row.id: row
            for row in view.session.execute(
                select(User.id, User.name, User.email).where(User.id.in_(set(members)))
            )
        }
    steps = tuple(operations.progress(view, "subscriptions", subscription.id))
    payer = people.get(subscription.user_id)
    partners = dict.fromkeys(members[1:])
    arr = _arr(view.session, subscription)
    under_way = next((step.title for step in steps if step.is_open), None)
    return SubscriptionCase(
        id=subscription.id,
        digest=digest(subscription),
        status=subscription.status,
        set_to_cancel=is_set_to_cancel(subscription),
        canceled_at=subscription.canceled_at,
        cancel_reason=subscription.cancel_reason,
        plan_id=subscription.plan_id,
        plan_name=plan_name,
        billing_period=subscription.billing_period,
        price_cents=subscription.price_cents,
        currency=subscription.currency or "USD",
        is_gift=bool(subscription.is_gift),
        trial_end_date=subscription.trial_end_date,
        current_period_start=subscription.current_period_start,
        current_period_end=subscription.current_period_end,
        created_at=subscription.created_at,
        user_id=subscription.user_id,
        payer=payer.name if payer else None,
        payer_email=payer.email if payer else None,
        relationship_id=subscription.relationship_id,
        partners=tuple((key, people[key].name if key in people else None) for key in partners),
        couple_status=couple.status if couple else None,
        stripe_subscription_id=subscription.stripe_subscription_id,
        stripe_customer_id=subscription.stripe_customer_id,
        arr_cents=arr,
        mrr_cents=money.monthly(arr),
        access_until=_access_until(subscription),
        payments=_payments(view.session, subscription.id),
        operations=steps,
        why_not_cancel_at_period_end=why_not("at_period_end", subscription, under_way),
        why_not_cancel_now=why_not("now", subscription, under_way),
        why_not_keep=why_not("keep", subscription, under_way),
    )


def _couple_and_plan(session: Session, subscription: Subscription) -> tuple[Relationship | None, str | None]:
    """The couple and the name of the plan; dirty rows may lead to neither."""
    row = session.execute(
        select(Relationship, SubscriptionPlan.plan_name)
        .select_from(Subscription)
        .outerjoin(Relationship, Relationship.id == Subscription.relationship_id)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        .where(Subscription.id == subscription.id)
    ).one()
    couple, plan_name = row
    return couple, plan_name


def why_not(wish: Wish, subscription: Subscription, under_way: str | None) -> str | None:
    """Why a wish cannot be granted now, as a sentence; None when it can."""
    if under_way:
        return f"“{under_way}” is already under way. Wait until Stripe has answered."
    if subscription.status == "canceled":
        return "This subscription has ended: it can be neither cancelled nor kept. The couple can start anew."
    if not subscription.stripe_subscription_id:
        return (
            "This subscription is not at Stripe (a gift, or made by hand), so nothing can be cancelled there."
        )
    if wish == "keep":
        return (
            None if is_set_to_cancel(subscription) else "This subscription is not set to cancel: it goes on."
        )
    if wish == "at_period_end" and is_set_to_cancel(subscription):
        return "This subscription is set to cancel at its period's end already."
    if wish == "at_period_end" and subscription.status not in _ENDS_WITH_PERIOD:
        return f"This subscription is {subscription.status}: no period is paid for, so cancel it now instead."
    return None


def is_set_to_cancel(subscription: Subscription) -> bool:
    """Whether it ends with its period: production says so by `canceled_at` before the end."""
    return subscription.status != "canceled" and subscription.canceled_at is not None


def _access_until(subscription: Subscription) -> datetime | None:
    """The end of what is paid for; for one that has ended, when it ended if that was earlier."""
    if subscription.status != "canceled" or subscription.canceled_at is None:
        return subscription.current_period_end
    return min(subscription.canceled_at, subscription.current_period_end or subscription.canceled_at)


def _arr(session: Session, subscription: Subscription) -> int:
    """Annualised minor units that count in MRR today: net of discounts as far as the ledger knows them."""
    if subscription.status not in _COUNTS_IN_MRR or subscription.is_gift:
        return 0
    known = session.execute(
        select(SubscriptionChange.net_arr_cents, SubscriptionChange.collection_paused)
        .where(SubscriptionChange.subscription_id == subscription.id)
        .order_by(SubscriptionChange.effective_at.desc(), SubscriptionChange.seq.desc())
        .limit(1)
    ).first()
    if known is None:
        return money.annualised(subscription.price_cents, subscription.billing_period)
    return 0 if known.collection_paused else known.net_arr_cents


def _payments(session: Session, subscription_id: str) -> tuple[Paid, ...]:
    rows = session.execute(
        select(
            Payment.id,
            Payment.created_at,
            Payment.amount_cents,
            Payment.currency,
            Payment.status,
            Payment.refund_amount_cents,
        )
        .where(Payment.subscription_id == subscription_id)
        .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
        .limit(_PAYMENTS_SHOWN)
    )
    return tuple(Paid(*row) for row in rows)
