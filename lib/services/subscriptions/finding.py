"""The list of subscriptions."""

from typing import Final

from sqlalchemy import ColumnElement, and_, literal_column, or_, select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, query
from lib.models import Subscription, SubscriptionPlan, User, sortable

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


def _set_to_cancel() -> ColumnElement[bool]:
    # Written out, not bound: only so does SQLite see that the partial index serves.
    return and_(Subscription.status != literal_column("'canceled'"), Subscription.canceled_at.is_not(None))
