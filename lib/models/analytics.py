"""Tables of production revision 0003: events, sessions, tests, roll-ups, errors."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DECIMAL, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lib.models.base import NO, NOW, YES, Base
from lib.models.types import Json, Personal, TotalCents


class AnalyticsEvent(Base):
    """Something that happened in the app."""

    __tablename__ = "analytics_events"
    __table_args__ = (
        CheckConstraint("device_type IN ('desktop', 'mobile', 'tablet', 'unknown')"),
        CheckConstraint(
            "event_category IN ('user_action', 'feature_usage', 'conversion', 'engagement', 'system', 'error', 'payment', 'partner')"
        ),
        Index("idx_analytics_events_category", "event_category"),
        Index("idx_analytics_events_created", "created_at"),
        Index("idx_analytics_events_name", "event_name"),
        Index("idx_analytics_events_relationship", "relationship_id"),
        Index("idx_analytics_events_session", "session_id"),
        Index("idx_analytics_events_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    event_name: Mapped[str]
    event_category: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    session_id: Mapped[str | None]
    event_data: Mapped[Any | None] = mapped_column(Json(personal=True))
    page_url: Mapped[str | None]
    referrer_url: Mapped[str | None]
    device_type: Mapped[str | None]
    browser: Mapped[str | None]
    os: Mapped[str | None]
    ip_address: Mapped[str | None] = mapped_column(Personal("ip"))
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class PageView(Base):
    """A page that was looked at."""

    __tablename__ = "page_views"
    __table_args__ = (
        Index("idx_page_views_created", "created_at"),
        Index("idx_page_views_path", "page_path"),
        Index("idx_page_views_session", "session_id"),
        Index("idx_page_views_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    session_id: Mapped[str]
    page_path: Mapped[str]
    page_title: Mapped[str | None]
    referrer: Mapped[str | None]
    duration_seconds: Mapped[int | None]
    bounce: Mapped[bool | None] = mapped_column(server_default=NO)
    device_type: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class UserSession(Base):
    """One visit."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        Index("idx_user_sessions_converted", "converted"),
        Index("idx_user_sessions_relationship", "relationship_id"),
        Index("idx_user_sessions_start", "session_start"),
        Index("idx_user_sessions_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    session_start: Mapped[datetime]
    session_end: Mapped[datetime | None]
    duration_seconds: Mapped[int | None]
    pages_viewed: Mapped[int | None] = mapped_column(server_default=text("0"))
    events_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    device_type: Mapped[str | None]
    browser: Mapped[str | None]
    os: Mapped[str | None]
    ip_address: Mapped[str | None] = mapped_column(Personal("ip"))
    entry_page: Mapped[str | None]
    exit_page: Mapped[str | None]
    converted: Mapped[bool | None] = mapped_column(server_default=NO)
    conversion_value_cents: Mapped[int | None]


class FeatureUsage(Base):
    """The app's own daily roll-up per feature."""

    __tablename__ = "feature_usage_metrics"
    __table_args__ = (
        UniqueConstraint("feature_name", "metric_date"),
        Index("idx_feature_usage_metrics_date", "metric_date"),
        Index("idx_feature_usage_metrics_feature", "feature_name"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    feature_name: Mapped[str]
    metric_date: Mapped[date]
    total_users: Mapped[int | None] = mapped_column(server_default=text("0"))
    new_users: Mapped[int | None] = mapped_column(server_default=text("0"))
    active_users: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_interactions: Mapped[int | None] = mapped_column(server_default=text("0"))
    average_time_spent_seconds: Mapped[float | None] = mapped_column(DECIMAL(10, 2, asdecimal=False))
    completion_rate: Mapped[float | None] = mapped_column(DECIMAL(5, 2, asdecimal=False))
    satisfaction_score: Mapped[float | None] = mapped_column(DECIMAL(3, 2, asdecimal=False))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class FunnelStep(Base):
    """One step of one visitor through a funnel."""

    __tablename__ = "conversion_funnels"
    __table_args__ = (
        Index("idx_conversion_funnels_funnel", "funnel_name"),
        Index("idx_conversion_funnels_session", "session_id"),
        Index("idx_conversion_funnels_step", "step_order"),
        Index("idx_conversion_funnels_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    funnel_name: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    session_id: Mapped[str | None]
    step_name: Mapped[str]
    step_order: Mapped[int]
    completed: Mapped[bool | None] = mapped_column(server_default=NO)
    dropped_off: Mapped[bool | None] = mapped_column(server_default=NO)
    time_to_complete_seconds: Mapped[int | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Variant(Base):
    """One arm of an A/B test."""

    __tablename__ = "ab_test_variants"
    __table_args__ = (
        UniqueConstraint("test_name", "variant_name"),
        CheckConstraint("traffic_percentage BETWEEN 0 AND 100"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    test_name: Mapped[str]
    variant_name: Mapped[str]
    description: Mapped[str | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=YES)
    traffic_percentage: Mapped[int | None] = mapped_column(server_default=text("50"))
    start_date: Mapped[datetime]
    end_date: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Assignment(Base):
    """A person or a couple put into an arm."""

    __tablename__ = "ab_test_assignments"
    __table_args__ = (
        Index("idx_ab_test_assignments_converted", "converted"),
        Index("idx_ab_test_assignments_test", "test_name"),
        Index("idx_ab_test_assignments_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    test_name: Mapped[str]
    variant_id: Mapped[str] = mapped_column(ForeignKey("ab_test_variants.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    session_id: Mapped[str | None]
    assigned_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    converted: Mapped[bool | None] = mapped_column(server_default=NO)
    conversion_value_cents: Mapped[int | None]
    variant: Mapped["Variant"] = relationship(
        "Variant", foreign_keys="Assignment.variant_id", lazy="raise_on_sql"
    )


class RevenueDay(Base):
    """The app's own daily roll-up of revenue."""

    __tablename__ = "revenue_analytics"
    __table_args__ = (Index("idx_revenue_analytics_date", "analytics_date"),)

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    analytics_date: Mapped[date] = mapped_column(unique=True)
    subscription_revenue_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    credits_revenue_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    addons_revenue_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    gift_revenue_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    total_revenue_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    new_subscriptions: Mapped[int | None] = mapped_column(server_default=text("0"))
    canceled_subscriptions: Mapped[int | None] = mapped_column(server_default=text("0"))
    refunds_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    mrr_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    arr_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class CohortMember(Base):
    """A person in a cohort."""

    __tablename__ = "user_cohorts"
    __table_args__ = (
        CheckConstraint("joined_via IN ('organic', 'referral', 'paid_ad', 'social', 'partner', 'gift')"),
        Index("idx_user_cohorts_active", "is_active"),
        Index("idx_user_cohorts_date", "cohort_date"),
        Index("idx_user_cohorts_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    cohort_name: Mapped[str]
    cohort_date: Mapped[date]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    joined_via: Mapped[str | None]
    first_subscription_date: Mapped[date | None]
    total_revenue_cents: Mapped[int | None] = mapped_column(server_default=text("0"))
    is_active: Mapped[bool | None] = mapped_column(server_default=YES)
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class EngagementScore(Base):
    """The app's own daily score per person."""

    __tablename__ = "engagement_scores"
    __table_args__ = (
        UniqueConstraint("user_id", "score_date"),
        CheckConstraint("engagement_score BETWEEN 0 AND 100"),
        Index("idx_engagement_scores_date", "score_date"),
        Index("idx_engagement_scores_relationship", "relationship_id"),
        Index("idx_engagement_scores_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    score_date: Mapped[date]
    engagement_score: Mapped[int | None]
    checkin_completed: Mapped[bool | None] = mapped_column(server_default=NO)
    activities_logged: Mapped[int | None] = mapped_column(server_default=text("0"))
    messages_sent: Mapped[int | None] = mapped_column(server_default=text("0"))
    features_used: Mapped[int | None] = mapped_column(server_default=text("0"))
    session_duration_seconds: Mapped[int | None] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class PartnerDay(Base):
    """One day of one partner business."""

    __tablename__ = "partner_analytics"
    __table_args__ = (
        UniqueConstraint("partner_name", "analytics_date"),
        Index("idx_partner_analytics_date", "analytics_date"),
        Index("idx_partner_analytics_partner", "partner_name"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    partner_name: Mapped[str]
    partner_category: Mapped[str]
    analytics_date: Mapped[date]
    total_bookings: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_revenue_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    commission_cents: Mapped[int | None] = mapped_column(TotalCents, server_default=text("0"))
    average_rating: Mapped[float | None] = mapped_column(DECIMAL(3, 2, asdecimal=False))
    repeat_bookings: Mapped[int | None] = mapped_column(server_default=text("0"))
    cancellations: Mapped[int | None] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class ErrorLog(Base):
    """An error that the app noted."""

    __tablename__ = "error_logs"
    __table_args__ = (
        CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')"),
        Index("idx_error_logs_created", "created_at"),
        Index("idx_error_logs_resolved", "resolved"),
        Index("idx_error_logs_severity", "severity"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    error_type: Mapped[str]
    error_message: Mapped[str] = mapped_column(Personal("log"))
    stack_trace: Mapped[str | None] = mapped_column(Personal("log"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="SET NULL"))
    session_id: Mapped[str | None]
    page_url: Mapped[str | None]
    user_agent: Mapped[str | None]
    severity: Mapped[str | None]
    resolved: Mapped[bool | None] = mapped_column(server_default=NO)
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class EmailCampaign(Base):
    """What became of one e-mail campaign."""

    __tablename__ = "email_campaign_analytics"
    __table_args__ = (
        CheckConstraint(
            "campaign_type IN ('welcome', 'engagement', 'retention', 'promotional', 'transactional')"
        ),
        Index("idx_email_campaign_analytics_date", "sent_date"),
        Index("idx_email_campaign_analytics_name", "campaign_name"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    campaign_name: Mapped[str]
    campaign_type: Mapped[str | None]
    sent_date: Mapped[date]
    total_sent: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_delivered: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_opened: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_clicked: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_bounced: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_unsubscribed: Mapped[int | None] = mapped_column(server_default=text("0"))
    open_rate: Mapped[float | None] = mapped_column(DECIMAL(5, 2, asdecimal=False))
    click_rate: Mapped[float | None] = mapped_column(DECIMAL(5, 2, asdecimal=False))
    conversion_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    conversion_value_cents: Mapped[int | None] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
