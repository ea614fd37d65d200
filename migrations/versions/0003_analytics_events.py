"""Production revision 0003: analytics events.

The app created these tables; here they are made for a database of our own.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Json, Moment, TotalCents
from migrations.guards import refuse_when_filled

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = sa.text("CURRENT_TIMESTAMP")
YES, NO = sa.text("TRUE"), sa.text("FALSE")

TABLES = (
    "analytics_events",
    "page_views",
    "user_sessions",
    "feature_usage_metrics",
    "conversion_funnels",
    "ab_test_variants",
    "ab_test_assignments",
    "revenue_analytics",
    "user_cohorts",
    "engagement_scores",
    "partner_analytics",
    "error_logs",
    "email_campaign_analytics",
)


def upgrade() -> None:
    op.create_table(
        "analytics_events",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("event_name", sa.Text(), nullable=False),
        sa.Column("event_category", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("session_id", sa.Text()),
        sa.Column("event_data", Json()),
        sa.Column("page_url", sa.Text()),
        sa.Column("referrer_url", sa.Text()),
        sa.Column("device_type", sa.Text()),
        sa.Column("browser", sa.Text()),
        sa.Column("os", sa.Text()),
        sa.Column("ip_address", sa.Text()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("device_type IN ('desktop', 'mobile', 'tablet', 'unknown')"),
        sa.CheckConstraint(
            "event_category IN ('user_action', 'feature_usage', 'conversion', 'engagement', 'system', 'error', 'payment', 'partner')"
        ),
    )
    op.create_index("idx_analytics_events_category", "analytics_events", ["event_category"])
    op.create_index("idx_analytics_events_created", "analytics_events", ["created_at"])
    op.create_index("idx_analytics_events_name", "analytics_events", ["event_name"])
    op.create_index("idx_analytics_events_relationship", "analytics_events", ["relationship_id"])
    op.create_index("idx_analytics_events_session", "analytics_events", ["session_id"])
    op.create_index("idx_analytics_events_user", "analytics_events", ["user_id"])
    op.create_table(
        "page_views",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("page_path", sa.Text(), nullable=False),
        sa.Column("page_title", sa.Text()),
        sa.Column("referrer", sa.Text()),
        sa.Column("duration_seconds", sa.Integer()),
        sa.Column("bounce", sa.Boolean(), server_default=NO),
        sa.Column("device_type", sa.Text()),
        sa.Column("created_at", Moment(), server_default=NOW),
    )
    op.create_index("idx_page_views_created", "page_views", ["created_at"])
    op.create_index("idx_page_views_path", "page_views", ["page_path"])
    op.create_index("idx_page_views_session", "page_views", ["session_id"])
    op.create_index("idx_page_views_user", "page_views", ["user_id"])
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("session_start", Moment(), nullable=False),
        sa.Column("session_end", Moment()),
        sa.Column("duration_seconds", sa.Integer()),
        sa.Column("pages_viewed", sa.Integer(), server_default=sa.text("0")),
        sa.Column("events_count", sa.Integer(), server_default=sa.text("0")),
        sa.Column("device_type", sa.Text()),
        sa.Column("browser", sa.Text()),
        sa.Column("os", sa.Text()),
        sa.Column("ip_address", sa.Text()),
        sa.Column("entry_page", sa.Text()),
        sa.Column("exit_page", sa.Text()),
        sa.Column("converted", sa.Boolean(), server_default=NO),
        sa.Column("conversion_value_cents", sa.Integer()),
    )
    op.create_index("idx_user_sessions_converted", "user_sessions", ["converted"])
    op.create_index("idx_user_sessions_relationship", "user_sessions", ["relationship_id"])
    op.create_index("idx_user_sessions_start", "user_sessions", ["session_start"])
    op.create_index("idx_user_sessions_user", "user_sessions", ["user_id"])
    op.create_table(
        "feature_usage_metrics",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("feature_name", sa.Text(), nullable=False),
        sa.Column("metric_date", Day(), nullable=False),
        sa.Column("total_users", sa.Integer(), server_default=sa.text("0")),
        sa.Column("new_users", sa.Integer(), server_default=sa.text("0")),
        sa.Column("active_users", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_interactions", sa.Integer(), server_default=sa.text("0")),
        sa.Column("average_time_spent_seconds", sa.DECIMAL(10, 2)),
        sa.Column("completion_rate", sa.DECIMAL(5, 2)),
        sa.Column("satisfaction_score", sa.DECIMAL(3, 2)),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("feature_name", "metric_date"),
    )
    op.create_index("idx_feature_usage_metrics_date", "feature_usage_metrics", ["metric_date"])
    op.create_index("idx_feature_usage_metrics_feature", "feature_usage_metrics", ["feature_name"])
    op.create_table(
        "conversion_funnels",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("funnel_name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("session_id", sa.Text()),
        sa.Column("step_name", sa.Text(), nullable=False),
        sa.Column("step_order", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Boolean(), server_default=NO),
        sa.Column("dropped_off", sa.Boolean(), server_default=NO),
        sa.Column("time_to_complete_seconds", sa.Integer()),
        sa.Column("created_at", Moment(), server_default=NOW),
    )
    op.create_index("idx_conversion_funnels_funnel", "conversion_funnels", ["funnel_name"])
    op.create_index("idx_conversion_funnels_session", "conversion_funnels", ["session_id"])
    op.create_index("idx_conversion_funnels_step", "conversion_funnels", ["step_order"])
    op.create_index("idx_conversion_funnels_user", "conversion_funnels", ["user_id"])
    op.create_table(
        "ab_test_variants",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("test_name", sa.Text(), nullable=False),
        sa.Column("variant_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=YES),
        sa.Column("traffic_percentage", sa.Integer(), server_default=sa.text("50")),
        sa.Column("start_date", Moment(), nullable=False),
        sa.Column("end_date", Moment()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("test_name", "variant_name"),
        sa.CheckConstraint("traffic_percentage BETWEEN 0 AND 100"),
    )
    op.create_table(
        "ab_test_assignments",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("test_name", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), sa.ForeignKey("ab_test_variants.id"), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("session_id", sa.Text()),
        sa.Column("assigned_at", Moment(), server_default=NOW),
        sa.Column("converted", sa.Boolean(), server_default=NO),
        sa.Column("conversion_value_cents", sa.Integer()),
    )
    op.create_index("idx_ab_test_assignments_converted", "ab_test_assignments", ["converted"])
    op.create_index("idx_ab_test_assignments_test", "ab_test_assignments", ["test_name"])
    op.create_index("idx_ab_test_assignments_user", "ab_test_assignments", ["user_id"])
    op.create_table(
        "revenue_analytics",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("analytics_date", Day(), nullable=False, unique=True),
        sa.Column("subscription_revenue_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("credits_revenue_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("addons_revenue_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("gift_revenue_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("total_revenue_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("new_subscriptions", sa.Integer(), server_default=sa.text("0")),
        sa.Column("canceled_subscriptions", sa.Integer(), server_default=sa.text("0")),
        sa.Column("refunds_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("mrr_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("arr_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("created_at", Moment(), server_default=NOW),
    )
    op.create_index("idx_revenue_analytics_date", "revenue_analytics", ["analytics_date"])
    op.create_table(
        "user_cohorts",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("cohort_name", sa.Text(), nullable=False),
        sa.Column("cohort_date", Day(), nullable=False),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("joined_via", sa.Text()),
        sa.Column("first_subscription_date", Day()),
        sa.Column("total_revenue_cents", sa.Integer(), server_default=sa.text("0")),
        sa.Column("is_active", sa.Boolean(), server_default=YES),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("joined_via IN ('organic', 'referral', 'paid_ad', 'social', 'partner', 'gift')"),
    )
    op.create_index("idx_user_cohorts_active", "user_cohorts", ["is_active"])
    op.create_index("idx_user_cohorts_date", "user_cohorts", ["cohort_date"])
    op.create_index("idx_user_cohorts_user", "user_cohorts", ["user_id"])
    op.create_table(
        "engagement_scores",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("score_date", Day(), nullable=False),
        sa.Column("engagement_score", sa.Integer()),
        sa.Column("checkin_completed", sa.Boolean(), server_default=NO),
        sa.Column("activities_logged", sa.Integer(), server_default=sa.text("0")),
        sa.Column("messages_sent", sa.Integer(), server_default=sa.text("0")),
        sa.Column("features_used", sa.Integer(), server_default=sa.text("0")),
        sa.Column("session_duration_seconds", sa.Integer(), server_default=sa.text("0")),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("user_id", "score_date"),
        sa.CheckConstraint("engagement_score BETWEEN 0 AND 100"),
    )
    op.create_index("idx_engagement_scores_date", "engagement_scores", ["score_date"])
    op.create_index("idx_engagement_scores_relationship", "engagement_scores", ["relationship_id"])
    op.create_index("idx_engagement_scores_user", "engagement_scores", ["user_id"])
    op.create_table(
        "partner_analytics",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("partner_name", sa.Text(), nullable=False),
        sa.Column("partner_category", sa.Text(), nullable=False),
        sa.Column("analytics_date", Day(), nullable=False),
        sa.Column("total_bookings", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_revenue_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("commission_cents", TotalCents, server_default=sa.text("0")),
        sa.Column("average_rating", sa.DECIMAL(3, 2)),
        sa.Column("repeat_bookings", sa.Integer(), server_default=sa.text("0")),
        sa.Column("cancellations", sa.Integer(), server_default=sa.text("0")),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("partner_name", "analytics_date"),
    )
    op.create_index("idx_partner_analytics_date", "partner_analytics", ["analytics_date"])
    op.create_index("idx_partner_analytics_partner", "partner_analytics", ["partner_name"])
    op.create_table(
        "error_logs",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("error_type", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("stack_trace", sa.Text()),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="SET NULL")),
        sa.Column("session_id", sa.Text()),
        sa.Column("page_url", sa.Text()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("severity", sa.Text()),
        sa.Column("resolved", sa.Boolean(), server_default=NO),
        sa.Column("resolved_at", Moment()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')"),
    )
    op.create_index("idx_error_logs_created", "error_logs", ["created_at"])
    op.create_index("idx_error_logs_resolved", "error_logs", ["resolved"])
    op.create_index("idx_error_logs_severity", "error_logs", ["severity"])
    op.create_table(
        "email_campaign_analytics",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("campaign_name", sa.Text(), nullable=False),
        sa.Column("campaign_type", sa.Text()),
        sa.Column("sent_date", Day(), nullable=False),
        sa.Column("total_sent", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_delivered", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_opened", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_clicked", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_bounced", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_unsubscribed", sa.Integer(), server_default=sa.text("0")),
        sa.Column("open_rate", sa.DECIMAL(5, 2)),
        sa.Column("click_rate", sa.DECIMAL(5, 2)),
        sa.Column("conversion_count", sa.Integer(), server_default=sa.text("0")),
        sa.Column("conversion_value_cents", sa.Integer(), server_default=sa.text("0")),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "campaign_type IN ('welcome', 'engagement', 'retention', 'promotional', 'transactional')"
        ),
    )
    op.create_index("idx_email_campaign_analytics_date", "email_campaign_analytics", ["sent_date"])
    op.create_index("idx_email_campaign_analytics_name", "email_campaign_analytics", ["campaign_name"])


def downgrade() -> None:
    refuse_when_filled(TABLES)
    for table in reversed(TABLES):
        op.drop_table(table)
