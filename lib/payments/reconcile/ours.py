"""Our side: the rows that Stripe's objects are about, looked up by the page or read in the order of a key.

Plain values of the columns that are compared, so that nothing of the session outlives a page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, false, func, literal, or_, select
from sqlalchemy.orm import Session

from lib.models import (
    Addon,
    DiscountCode,
    Payment,
    Refund,
    Subscription,
    SubscriptionChange,
    SubscriptionPlan,
    UserAddon,
)

T = TypeVar("T")

LIVING: Final = ("active", "trialing", "past_due", "paused")
"""The statuses of a subscription that is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurPrice:
    """A plan or an add-on of our price list; `object_type` is its table."""

    object_type: str
    id: str
    name: str
    price_id: str
    product_id: str | None
    price_cents: int
    currency: str
    billing_period: str | None
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OurSubscription:
    """A subscription of ours; whether its bills are paused stands in the MRR ledger alone."""

    id: str
    relationship_id: str
    user_id: str
    stripe_id: str | None
    customer_id: str | None
    status: str
    plan_id: str
    billing_period: str
    price_cents: int
    currency: str | None
    trial_end: datetime | None
    period_end: datetime | None
    canceled_at: datetime | None
    bills_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OurAddon:
    """An add-on that a couple bought, with a subscription of its own at Stripe."""

    id: str
    relationship_id: str
    stripe_id: str
    status: str
    price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OurPayment:
    """A payment of ours; its own subscription's id where it has one."""

    id: str
    relationship_id: str | None
    subscription_id: str | None
    payment_intent_id: str | None
    charge_id: str | None
    status: str
    amount_cents: int
    currency: str | None
    refunded_cents: int
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OurRefund:
    """A refund of ours, in the currency of its payment."""

    id: str
    relationship_id: str | None
    stripe_id: str | None
    status: str
    amount_cents: int
    currency: str | None
    requested_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OurCode:
    """A discount code of ours."""

    id: str
    code: str
    coupon_id: str | None
    discount_type: str
    discount_value: int
    max_uses: int | None
    current_uses: int
    valid_from: datetime | None
    valid_until: datetime | None
    is_active: bool

    def works(self, now: datetime) -> bool:
        """Whether it can be redeemed by what our row says."""
        used_up = self.max_uses is not None and self.current_uses >= self.max_uses
        over = self.valid_until is not None and self.valid_until <= now
        return self.is_active and not used_up and not over


_BILLS_PAUSED: Final = (
    select(SubscriptionChange.collection_paused)
    .where(SubscriptionChange.subscription_id == Subscription.id)
    .order_by(SubscriptionChange.effective_at.desc(), SubscriptionChange.seq.desc())
    .limit(1)
    .correlate(Subscription)
    .scalar_subquery()
)
SUBSCRIPTION: Final = (
    Subscription.id,
    Subscription.relationship_id,
    Subscription.user_id,
    Subscription.stripe_subscription_id.label("stripe_id"),
    Subscription.stripe_customer_id.label("customer_id"),
    Subscription.status,
    Subscription.plan_id,
    Subscription.billing_period,
    Subscription.price_cents,
    Subscription.currency,
    Subscription.trial_end_date.label("trial_end"),
    Subscription.current_period_end.label("period_end"),
    Subscription.canceled_at,
    func.coalesce(_BILLS_PAUSED, false()).label("bills_paused"),
)
_PAYMENT: Final = (
    Payment.id,
    Payment.relationship_id,
    Payment.subscription_id,
    Payment.stripe_payment_intent_id.label("payment_intent_id"),
    Payment.stripe_charge_id.label("charge_id"),
    Payment.status,
    Payment.amount_cents,
    Payment.currency,
    Payment.refund_amount_cents.label("refunded_cents"),
    Payment.created_at,
)
_REFUND: Final = (
    Refund.id,
    Refund.relationship_id,
    Refund.stripe_refund_id.label("stripe_id"),
    Refund.status,
    Refund.refund_amount_cents.label("amount_cents"),
    Payment.currency,
    Refund.requested_at,
)
_CODE: Final = (
    DiscountCode.id,
    DiscountCode.code,
    DiscountCode.stripe_coupon_id.label("coupon_id"),
    DiscountCode.discount_type,
    DiscountCode.discount_value,
    DiscountCode.max_uses,
    DiscountCode.current_uses,
    DiscountCode.valid_from,
    DiscountCode.valid_until,
    DiscountCode.is_active,
)


def subscriptions(
    session: Session, condition: ColumnElement[bool], limit: int | None = None
) -> list[OurSubscription]:
    """Subscriptions that fit, in the order of their ids."""
    statement = select(*SUBSCRIPTION).where(condition).order_by(Subscription.id).limit(limit)
    return [OurSubscription(**row._mapping) for row in session.execute(statement)]


