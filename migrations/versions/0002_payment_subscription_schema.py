"""Production revision 0002: payment subscription schema.

The app created these tables; here they are made for a database of our own.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Json, Moment
from migrations.guards import refuse_when_filled

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOW = sa.text("CURRENT_TIMESTAMP")
YES, NO = sa.text("TRUE"), sa.text("FALSE")

TABLES = (
    "subscription_plans",
    "subscriptions",
    "payment_transactions",
    "ai_credits",
    "subscription_addons",
    "user_addons",
    "stripe_webhooks",
    "refunds",
    "discount_codes",
    "discount_usage",
)


def upgrade() -> None:
    op.create_table(
        "subscription_plans",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("plan_name", sa.Text(), nullable=False),
        sa.Column("plan_type", sa.Text(), nullable=False),
        sa.Column("billing_period", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("price_display", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'USD'")),
        sa.Column("stripe_price_id", sa.Text(), unique=True),
        sa.Column("stripe_product_id", sa.Text()),
        sa.Column("features", Json()),
        sa.Column("is_active", sa.Boolean(), server_default=YES),
        sa.Column("sort_order", sa.Integer(), server_default=sa.text("0")),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.CheckConstraint("billing_period IN ('monthly', 'annual')"),
        sa.CheckConstraint("plan_type IN ('try_it_out', 'better_together', 'premium_plus', 'custom')"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("plan_id", sa.Text(), sa.ForeignKey("subscription_plans.id"), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("stripe_customer_id", sa.Text()),
        sa.Column("stripe_subscription_id", sa.Text(), unique=True),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'active'")),
        sa.Column("billing_period", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'USD'")),
        sa.Column("trial_end_date", Moment()),
        sa.Column("current_period_start", Moment(), nullable=False),
        sa.Column("current_period_end", Moment(), nullable=False),
        sa.Column("canceled_at", Moment()),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("is_gift", sa.Boolean(), server_default=NO),
        sa.Column("gift_from_user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("gift_message", sa.Text()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.CheckConstraint("billing_period IN ('monthly', 'annual')"),
        sa.CheckConstraint(
            "status IN ('active', 'past_due', 'canceled', 'trialing', 'paused', 'incomplete')"
        ),
    )
    op.create_index("idx_subscriptions_period_end", "subscriptions", ["current_period_end"])
    op.create_index("idx_subscriptions_relationship", "subscriptions", ["relationship_id"])
    op.create_index("idx_subscriptions_status", "subscriptions", ["status"])
    op.create_index("idx_subscriptions_stripe_customer", "subscriptions", ["stripe_customer_id"])
    op.create_index("idx_subscriptions_stripe_subscription", "subscriptions", ["stripe_subscription_id"])
    op.create_index("idx_subscriptions_user", "subscriptions", ["user_id"])
    op.create_table(
        "payment_transactions",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("subscription_id", sa.Text(), sa.ForeignKey("subscriptions.id", ondelete="SET NULL")),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("stripe_payment_intent_id", sa.Text(), unique=True),
        sa.Column("stripe_charge_id", sa.Text()),
        sa.Column("transaction_type", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'USD'")),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("metadata", Json()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("refund_amount_cents", sa.Integer()),
        sa.Column("refunded_at", Moment()),
        sa.Column("processed_at", Moment()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("payment_method IN ('card', 'bank_account', 'apple_pay', 'google_pay')"),
        sa.CheckConstraint("status IN ('succeeded', 'pending', 'failed', 'refunded', 'canceled')"),
        sa.CheckConstraint(
            "transaction_type IN ('subscription', 'credits', 'add_on', 'gift', 'box', 'coaching', 'refund')"
        ),
    )
    op.create_index("idx_payment_transactions_created", "payment_transactions", ["created_at"])
    op.create_index("idx_payment_transactions_relationship", "payment_transactions", ["relationship_id"])
    op.create_index("idx_payment_transactions_status", "payment_transactions", ["status"])
    op.create_index(
        "idx_payment_transactions_stripe_intent", "payment_transactions", ["stripe_payment_intent_id"]
    )
    op.create_index("idx_payment_transactions_subscription", "payment_transactions", ["subscription_id"])
    op.create_index("idx_payment_transactions_type", "payment_transactions", ["transaction_type"])
    op.create_index("idx_payment_transactions_user", "payment_transactions", ["user_id"])
    op.create_table(
        "ai_credits",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("transaction_type", sa.Text(), nullable=False),
        sa.Column("credits_amount", sa.Integer(), nullable=False),
        sa.Column("credits_balance", sa.Integer(), nullable=False),
        sa.Column("purchase_price_cents", sa.Integer()),
        sa.Column("usage_description", sa.Text()),
        sa.Column("stripe_payment_id", sa.Text()),
        sa.Column("expires_at", Moment()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("transaction_type IN ('purchase', 'grant', 'usage', 'expiration', 'refund')"),
    )
    op.create_index("idx_ai_credits_created", "ai_credits", ["created_at"])
    op.create_index("idx_ai_credits_relationship", "ai_credits", ["relationship_id"])
    op.create_index("idx_ai_credits_user", "ai_credits", ["user_id"])
    op.create_table(
        "subscription_addons",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("addon_name", sa.Text(), nullable=False),
        sa.Column("addon_type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("billing_period", sa.Text()),
        sa.Column("stripe_price_id", sa.Text(), unique=True),
        sa.Column("stripe_product_id", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=YES),
        sa.Column("features", Json()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "addon_type IN ('surprise_box', 'coaching', 'calendar_features', 'analytics', 'customization', 'content')"
        ),
        sa.CheckConstraint("billing_period IN ('one_time', 'monthly', 'annual')"),
    )
    op.create_table(
        "user_addons",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("addon_id", sa.Text(), sa.ForeignKey("subscription_addons.id"), nullable=False),
        sa.Column("stripe_subscription_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'active'")),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("billing_period", sa.Text()),
        sa.Column("purchase_date", Moment(), nullable=False),
        sa.Column("expiration_date", Moment()),
        sa.Column("canceled_at", Moment()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.CheckConstraint("status IN ('active', 'canceled', 'paused')"),
    )
    op.create_index("idx_user_addons_relationship", "user_addons", ["relationship_id"])
    op.create_index("idx_user_addons_status", "user_addons", ["status"])
    op.create_index("idx_user_addons_user", "user_addons", ["user_id"])
    op.create_table(
        "stripe_webhooks",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("event_id", sa.Text(), nullable=False, unique=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("event_data", Json(), nullable=False),
        sa.Column("processed", sa.Boolean(), server_default=NO),
        sa.Column("processed_at", Moment()),
        sa.Column("error_message", sa.Text()),
        sa.Column("retry_count", sa.Integer(), server_default=sa.text("0")),
        sa.Column("created_at", Moment(), server_default=NOW),
    )
    op.create_index("idx_stripe_webhooks_event_id", "stripe_webhooks", ["event_id"])
    op.create_index("idx_stripe_webhooks_event_type", "stripe_webhooks", ["event_type"])
    op.create_index("idx_stripe_webhooks_processed", "stripe_webhooks", ["processed"])
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("transaction_id", sa.Text(), sa.ForeignKey("payment_transactions.id"), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("refund_amount_cents", sa.Integer(), nullable=False),
        sa.Column("refund_reason", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'pending'")),
        sa.Column("stripe_refund_id", sa.Text()),
        sa.Column("requested_at", Moment(), server_default=NOW),
        sa.Column("processed_at", Moment()),
        sa.Column("processed_by", sa.Text()),
        sa.Column("notes", sa.Text()),
        sa.CheckConstraint("status IN ('pending', 'approved', 'denied', 'processed')"),
    )
    op.create_index("idx_refunds_status", "refunds", ["status"])
    op.create_index("idx_refunds_transaction", "refunds", ["transaction_id"])
    op.create_table(
        "discount_codes",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("code", sa.Text(), nullable=False, unique=True),
        sa.Column("discount_type", sa.Text(), nullable=False),
        sa.Column("discount_value", sa.Integer(), nullable=False),
        sa.Column("applies_to", sa.Text()),
        sa.Column("max_uses", sa.Integer()),
        sa.Column("current_uses", sa.Integer(), server_default=sa.text("0")),
        sa.Column("valid_from", Moment(), nullable=False),
        sa.Column("valid_until", Moment(), nullable=False),
        sa.Column("stripe_coupon_id", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=YES),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("applies_to IN ('all', 'subscription', 'credits', 'addons')"),
        sa.CheckConstraint("discount_type IN ('percentage', 'fixed_amount', 'trial_extension')"),
    )
    op.create_index("idx_discount_codes_active", "discount_codes", ["is_active"])
    op.create_index("idx_discount_codes_code", "discount_codes", ["code"])
    op.create_table(
        "discount_usage",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("discount_id", sa.Text(), sa.ForeignKey("discount_codes.id"), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("transaction_id", sa.Text(), sa.ForeignKey("payment_transactions.id", ondelete="SET NULL")),
        sa.Column("discount_amount_cents", sa.Integer(), nullable=False),
        sa.Column("used_at", Moment(), server_default=NOW),
    )
    op.create_index("idx_discount_usage_discount", "discount_usage", ["discount_id"])
    op.create_index("idx_discount_usage_user", "discount_usage", ["user_id"])


def downgrade() -> None:
    refuse_when_filled(TABLES)
    for table in reversed(TABLES):
        op.drop_table(table)
