"""Tables of production revision 0002: plans, subscriptions, payments, credits, discounts, refunds."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lib.models.base import NO, NOW, YES, Base
from lib.models.relationships import Relationship, User
from lib.models.types import Json, Personal


class SubscriptionPlan(Base):
    """A plan of the price list."""

    __tablename__ = "subscription_plans"
    __table_args__ = (
        CheckConstraint("billing_period IN ('monthly', 'annual')"),
        CheckConstraint("plan_type IN ('try_it_out', 'better_together', 'premium_plus', 'custom')"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    plan_name: Mapped[str]
    plan_type: Mapped[str]
    billing_period: Mapped[str]
    price_cents: Mapped[int]
    price_display: Mapped[str]
    currency: Mapped[str | None] = mapped_column(server_default=text("'USD'"))
    stripe_price_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_product_id: Mapped[str | None]
    features: Mapped[Any | None] = mapped_column(Json())
    is_active: Mapped[bool | None] = mapped_column(server_default=YES)
    sort_order: Mapped[int | None] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Subscription(Base):
    """A subscription of a couple, paid by one partner.

    One that is set to cancel at the end of its period is `active` with `canceled_at` filled.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("billing_period IN ('monthly', 'annual')"),
        CheckConstraint("status IN ('active', 'past_due', 'canceled', 'trialing', 'paused', 'incomplete')"),
        Index("idx_subscriptions_period_end", "current_period_end"),
        Index("idx_subscriptions_relationship", "relationship_id"),
        Index("idx_subscriptions_status", "status"),
        Index("idx_subscriptions_stripe_customer", "stripe_customer_id"),
        Index("idx_subscriptions_stripe_subscription", "stripe_subscription_id"),
        Index("idx_subscriptions_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    plan_id: Mapped[str] = mapped_column(ForeignKey("subscription_plans.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    stripe_customer_id: Mapped[str | None]
    stripe_subscription_id: Mapped[str | None] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    billing_period: Mapped[str]
    price_cents: Mapped[int]
    currency: Mapped[str | None] = mapped_column(server_default=text("'USD'"))
    trial_end_date: Mapped[datetime | None]
    current_period_start: Mapped[datetime]
    current_period_end: Mapped[datetime]
    canceled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(Personal("log"))
    is_gift: Mapped[bool | None] = mapped_column(server_default=NO)
    gift_from_user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    gift_message: Mapped[str | None] = mapped_column(Personal("text"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    user: Mapped["User"] = relationship("User", foreign_keys="Subscription.user_id", lazy="raise_on_sql")
    couple: Mapped["Relationship"] = relationship(
        "Relationship", foreign_keys="Subscription.relationship_id", lazy="raise_on_sql"
    )
    plan: Mapped["SubscriptionPlan"] = relationship(
        "SubscriptionPlan", foreign_keys="Subscription.plan_id", lazy="raise_on_sql"
    )


class Payment(Base):
    """One payment, tried or made."""

    __tablename__ = "payment_transactions"
    __table_args__ = (
        CheckConstraint("payment_method IN ('card', 'bank_account', 'apple_pay', 'google_pay')"),
        CheckConstraint("status IN ('succeeded', 'pending', 'failed', 'refunded', 'canceled')"),
        CheckConstraint(
            "transaction_type IN ('subscription', 'credits', 'add_on', 'gift', 'box', 'coaching', 'refund')"
        ),
        Index("idx_payment_transactions_created", "created_at"),
        Index("idx_payment_transactions_relationship", "relationship_id"),
        Index("idx_payment_transactions_status", "status"),
        Index("idx_payment_transactions_stripe_intent", "stripe_payment_intent_id"),
        Index("idx_payment_transactions_subscription", "subscription_id"),
        Index("idx_payment_transactions_type", "transaction_type"),
        Index("idx_payment_transactions_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    subscription_id: Mapped[str | None] = mapped_column(ForeignKey("subscriptions.id", ondelete="SET NULL"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_charge_id: Mapped[str | None]
    transaction_type: Mapped[str]
    amount_cents: Mapped[int]
    currency: Mapped[str | None] = mapped_column(server_default=text("'USD'"))
    status: Mapped[str]
    payment_method: Mapped[str | None]
    description: Mapped[str | None] = mapped_column(Personal("log"))
    details: Mapped[Any | None] = mapped_column("metadata", Json(personal=True))
    failure_reason: Mapped[str | None] = mapped_column(Personal("log"))
    refund_amount_cents: Mapped[int | None]
    refunded_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    user: Mapped["User"] = relationship("User", foreign_keys="Payment.user_id", lazy="raise_on_sql")
    subscription: Mapped["Subscription"] = relationship(
        "Subscription", foreign_keys="Payment.subscription_id", lazy="raise_on_sql"
    )


class AiCredit(Base):
    """One movement of the AI credits of a couple, with the balance after it."""

    __tablename__ = "ai_credits"
    __table_args__ = (
        CheckConstraint("transaction_type IN ('purchase', 'grant', 'usage', 'expiration', 'refund')"),
        Index("idx_ai_credits_created", "created_at"),
        Index("idx_ai_credits_relationship", "relationship_id"),
        Index("idx_ai_credits_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    transaction_type: Mapped[str]
    credits_amount: Mapped[int]
    credits_balance: Mapped[int]
    purchase_price_cents: Mapped[int | None]
    usage_description: Mapped[str | None] = mapped_column(Personal("text"))
    stripe_payment_id: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Addon(Base):
    """An add-on of the price list."""

    __tablename__ = "subscription_addons"
    __table_args__ = (
        CheckConstraint(
            "addon_type IN ('surprise_box', 'coaching', 'calendar_features', 'analytics', 'customization', 'content')"
        ),
        CheckConstraint("billing_period IN ('one_time', 'monthly', 'annual')"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    addon_name: Mapped[str]
    addon_type: Mapped[str]
    description: Mapped[str | None]
    price_cents: Mapped[int]
    billing_period: Mapped[str | None]
    stripe_price_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_product_id: Mapped[str | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=YES)
    features: Mapped[Any | None] = mapped_column(Json())
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class UserAddon(Base):
    """An add-on that a couple bought."""

    __tablename__ = "user_addons"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'canceled', 'paused')"),
        Index("idx_user_addons_relationship", "relationship_id"),
        Index("idx_user_addons_status", "status"),
        Index("idx_user_addons_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    addon_id: Mapped[str] = mapped_column(ForeignKey("subscription_addons.id"))
    stripe_subscription_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    price_cents: Mapped[int]
    billing_period: Mapped[str | None]
    purchase_date: Mapped[datetime]
    expiration_date: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    addon: Mapped["Addon"] = relationship("Addon", foreign_keys="UserAddon.addon_id", lazy="raise_on_sql")


class StripeWebhook(Base):
    """One event as Stripe delivered it."""

    __tablename__ = "stripe_webhooks"
    __table_args__ = (
        Index("idx_stripe_webhooks_event_id", "event_id"),
        Index("idx_stripe_webhooks_event_type", "event_type"),
        Index("idx_stripe_webhooks_processed", "processed"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    event_type: Mapped[str]
    event_data: Mapped[Any] = mapped_column(Json(personal=True), nullable=False)
    processed: Mapped[bool | None] = mapped_column(server_default=NO)
    processed_at: Mapped[datetime | None]
    error_message: Mapped[str | None] = mapped_column(Personal("log"))
    retry_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Refund(Base):
    """Money asked back for a payment.

    `processed` means that Stripe said `succeeded`; what happens in between lives in our operation.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'approved', 'denied', 'processed')"),
        Index("idx_refunds_status", "status"),
        Index("idx_refunds_transaction", "transaction_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    transaction_id: Mapped[str] = mapped_column(ForeignKey("payment_transactions.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    refund_amount_cents: Mapped[int]
    refund_reason: Mapped[str | None] = mapped_column(Personal("log"))
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    stripe_refund_id: Mapped[str | None]
    requested_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    processed_at: Mapped[datetime | None]
    processed_by: Mapped[str | None]
    notes: Mapped[str | None] = mapped_column(Personal("log"))
    payment: Mapped["Payment"] = relationship(
        "Payment", foreign_keys="Refund.transaction_id", lazy="raise_on_sql"
    )
    user: Mapped["User"] = relationship("User", foreign_keys="Refund.user_id", lazy="raise_on_sql")


class DiscountCode(Base):
    """A code that takes something off the price."""

    __tablename__ = "discount_codes"
    __table_args__ = (
        CheckConstraint("applies_to IN ('all', 'subscription', 'credits', 'addons')"),
        CheckConstraint("discount_type IN ('percentage', 'fixed_amount', 'trial_extension')"),
        Index("idx_discount_codes_active", "is_active"),
        Index("idx_discount_codes_code", "code"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    code: Mapped[str] = mapped_column(unique=True)
    discount_type: Mapped[str]
    discount_value: Mapped[int]
    applies_to: Mapped[str | None]
    max_uses: Mapped[int | None]
    current_uses: Mapped[int | None] = mapped_column(server_default=text("0"))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    stripe_coupon_id: Mapped[str | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=YES)
    created_by: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class DiscountUsage(Base):
    """One redemption of a code."""

    __tablename__ = "discount_usage"
    __table_args__ = (
        Index("idx_discount_usage_discount", "discount_id"),
        Index("idx_discount_usage_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    discount_id: Mapped[str] = mapped_column(ForeignKey("discount_codes.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    transaction_id: Mapped[str | None] = mapped_column(
        ForeignKey("payment_transactions.id", ondelete="SET NULL")
    )
    discount_amount_cents: Mapped[int]
    used_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    discount: Mapped["DiscountCode"] = relationship(
        "DiscountCode", foreign_keys="DiscountUsage.discount_id", lazy="raise_on_sql"
    )
