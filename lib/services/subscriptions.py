"""Subscriptions: who pays what for whom, and how one is ended or kept.

    active, trialing, past_due --cancel_at_period_end--> the same, set to cancel --(period ends)--> canceled
    any but canceled           --cancel_now------------> canceled
    set to cancel              --keep------------------> not set to cancel

Each of these only queues an operation: the row follows what Stripe answers. A subscription that is set to
cancel has its status and `canceled_at` filled.
"""

from typing import Final

from sqlalchemy import ColumnElement, and_, literal_column, or_, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, View, Work, action, query
from lib.models import Operation, Subscription, SubscriptionPlan, User, sortable
from lib.payments import operations
from lib.payments.operations import OperationView
from lib.services.subscription_case import SubscriptionCase, Wish, case_of, why_not

STATUSES: Final = ("active", "trialing", "past_due", "paused", "incomplete", "canceled")

COLUMNS: Final = (
    Column("payer", "Paid by"),
    Column("plan_name", "Plan"),
    Column("status", "Status", "status"),
    Column("set_to_cancel", "Set to cancel", "flag"),
    Column("price_cents", "Price", "money"),
    Column("billing_period", "Billed", "code"),
    Column("current_period_end", "Period ends", "moment"),
    Column("created_at", "Since", "moment"),
    Column("relationship_id", "Couple", "id"),
    Column("id", "Subscription", "id"),
    Column("stripe_subscription_id", "Stripe subscription", "id"),
    Column("stripe_customer_id", "Stripe customer", "id"),
)


@listing(Permission.SUBSCRIPTIONS_READ, columns=COLUMNS)
def subscriptions(
    *,
    q: str = "",
    status: str | None = None,
    plan: str | None = None,
    set_to_cancel: bool | None = None,
    relationship_id: str | None = None,
    user_id: str | None = None,
) -> AnySelect:
    """Subscriptions, newest first.

    `q` is an id: the subscription's, its couple's or payer's, or Stripe's of it (`sub_…`) or its customer.
    """
    statement: AnySelect = (
        select(
            Subscription.id,
            Subscription.status,
            _set_to_cancel().label("set_to_cancel"),
            Subscription.user_id,
            User.name.label("payer"),
            Subscription.relationship_id,
            SubscriptionPlan.plan_name,
            Subscription.billing_period,
            Subscription.price_cents,
            Subscription.currency,
            Subscription.is_gift,
            Subscription.current_period_end,
            Subscription.created_at,
            Subscription.stripe_subscription_id,
            Subscription.stripe_customer_id,
        )
        .outerjoin(User, User.id == Subscription.user_id)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        .order_by(sortable(Subscription.created_at).desc(), Subscription.id.desc())
    )
    if q.strip():
        keys = (
            Subscription.id,
            Subscription.stripe_subscription_id,
            Subscription.stripe_customer_id,
            Subscription.relationship_id,
            Subscription.user_id,
        )
        statement = statement.where(or_(*(key == q.strip() for key in keys)))
    if status:
        if status not in STATUSES:
            raise Invalid(f"Subscriptions are {', '.join(STATUSES)}, not “{status[:40]}”.")
        statement = statement.where(Subscription.status == status)
    if plan:
        statement = statement.where(Subscription.plan_id == plan)
    if set_to_cancel is not None:
        statement = statement.where(_set_to_cancel() if set_to_cancel else ~_set_to_cancel())
    if relationship_id:
        statement = statement.where(Subscription.relationship_id == relationship_id)
    if user_id:
        statement = statement.where(Subscription.user_id == user_id)
    return statement


@query(Permission.SUBSCRIPTIONS_READ)
def plans(view: View) -> dict[str, str]:
    """The plans to filter by: id to name, in the price list's order."""
    rows = view.session.execute(
        select(SubscriptionPlan.id, SubscriptionPlan.plan_name, SubscriptionPlan.billing_period).order_by(
            SubscriptionPlan.sort_order, SubscriptionPlan.plan_name, SubscriptionPlan.id
        )
    )
    return {key: f"{name}, {period}" for key, name, period in rows}


@query(Permission.SUBSCRIPTIONS_READ)
def one(view: View, subscription_id: str) -> SubscriptionCase:
    """A subscription with its couple, its payer, and the effect of ending it; raises NotFound."""
    return case_of(view, _get(view.session, subscription_id))


@query(Permission.SUBSCRIPTIONS_READ)
def progress(view: View, subscription_id: str) -> list[OperationView]:
    """What Stripe said so far, newest operation first: for the page that watches it."""
    return operations.progress(view, "subscriptions", subscription_id)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def cancel_at_period_end(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Let it end with the period that is paid for: access stays until then, MRR too.

    Raises Refused when it changed since it was shown, is not Stripe's, has ended or is set to end already,
    was never paid for, or while another operation on it is under way.
    """
    return _prepare(work, "at_period_end", subscription_id, shown, reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def cancel_now(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """End it at once: access and MRR end, and nothing is paid back (that is a refund, which another decides).

    Raises Refused when it changed since it was shown, is not Stripe's, has ended already, or while another
    operation on it is under way.
    """
    return _prepare(work, "now", subscription_id, shown, reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def keep(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Take back a cancellation at the period's end.

    Raises Refused when it changed since it was shown, is not set to cancel, has ended already, or while
    another operation on it is under way.
    """
    return _prepare(work, "keep", subscription_id, shown, reason)


_KINDS: Final[dict[Wish, str]] = {
    "at_period_end": "subscription_cancel_at_period_end",
    "now": "subscription_cancel_now",
    "keep": "subscription_keep",
}


def _prepare(work: Work, wish: Wish, subscription_id: str, shown: Digest, reason: str) -> Operation:
    subscription = _get(work.session, subscription_id)
    work.expect(subscription, shown)
    if why := why_not(wish, subscription, None):
        raise Refused(why)
    return operations.prepare(
        work,
        _KINDS[wish],
        object_type="subscriptions",
        object_id=subscription.id,
        relationship_id=subscription.relationship_id,
        params={"subscription_id": subscription.stripe_subscription_id},
        reason=reason,
    )


def _get(session: Session, subscription_id: str) -> Subscription:
    subscription = session.get(Subscription, subscription_id)
    if subscription is None:
        raise NotFound(f"There is no subscription “{subscription_id[:40]}”.")
    return subscription


def _set_to_cancel() -> ColumnElement[bool]:
    # Written out, not bound: only so does SQLite see that the partial index serves.
    return and_(Subscription.status != literal_column("'canceled'"), Subscription.canceled_at.is_not(None))
