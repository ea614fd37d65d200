"""Tables of production revision 0001: people, couples, and what they do together."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DECIMAL, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lib.models.base import NO, NOW, YES, Base
from lib.models.types import Json, Personal


class User(Base):
    """A person with an account."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(
            "love_language_primary IN ('words_of_affirmation', 'quality_time', 'physical_touch', 'acts_of_service', 'receiving_gifts')"
        ),
        CheckConstraint(
            "love_language_secondary IN ('words_of_affirmation', 'quality_time', 'physical_touch', 'acts_of_service', 'receiving_gifts')"
        ),
        Index("idx_users_email", "email"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    email: Mapped[str] = mapped_column(Personal("email"), unique=True)
    name: Mapped[str] = mapped_column(Personal("name"))
    nickname: Mapped[str | None] = mapped_column(Personal("name"))
    profile_photo_url: Mapped[str | None] = mapped_column(Personal("url"))
    phone_number: Mapped[str | None] = mapped_column(Personal("phone"))
    timezone: Mapped[str | None] = mapped_column(server_default=text("'UTC'"))
    love_language_primary: Mapped[str | None]
    love_language_secondary: Mapped[str | None]
    relationship_preferences: Mapped[Any | None] = mapped_column(Json(personal=True))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    last_active_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Relationship(Base):
    """A couple: the account that subscribes. (A, B), (B, A) and even (A, A) occur."""

    __tablename__ = "relationships"
    __table_args__ = (
        UniqueConstraint("user_1_id", "user_2_id"),
        CheckConstraint("privacy_level IN ('private', 'friends', 'public')"),
        CheckConstraint("relationship_type IN ('dating', 'engaged', 'married', 'partnership')"),
        CheckConstraint("status IN ('active', 'paused', 'ended')"),
        Index("idx_relationships_status", "status"),
        Index("idx_relationships_users", "user_1_id", "user_2_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    user_1_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_2_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_type: Mapped[str | None] = mapped_column(server_default=text("'dating'"))
    start_date: Mapped[date | None]
    anniversary_date: Mapped[date | None]
    status: Mapped[str | None] = mapped_column(server_default=text("'active'"))
    privacy_level: Mapped[str | None] = mapped_column(server_default=text("'private'"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    partner_1: Mapped["User"] = relationship(
        "User", foreign_keys="Relationship.user_1_id", lazy="raise_on_sql"
    )
    partner_2: Mapped["User"] = relationship(
        "User", foreign_keys="Relationship.user_2_id", lazy="raise_on_sql"
    )


class ImportantDate(Base):
    """A date that a couple wants to remember."""

    __tablename__ = "important_dates"
    __table_args__ = (
        CheckConstraint("event_type IN ('anniversary', 'milestone', 'birthday', 'holiday', 'custom')"),
        Index("idx_important_dates_date", "date_value"),
        Index("idx_important_dates_relationship", "relationship_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    date_value: Mapped[date]
    event_name: Mapped[str] = mapped_column(Personal("text"))
    event_type: Mapped[str | None]
    description: Mapped[str | None] = mapped_column(Personal("text"))
    is_recurring: Mapped[bool | None] = mapped_column(server_default=NO)
    recurrence_pattern: Mapped[str | None]
    reminder_days_before: Mapped[int | None] = mapped_column(server_default=text("7"))
    created_by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class SharedGoal(Base):
    """Something a couple works towards together."""

    __tablename__ = "shared_goals"
    __table_args__ = (
        CheckConstraint("goal_type IN ('weekly', 'monthly', 'milestone', 'custom')"),
        CheckConstraint("status IN ('active', 'completed', 'paused', 'cancelled')"),
        Index("idx_shared_goals_relationship", "relationship_id"),
        Index("idx_shared_goals_status", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    goal_name: Mapped[str] = mapped_column(Personal("text"))
    goal_description: Mapped[str | None] = mapped_column(Personal("text"))
    goal_type: Mapped[str | None]
    target_count: Mapped[int | None]
    current_progress: Mapped[int | None] = mapped_column(server_default=text("0"))
    status: Mapped[str | None] = mapped_column(server_default=text("'active'"))
    start_date: Mapped[date | None]
    target_date: Mapped[date | None]
    completion_date: Mapped[date | None]
    created_by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class DailyCheckin(Base):
    """One partner's answers for one day."""

    __tablename__ = "daily_checkins"
    __table_args__ = (
        UniqueConstraint("relationship_id", "user_id", "checkin_date"),
        CheckConstraint("connection_score BETWEEN 1 AND 10"),
        CheckConstraint("mood_score BETWEEN 1 AND 10"),
        CheckConstraint("relationship_satisfaction BETWEEN 1 AND 10"),
        Index("idx_daily_checkins_relationship_date", "relationship_id", "checkin_date"),
        Index("idx_daily_checkins_user_date", "user_id", "checkin_date"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    checkin_date: Mapped[date]
    connection_score: Mapped[int | None]
    mood_score: Mapped[int | None]
    relationship_satisfaction: Mapped[int | None]
    gratitude_note: Mapped[str | None] = mapped_column(Personal("text"))
    support_needed: Mapped[str | None] = mapped_column(Personal("text"))
    highlight_of_day: Mapped[str | None] = mapped_column(Personal("text"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Activity(Base):
    """Something a couple plans or did together."""

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint(
            "activity_type IN ('date_night', 'quality_time', 'adventure', 'relaxation', 'learning', 'exercise', 'social', 'custom')"
        ),
        CheckConstraint("satisfaction_rating_user1 BETWEEN 1 AND 10"),
        CheckConstraint("satisfaction_rating_user2 BETWEEN 1 AND 10"),
        CheckConstraint("status IN ('planned', 'completed', 'cancelled')"),
        Index("idx_activities_date", "planned_date"),
        Index("idx_activities_relationship", "relationship_id"),
        Index("idx_activities_status", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    activity_name: Mapped[str] = mapped_column(Personal("text"))
    activity_type: Mapped[str | None]
    description: Mapped[str | None] = mapped_column(Personal("text"))
    location: Mapped[str | None] = mapped_column(Personal("text"))
    planned_date: Mapped[datetime | None]
    completed_date: Mapped[datetime | None]
    duration_minutes: Mapped[int | None]
    cost_amount: Mapped[float | None] = mapped_column(DECIMAL(10, 2, asdecimal=False))
    satisfaction_rating_user1: Mapped[int | None]
    satisfaction_rating_user2: Mapped[int | None]
    notes: Mapped[str | None] = mapped_column(Personal("text"))
    photos: Mapped[Any | None] = mapped_column(Json(personal=True))
    status: Mapped[str | None] = mapped_column(server_default=text("'planned'"))
    created_by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Communication(Base):
    """A talk that a couple noted."""

    __tablename__ = "communication_log"
    __table_args__ = (
        CheckConstraint(
            "communication_type IN ('deep_talk', 'conflict_resolution', 'planning', 'appreciation', 'check_in', 'custom')"
        ),
        CheckConstraint("outcome IN ('positive', 'neutral', 'needs_follow_up')"),
        Index("idx_communication_log_date", "communication_date"),
        Index("idx_communication_log_relationship", "relationship_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    communication_type: Mapped[str | None]
    topic: Mapped[str | None] = mapped_column(Personal("text"))
    description: Mapped[str | None] = mapped_column(Personal("text"))
    outcome: Mapped[str | None]
    duration_minutes: Mapped[int | None]
    initiated_by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    communication_date: Mapped[datetime | None] = mapped_column(server_default=NOW)
    follow_up_needed: Mapped[bool | None] = mapped_column(server_default=NO)
    follow_up_date: Mapped[date | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Challenge(Base):
    """A challenge that couples may take up."""

    __tablename__ = "challenges"
    __table_args__ = (
        CheckConstraint(
            "category IN ('communication', 'intimacy', 'adventure', 'gratitude', 'quality_time', 'support')"
        ),
        CheckConstraint("challenge_type IN ('daily', 'weekly', 'monthly', 'milestone')"),
        CheckConstraint("difficulty_level IN ('beginner', 'intermediate', 'advanced')"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    challenge_name: Mapped[str]
    challenge_description: Mapped[str | None]
    challenge_type: Mapped[str | None]
    duration_days: Mapped[int | None]
    difficulty_level: Mapped[str | None]
    category: Mapped[str | None]
    instructions: Mapped[str | None]
    is_template: Mapped[bool | None] = mapped_column(server_default=YES)
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class ChallengeParticipation(Base):
    """A couple taking part in a challenge."""

    __tablename__ = "challenge_participation"
    __table_args__ = (
        UniqueConstraint("relationship_id", "challenge_id", "start_date"),
        CheckConstraint("progress_percentage BETWEEN 0 AND 100"),
        CheckConstraint("status IN ('active', 'completed', 'paused', 'abandoned')"),
        Index("idx_challenge_participation_relationship", "relationship_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id", ondelete="CASCADE"))
    start_date: Mapped[date]
    target_end_date: Mapped[date | None]
    actual_end_date: Mapped[date | None]
    status: Mapped[str | None] = mapped_column(server_default=text("'active'"))
    progress_percentage: Mapped[int | None] = mapped_column(server_default=text("0"))
    completion_notes: Mapped[str | None] = mapped_column(Personal("text"))
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    challenge: Mapped["Challenge"] = relationship(
        "Challenge", foreign_keys="ChallengeParticipation.challenge_id", lazy="raise_on_sql"
    )


class ChallengeEntry(Base):
    """One partner's entry for one day of a challenge."""

    __tablename__ = "challenge_entries"
    __table_args__ = (
        UniqueConstraint("participation_id", "user_id", "entry_date"),
        Index("idx_challenge_entries_participation", "participation_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    participation_id: Mapped[str] = mapped_column(
        ForeignKey("challenge_participation.id", ondelete="CASCADE")
    )
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    entry_date: Mapped[date]
    entry_content: Mapped[str | None] = mapped_column(Personal("text"))
    reflection: Mapped[str | None] = mapped_column(Personal("text"))
    completion_status: Mapped[bool | None] = mapped_column(server_default=NO)
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class Achievement(Base):
    """Something that can be earned."""

    __tablename__ = "achievements"
    __table_args__ = (
        CheckConstraint("achievement_type IN ('milestone', 'streak', 'completion', 'special')"),
        CheckConstraint("category IN ('communication', 'activities', 'goals', 'challenges', 'consistency')"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    achievement_name: Mapped[str]
    achievement_description: Mapped[str | None]
    achievement_type: Mapped[str | None]
    category: Mapped[str | None]
    icon_url: Mapped[str | None]
    requirements: Mapped[Any | None] = mapped_column(Json())
    point_value: Mapped[int | None] = mapped_column(server_default=text("0"))
    is_active: Mapped[bool | None] = mapped_column(server_default=YES)
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class UserAchievement(Base):
    """An achievement that a couple earned."""

    __tablename__ = "user_achievements"
    __table_args__ = (UniqueConstraint("relationship_id", "achievement_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    achievement_id: Mapped[str] = mapped_column(ForeignKey("achievements.id", ondelete="CASCADE"))
    earned_date: Mapped[datetime | None] = mapped_column(server_default=NOW)
    earned_by_user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    notes: Mapped[str | None] = mapped_column(Personal("text"))
    achievement: Mapped["Achievement"] = relationship(
        "Achievement", foreign_keys="UserAchievement.achievement_id", lazy="raise_on_sql"
    )


class Notification(Base):
    """A message that the app sent, or will send, to a person."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(
            "notification_type IN ('reminder', 'achievement', 'checkin', 'anniversary', 'goal_progress', 'partner_activity')"
        ),
        CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')"),
        Index("idx_notifications_unread", "user_id", "is_read"),
        Index("idx_notifications_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    relationship_id: Mapped[str | None] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    notification_type: Mapped[str | None]
    title: Mapped[str]
    message: Mapped[str] = mapped_column(Personal("text"))
    action_url: Mapped[str | None]
    is_read: Mapped[bool | None] = mapped_column(server_default=NO)
    priority: Mapped[str | None] = mapped_column(server_default=text("'normal'"))
    scheduled_for: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)


class RelationshipAnalytics(Base):
    """The app's own daily roll-up per couple."""

    __tablename__ = "relationship_analytics"
    __table_args__ = (
        UniqueConstraint("relationship_id", "analytics_date"),
        Index("idx_relationship_analytics_relationship_date", "relationship_id", "analytics_date"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, nullable=True)
    relationship_id: Mapped[str] = mapped_column(ForeignKey("relationships.id", ondelete="CASCADE"))
    analytics_date: Mapped[date]
    days_together: Mapped[int | None]
    average_connection_score: Mapped[float | None] = mapped_column(DECIMAL(3, 1, asdecimal=False))
    average_satisfaction_score: Mapped[float | None] = mapped_column(DECIMAL(3, 1, asdecimal=False))
    checkin_streak: Mapped[int | None]
    activities_completed_this_month: Mapped[int | None]
    goals_completed_this_month: Mapped[int | None]
    communication_frequency_score: Mapped[float | None] = mapped_column(DECIMAL(3, 1, asdecimal=False))
    overall_health_score: Mapped[float | None] = mapped_column(DECIMAL(3, 1, asdecimal=False))
    trends: Mapped[Any | None] = mapped_column(Json())
    created_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
