"""Production revision 0001: initial relationship schema.

The app created these tables; here they are made for a database of our own.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Json, Moment
from migrations.guards import refuse_when_filled

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.text("CURRENT_TIMESTAMP")
YES, NO = sa.text("TRUE"), sa.text("FALSE")

TABLES = (
    "users",
    "relationships",
    "important_dates",
    "shared_goals",
    "daily_checkins",
    "activities",
    "communication_log",
    "challenges",
    "challenge_participation",
    "challenge_entries",
    "achievements",
    "user_achievements",
    "notifications",
    "relationship_analytics",
)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("email", sa.Text(), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("nickname", sa.Text()),
        sa.Column("profile_photo_url", sa.Text()),
        sa.Column("phone_number", sa.Text()),
        sa.Column("timezone", sa.Text(), server_default=sa.text("'UTC'")),
        sa.Column("love_language_primary", sa.Text()),
        sa.Column("love_language_secondary", sa.Text()),
        sa.Column("relationship_preferences", Json()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.Column("last_active_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "love_language_primary IN ('words_of_affirmation', 'quality_time', 'physical_touch', 'acts_of_service', 'receiving_gifts')"
        ),
        sa.CheckConstraint(
            "love_language_secondary IN ('words_of_affirmation', 'quality_time', 'physical_touch', 'acts_of_service', 'receiving_gifts')"
        ),
    )
    op.create_index("idx_users_email", "users", ["email"])
    op.create_table(
        "relationships",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("user_1_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_2_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("relationship_type", sa.Text(), server_default=sa.text("'dating'")),
        sa.Column("start_date", Day()),
        sa.Column("anniversary_date", Day()),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'")),
        sa.Column("privacy_level", sa.Text(), server_default=sa.text("'private'")),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("user_1_id", "user_2_id"),
        sa.CheckConstraint("privacy_level IN ('private', 'friends', 'public')"),
        sa.CheckConstraint("relationship_type IN ('dating', 'engaged', 'married', 'partnership')"),
        sa.CheckConstraint("status IN ('active', 'paused', 'ended')"),
    )
    op.create_index("idx_relationships_status", "relationships", ["status"])
    op.create_index("idx_relationships_users", "relationships", ["user_1_id", "user_2_id"])
    op.create_table(
        "important_dates",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("date_value", Day(), nullable=False),
        sa.Column("event_name", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("is_recurring", sa.Boolean(), server_default=NO),
        sa.Column("recurrence_pattern", sa.Text()),
        sa.Column("reminder_days_before", sa.Integer(), server_default=sa.text("7")),
        sa.Column(
            "created_by_user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("event_type IN ('anniversary', 'milestone', 'birthday', 'holiday', 'custom')"),
    )
    op.create_index("idx_important_dates_date", "important_dates", ["date_value"])
    op.create_index("idx_important_dates_relationship", "important_dates", ["relationship_id"])
    op.create_table(
        "shared_goals",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("goal_name", sa.Text(), nullable=False),
        sa.Column("goal_description", sa.Text()),
        sa.Column("goal_type", sa.Text()),
        sa.Column("target_count", sa.Integer()),
        sa.Column("current_progress", sa.Integer(), server_default=sa.text("0")),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'")),
        sa.Column("start_date", Day()),
        sa.Column("target_date", Day()),
        sa.Column("completion_date", Day()),
        sa.Column(
            "created_by_user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.CheckConstraint("goal_type IN ('weekly', 'monthly', 'milestone', 'custom')"),
        sa.CheckConstraint("status IN ('active', 'completed', 'paused', 'cancelled')"),
    )
    op.create_index("idx_shared_goals_relationship", "shared_goals", ["relationship_id"])
    op.create_index("idx_shared_goals_status", "shared_goals", ["status"])
    op.create_table(
        "daily_checkins",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("checkin_date", Day(), nullable=False),
        sa.Column("connection_score", sa.Integer()),
        sa.Column("mood_score", sa.Integer()),
        sa.Column("relationship_satisfaction", sa.Integer()),
        sa.Column("gratitude_note", sa.Text()),
        sa.Column("support_needed", sa.Text()),
        sa.Column("highlight_of_day", sa.Text()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("relationship_id", "user_id", "checkin_date"),
        sa.CheckConstraint("connection_score BETWEEN 1 AND 10"),
        sa.CheckConstraint("mood_score BETWEEN 1 AND 10"),
        sa.CheckConstraint("relationship_satisfaction BETWEEN 1 AND 10"),
    )
    op.create_index(
        "idx_daily_checkins_relationship_date", "daily_checkins", ["relationship_id", "checkin_date"]
    )
    op.create_index("idx_daily_checkins_user_date", "daily_checkins", ["user_id", "checkin_date"])
    op.create_table(
        "activities",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("activity_name", sa.Text(), nullable=False),
        sa.Column("activity_type", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("location", sa.Text()),
        sa.Column("planned_date", Moment()),
        sa.Column("completed_date", Moment()),
        sa.Column("duration_minutes", sa.Integer()),
        sa.Column("cost_amount", sa.DECIMAL(10, 2)),
        sa.Column("satisfaction_rating_user1", sa.Integer()),
        sa.Column("satisfaction_rating_user2", sa.Integer()),
        sa.Column("notes", sa.Text()),
        sa.Column("photos", Json()),
        sa.Column("status", sa.Text(), server_default=sa.text("'planned'")),
        sa.Column(
            "created_by_user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "activity_type IN ('date_night', 'quality_time', 'adventure', 'relaxation', 'learning', 'exercise', 'social', 'custom')"
        ),
        sa.CheckConstraint("satisfaction_rating_user1 BETWEEN 1 AND 10"),
        sa.CheckConstraint("satisfaction_rating_user2 BETWEEN 1 AND 10"),
        sa.CheckConstraint("status IN ('planned', 'completed', 'cancelled')"),
    )
    op.create_index("idx_activities_date", "activities", ["planned_date"])
    op.create_index("idx_activities_relationship", "activities", ["relationship_id"])
    op.create_index("idx_activities_status", "activities", ["status"])
    op.create_table(
        "communication_log",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("communication_type", sa.Text()),
        sa.Column("topic", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("duration_minutes", sa.Integer()),
        sa.Column(
            "initiated_by_user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("communication_date", Moment(), server_default=NOW),
        sa.Column("follow_up_needed", sa.Boolean(), server_default=NO),
        sa.Column("follow_up_date", Day()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "communication_type IN ('deep_talk', 'conflict_resolution', 'planning', 'appreciation', 'check_in', 'custom')"
        ),
        sa.CheckConstraint("outcome IN ('positive', 'neutral', 'needs_follow_up')"),
    )
    op.create_index("idx_communication_log_date", "communication_log", ["communication_date"])
    op.create_index("idx_communication_log_relationship", "communication_log", ["relationship_id"])
    op.create_table(
        "challenges",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("challenge_name", sa.Text(), nullable=False),
        sa.Column("challenge_description", sa.Text()),
        sa.Column("challenge_type", sa.Text()),
        sa.Column("duration_days", sa.Integer()),
        sa.Column("difficulty_level", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("instructions", sa.Text()),
        sa.Column("is_template", sa.Boolean(), server_default=YES),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "category IN ('communication', 'intimacy', 'adventure', 'gratitude', 'quality_time', 'support')"
        ),
        sa.CheckConstraint("challenge_type IN ('daily', 'weekly', 'monthly', 'milestone')"),
        sa.CheckConstraint("difficulty_level IN ('beginner', 'intermediate', 'advanced')"),
    )
    op.create_table(
        "challenge_participation",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "challenge_id", sa.Text(), sa.ForeignKey("challenges.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("start_date", Day(), nullable=False),
        sa.Column("target_end_date", Day()),
        sa.Column("actual_end_date", Day()),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'")),
        sa.Column("progress_percentage", sa.Integer(), server_default=sa.text("0")),
        sa.Column("completion_notes", sa.Text()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.Column("updated_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("relationship_id", "challenge_id", "start_date"),
        sa.CheckConstraint("progress_percentage BETWEEN 0 AND 100"),
        sa.CheckConstraint("status IN ('active', 'completed', 'paused', 'abandoned')"),
    )
    op.create_index(
        "idx_challenge_participation_relationship", "challenge_participation", ["relationship_id"]
    )
    op.create_table(
        "challenge_entries",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "participation_id",
            sa.Text(),
            sa.ForeignKey("challenge_participation.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("entry_date", Day(), nullable=False),
        sa.Column("entry_content", sa.Text()),
        sa.Column("reflection", sa.Text()),
        sa.Column("completion_status", sa.Boolean(), server_default=NO),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("participation_id", "user_id", "entry_date"),
    )
    op.create_index("idx_challenge_entries_participation", "challenge_entries", ["participation_id"])
    op.create_table(
        "achievements",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("achievement_name", sa.Text(), nullable=False),
        sa.Column("achievement_description", sa.Text()),
        sa.Column("achievement_type", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("icon_url", sa.Text()),
        sa.Column("requirements", Json()),
        sa.Column("point_value", sa.Integer(), server_default=sa.text("0")),
        sa.Column("is_active", sa.Boolean(), server_default=YES),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint("achievement_type IN ('milestone', 'streak', 'completion', 'special')"),
        sa.CheckConstraint(
            "category IN ('communication', 'activities', 'goals', 'challenges', 'consistency')"
        ),
    )
    op.create_table(
        "user_achievements",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "achievement_id", sa.Text(), sa.ForeignKey("achievements.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("earned_date", Moment(), server_default=NOW),
        sa.Column("earned_by_user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("notes", sa.Text()),
        sa.UniqueConstraint("relationship_id", "achievement_id"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column("user_id", sa.Text(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("relationship_id", sa.Text(), sa.ForeignKey("relationships.id", ondelete="CASCADE")),
        sa.Column("notification_type", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("action_url", sa.Text()),
        sa.Column("is_read", sa.Boolean(), server_default=NO),
        sa.Column("priority", sa.Text(), server_default=sa.text("'normal'")),
        sa.Column("scheduled_for", Moment()),
        sa.Column("sent_at", Moment()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.CheckConstraint(
            "notification_type IN ('reminder', 'achievement', 'checkin', 'anniversary', 'goal_progress', 'partner_activity')"
        ),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')"),
    )
    op.create_index("idx_notifications_unread", "notifications", ["user_id", "is_read"])
    op.create_index("idx_notifications_user", "notifications", ["user_id"])
    op.create_table(
        "relationship_analytics",
        sa.Column("id", sa.Text(), primary_key=True, nullable=True),
        sa.Column(
            "relationship_id",
            sa.Text(),
            sa.ForeignKey("relationships.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("analytics_date", Day(), nullable=False),
        sa.Column("days_together", sa.Integer()),
        sa.Column("average_connection_score", sa.DECIMAL(3, 1)),
        sa.Column("average_satisfaction_score", sa.DECIMAL(3, 1)),
        sa.Column("checkin_streak", sa.Integer()),
        sa.Column("activities_completed_this_month", sa.Integer()),
        sa.Column("goals_completed_this_month", sa.Integer()),
        sa.Column("communication_frequency_score", sa.DECIMAL(3, 1)),
        sa.Column("overall_health_score", sa.DECIMAL(3, 1)),
        sa.Column("trends", Json()),
        sa.Column("created_at", Moment(), server_default=NOW),
        sa.UniqueConstraint("relationship_id", "analytics_date"),
    )
    op.create_index(
        "idx_relationship_analytics_relationship_date",
        "relationship_analytics",
        ["relationship_id", "analytics_date"],
    )


def downgrade() -> None:
    refuse_when_filled(TABLES)
    for table in reversed(TABLES):
        op.drop_table(table)
