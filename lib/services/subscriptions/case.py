"""One subscription with everything that a decision needs, for the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.work import Digest, View, digest, query
from lib.models import (
    Payment,
    Relationship,
    Subscription,
    SubscriptionChange,
    SubscriptionPlan,
    User,
    sortable,
)
from lib.payments import ledger, operations
from lib.payments.operations import OperationView
from lib.services.subscriptions import wishes
from lib.services.subscriptions.wishes import WISHES, Standing, Wish

_COUNTS_IN_MRR: Final = ("active", "past_due")
_PAYMENTS_SHOWN: Final = 20
_NEWS: Final = timedelta(minutes=15)


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
    couple has what it paid for, if it is cancelled at the period's end or is so already. `bills_paused`: no
    money is collected although it runs. `digest`: hand it back with the action. `why_not`: for each wish why
    it is refused now; None when it is possible.
    """

    id: str
    digest: Digest
    status: str
    set_to_cancel: bool
    bills_paused: bool
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
    operations: tuple[OperationView, ...]
    latest: tuple[OperationView, ...]
    why_not: Mapping[Wish, str | None]


@query(Permission.SUBSCRIPTIONS_READ)
def progress(view: View, subscription_id: str) -> list[OperationView]:
    """What Stripe said so far, newest operation first: for the page that watches it."""
    return operations.progress(view, "subscriptions", subscription_id)


@query(Permission.SUBSCRIPTIONS_READ)
def latest(view: View, subscription_id: str) -> list[OperationView]:
    """What is under way or was settled just now, for the sections where something is done."""
    return _latest(operations.progress(view, "subscriptions", subscription_id), view.now)


@query(Permission.SUBSCRIPTIONS_READ)
def one(view: View, subscription_id: str) -> SubscriptionCase:
    """A subscription with its couple, its payer, and what can be done to it; raises NotFound.

    Its payer counts as opened.
    """
    subscription = wishes.get(view.session, subscription_id)
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
    last = ledger.newest(view.session, subscription.id)
    standing = Standing.of(subscription, last)
    arr = arr_of(subscription, last)
    under_way = next((step.title for step in steps if step.is_open), None)
    return SubscriptionCase(
        id=subscription.id,
        digest=digest(subscription),
        status=subscription.status,
        set_to_cancel=standing.set_to_cancel,
        bills_paused=standing.collection_paused,
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
        operations=steps,
        latest=tuple(_latest(steps, view.now)),
        why_not={wish: wishes.why_not(wish, standing, under_way) for wish in WISHES},
    )


def _latest(steps: Sequence[OperationView], now: datetime) -> list[OperationView]:
    return [step for step in steps if step.is_open or (step.settled_at and now - step.settled_at < _NEWS)]


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


def _access_until(subscription: Subscription) -> datetime | None:
    """The end of what is paid for; for one that has ended, when it ended if that was earlier."""
    if subscription.status != "canceled" or subscription.canceled_at is None:
        return subscription.current_period_end
    return min(subscription.canceled_at, subscription.current_period_end or subscription.canceled_at)


def arr_of(subscription: Subscription, last: SubscriptionChange | None) -> int:
    """Annualised minor units that count in MRR today under the house policy; `last` is its ledger's end."""
    if subscription.status not in _COUNTS_IN_MRR or subscription.is_gift:
        return 0
    if last is None:
        return money.annualised(subscription.price_cents, subscription.billing_period)
    return 0 if last.collection_paused else last.net_arr_cents + last.goodwill_arr_cents


@query(Permission.SUBSCRIPTIONS_READ)
def payments(view: View, subscription_id: str) -> tuple[Paid, ...]:
    """The last payments of a subscription, newest first."""
    rows = view.session.execute(
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
