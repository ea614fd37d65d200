"""What a couple does in the app: engagement, goals, dates, tests, messages, errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, or_, select

from lib.core.access import Permission
from lib.core.listing import AnyRow, Column
from lib.core.work import View, query
from lib.models import (
    Assignment,
    DailyCheckin,
    EngagementScore,
    ErrorLog,
    ImportantDate,
    Notification,
    Relationship,
    SharedGoal,
    User,
    Variant,
    sortable,
)
from lib.services.couples import shown_when_revealed

ENGAGEMENT_COLUMNS: Final = (
    Column("name", "Partner"),
    Column("checkins", "Check-ins in 30 days", "count"),
    Column("last_checkin", "Last check-in", "day"),
    Column("mood", "Mood (1-10)", "decimal"),
    Column("connection", "Connection (1-10)", "decimal"),
    Column("score", "Engagement (0-100)", "decimal"),
    Column("last_active_at", "Last active", "moment"),
)


@query(Permission.PEOPLE_READ)
@shown_when_revealed
def engagement(view: View, couple_id: str) -> list[AnyRow]:
    """Per partner over 30 days: check-ins, mean mood and connection (1-10), engagement (0-100)."""
    since = (view.now - timedelta(days=30)).date()
    checkins = (
        select(
            DailyCheckin.user_id,
            func.count().label("checkins"),
            func.avg(DailyCheckin.mood_score).label("mood"),
            func.avg(DailyCheckin.connection_score).label("connection"),
            func.max(DailyCheckin.checkin_date).label("last_checkin"),
        )
        .where(DailyCheckin.relationship_id == couple_id, DailyCheckin.checkin_date >= since)
        .group_by(DailyCheckin.user_id)
        .subquery()
    )
    scores = (
        select(EngagementScore.user_id, func.avg(EngagementScore.engagement_score).label("score"))
        .where(EngagementScore.relationship_id == couple_id, EngagementScore.score_date >= since)
        .group_by(EngagementScore.user_id)
        .subquery()
    )
    couple = (
        select(Relationship.user_1_id, Relationship.user_2_id).where(Relationship.id == couple_id).subquery()
    )
    return list(
        view.session.execute(
            select(
                User.id,
                User.name,
                User.last_active_at,
                func.coalesce(checkins.c.checkins, 0).label("checkins"),
                checkins.c.last_checkin,
                checkins.c.mood,
                checkins.c.connection,
                scores.c.score,
            )
            .join(couple, or_(User.id == couple.c.user_1_id, User.id == couple.c.user_2_id))
            .outerjoin(checkins, checkins.c.user_id == User.id)
            .outerjoin(scores, scores.c.user_id == User.id)
        )
    )


GOAL_COLUMNS: Final = (
    Column("goal_name", "Goal"),
    Column("status", "Status", "status"),
    Column("current_progress", "Done", "count"),
    Column("target_count", "Of", "count"),
    Column("target_date", "By", "day"),
)
DATE_COLUMNS: Final = (
    Column("date_value", "Day", "day"),
    Column("event_name", "What"),
    Column("event_type", "Kind", "code"),
)
TEST_COLUMNS: Final = (
    Column("test_name", "Test"),
    Column("variant_name", "Arm"),
    Column("user_id", "Person", "id"),
    Column("assigned_at", "Since", "moment"),
    Column("converted", "Converted", "flag"),
)


@dataclass(frozen=True, slots=True)
class Life:
    """What a couple does in the app: goals, dates and tests, newest first, twenty of each at most."""

    goals: Sequence[AnyRow]
    dates: Sequence[AnyRow]
    tests: Sequence[AnyRow]


@query(Permission.PEOPLE_READ)
@shown_when_revealed
def life(view: View, couple_id: str) -> Life:
    """Goals, important dates, and the A/B tests that the couple or a partner is in. Four statements."""
    goals = view.session.execute(
        select(
            SharedGoal.goal_name,
            SharedGoal.status,
            SharedGoal.current_progress,
            SharedGoal.target_count,
            SharedGoal.target_date,
        )
        .where(SharedGoal.relationship_id == couple_id)
        .order_by(sortable(SharedGoal.created_at).desc())
        .limit(20)
    ).all()
    dates = view.session.execute(
        select(ImportantDate.event_name, ImportantDate.event_type, ImportantDate.date_value)
        .where(ImportantDate.relationship_id == couple_id)
        .order_by(ImportantDate.date_value)
        .limit(20)
    ).all()
    tests = view.session.execute(
        select(
            Assignment.test_name,
            Variant.variant_name,
            Assignment.user_id,
            Assignment.assigned_at,
            Assignment.converted,
        )
        .join(Variant, Variant.id == Assignment.variant_id)
        .where(Assignment.relationship_id == couple_id)
        .order_by(sortable(Assignment.assigned_at).desc())
        .limit(20)
    ).all()
    return Life(goals, dates, tests)


MESSAGE_COLUMNS: Final = (
    Column("created_at", "When", "moment"),
    Column("recipient", "To"),
    Column("title", "Title"),
    Column("message", "Message"),
    Column("notification_type", "Kind", "code"),
    Column("priority", "Priority", "status"),
    Column("is_read", "Read", "flag"),
)


@query(Permission.PEOPLE_READ)
@shown_when_revealed
def messages(view: View, couple_id: str) -> list[AnyRow]:
    """What the app sent to the couple, newest first, fifty at most."""
    return list(
        view.session.execute(
            select(
                Notification.id,
                Notification.title,
                Notification.message,
                Notification.notification_type,
                Notification.priority,
                Notification.is_read,
                Notification.sent_at,
                Notification.created_at,
                User.name.label("recipient"),
            )
            .join(User, User.id == Notification.user_id)
            .where(Notification.relationship_id == couple_id)
            .order_by(sortable(Notification.created_at).desc())
            .limit(50)
        )
    )


ERROR_COLUMNS: Final = (
    Column("created_at", "When", "moment"),
    Column("severity", "Severity", "status"),
    Column("error_type", "Error"),
    Column("error_message", "Message"),
    Column("page_url", "Page"),
    Column("resolved", "Resolved", "flag"),
)


@query(Permission.PEOPLE_READ)
@shown_when_revealed
def errors_seen(view: View, couple_id: str) -> list[AnyRow]:
    """Errors that the partners ran into, newest first, fifty at most."""
    return list(
        view.session.execute(
            select(
                ErrorLog.id,
                ErrorLog.error_type,
                ErrorLog.error_message,
                ErrorLog.severity,
                ErrorLog.resolved,
                ErrorLog.page_url,
                ErrorLog.created_at,
            )
            .where(ErrorLog.relationship_id == couple_id)
            .order_by(sortable(ErrorLog.created_at).desc())
            .limit(50)
        )
    )