def subscriptions_of(session: Session, stripe_ids: Iterable[str]) -> dict[str, OurSubscription]:
    """Our subscriptions by `sub_…`."""
    found = subscriptions(session, Subscription.stripe_subscription_id.in_(list(stripe_ids)))
    return {row.stripe_id: row for row in found if row.stripe_id is not None}


def addons_of(session: Session, stripe_ids: Iterable[str]) -> dict[str, OurAddon]:
    """Bought add-ons by the `sub_…` of their own."""
    statement = select(
        UserAddon.id,
        UserAddon.relationship_id,
        UserAddon.stripe_subscription_id.label("stripe_id"),
        UserAddon.status,
        UserAddon.price_cents,
    ).where(UserAddon.stripe_subscription_id.in_(list(stripe_ids)))
    rows = [OurAddon(**row._mapping) for row in session.execute(statement)]
    return {row.stripe_id: row for row in rows}


def prices(session: Session) -> dict[str, OurPrice]:
    """The whole price list by `price_…`: plans and add-ons. One statement."""
    plans = select(
        literal("subscription_plans").label("object_type"),
        SubscriptionPlan.id,
        SubscriptionPlan.plan_name.label("name"),
        SubscriptionPlan.stripe_price_id.label("price_id"),
        SubscriptionPlan.stripe_product_id.label("product_id"),
        SubscriptionPlan.price_cents,
        func.coalesce(SubscriptionPlan.currency, "USD").label("currency"),
        SubscriptionPlan.billing_period,
        func.coalesce(SubscriptionPlan.is_active, false()).label("is_active"),
    ).where(SubscriptionPlan.stripe_price_id.is_not(None))
    addons = select(
        literal("subscription_addons"),
        Addon.id,
        Addon.addon_name,
        Addon.stripe_price_id,
        Addon.stripe_product_id,
        Addon.price_cents,
        literal("USD"),
        Addon.billing_period,
        func.coalesce(Addon.is_active, false()),
    ).where(Addon.stripe_price_id.is_not(None))
    rows = session.execute(plans.union_all(addons))
    return {row.price_id: OurPrice(**row._mapping) for row in rows}


def payments(session: Session, condition: ColumnElement[bool], limit: int | None = None) -> list[OurPayment]:
    """Payments that fit, in the order of their ids."""
    statement = select(*_PAYMENT).where(condition).order_by(Payment.id).limit(limit)
    return [
        OurPayment(**(dict(row._mapping) | {"refunded_cents": row.refunded_cents or 0}))
        for row in session.execute(statement)
    ]


def payments_of(
    session: Session, payment_intents: Iterable[str | None], charges: Iterable[str | None]
) -> dict[str, OurPayment]:
    """Our payments by `pi_…` and by `ch_…`."""
    intents = [each for each in payment_intents if each is not None]
    known = [each for each in charges if each is not None]
    rows = payments(
        session, or_(Payment.stripe_payment_intent_id.in_(intents), Payment.stripe_charge_id.in_(known))
    )
    by_charge = {row.charge_id: row for row in reversed(rows) if row.charge_id is not None}
    return by_charge | {row.payment_intent_id: row for row in rows if row.payment_intent_id is not None}


def refunds(session: Session, condition: ColumnElement[bool], limit: int | None = None) -> list[OurRefund]:
    """Refunds that fit, in the order of their ids."""
    statement = (
        select(*_REFUND)
        .outerjoin(Payment, Payment.id == Refund.transaction_id)
        .where(condition)
        .order_by(Refund.id)
        .limit(limit)
    )
    return [OurRefund(**row._mapping) for row in session.execute(statement)]


def refunds_of(session: Session, stripe_ids: Iterable[str], ids: Iterable[str]) -> dict[str, OurRefund]:
    """Our refunds by `re_…`, and by their own id."""
    rows = refunds(session, or_(Refund.stripe_refund_id.in_(list(stripe_ids)), Refund.id.in_(list(ids))))
    return {row.id: row for row in rows} | {row.stripe_id: row for row in rows if row.stripe_id is not None}


def codes(session: Session, condition: ColumnElement[bool], limit: int | None = None) -> list[OurCode]:
    """Discount codes that fit, in the order of their ids."""
    statement = select(*_CODE).where(condition).order_by(DiscountCode.id).limit(limit)
    return [
        OurCode(
            **(dict(row._mapping) | {"current_uses": row.current_uses or 0, "is_active": bool(row.is_active)})
        )
        for row in session.execute(statement)
    ]


def by(rows: Iterable[T], name: str) -> Mapping[str, list[T]]:
    """Rows in groups by one of their fields; those without a value are left out."""
    groups: dict[str, list[T]] = {}
    for row in rows:
        value: Any = getattr(row, name)
        if value is not None:
            groups.setdefault(value, []).append(row)
    return groups
