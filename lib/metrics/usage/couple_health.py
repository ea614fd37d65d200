"""A couple's week as `relationship_analytics` has it, from raw rows. `health` is the one place that weighs.

    average connection, satisfaction   of both partners' check-ins in the 7 days that end with the day
    check-in streak                    days in a row with a check-in of either, up to 92
    activities, goals                  completed in the calendar month up to the day
    talks                              1.25 points for each talk in 28 days, at most 10: two a week are full
    health                             0.4 connection + 0.4 satisfaction + 0.2 talks

Couples without a check-in in those 7 days have no row. The app writes one a week, on Sundays; so do we.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core.moments import month_start
from lib.metrics.spans import in_days
from lib.models import Activity, Communication, DailyCheckin, Relationship, SharedGoal

WEEK: Final = timedelta(days=6)
STREAK_AT_MOST: Final = 92
TALKS_WITHIN: Final = timedelta(days=27)
_SUNDAY: Final = 6


def is_written_on(day: date) -> bool:
    """Whether couples have a row for a day."""
    return day.weekday() == _SUNDAY


def health(connection: float, satisfaction: float, talks: float) -> float:
    """How well a couple is, from 1 to 10: three numbers of the same scale, weighed."""
    return 0.4 * connection + 0.4 * satisfaction + 0.2 * talks


def counted(session: Session, day: date) -> dict[str, dict[str, Any]]:
    """What raw rows say of each couple for a day, by the columns of `relationship_analytics`."""
    check_in = DailyCheckin
    averages = session.execute(
        select(
            check_in.relationship_id,
            func.avg(check_in.connection_score).label("connection"),
            func.avg(check_in.relationship_satisfaction).label("satisfaction"),
        )
        .where(check_in.checkin_date.between(day - WEEK, day))
        .group_by(check_in.relationship_id)
    ).all()
    streaks, since = _streaks(session, day), month_start(day)
    activities = _numbers(session, Activity.relationship_id, in_days(Activity.completed_date, since, day))
    goals = _numbers(session, SharedGoal.relationship_id, SharedGoal.completion_date.between(since, day))
    talks = _numbers(
        session,
        Communication.relationship_id,
        in_days(Communication.communication_date, day - TALKS_WITHIN, day),
    )
    starts = session.execute(select(Relationship.id, Relationship.start_date))
    began = {row.id: row.start_date for row in starts}
    found = {}
    for row in averages:
        if row.relationship_id not in began or row.connection is None or row.satisfaction is None:
            continue
        connection, satisfaction = float(row.connection), float(row.satisfaction)
        talked = min(10.0, 1.25 * talks.get(row.relationship_id, 0))
        start = began[row.relationship_id]
        found[row.relationship_id] = {
            "days_together": (day - start).days if start else None,
            "average_connection_score": round(connection, 1),
            "average_satisfaction_score": round(satisfaction, 1),
            "checkin_streak": streaks.get(row.relationship_id, 0),
            "activities_completed_this_month": activities.get(row.relationship_id, 0),
            "goals_completed_this_month": goals.get(row.relationship_id, 0),
            "communication_frequency_score": round(talked, 1),
            "overall_health_score": round(health(connection, satisfaction, talked), 1),
        }
    return found


def _streaks(session: Session, day: date) -> Mapping[str, int]:
    """Days in a row, up to the day, on which a couple checked in; couples without any are left out."""
    since = day - timedelta(days=STREAK_AT_MOST - 1)
    days: dict[str, int] = defaultdict(int)
    check_in = DailyCheckin
    for row in session.execute(
        select(check_in.relationship_id, check_in.checkin_date)
        .where(check_in.checkin_date.between(since, day))
        .distinct()
    ):
        if row.checkin_date is not None:
            # Bit 0 is the day itself, so that a streak is the run of set bits at the low end.
            days[row.relationship_id] |= 1 << (day - row.checkin_date).days
    return {couple: (~bits & (bits + 1)).bit_length() - 1 for couple, bits in days.items()}


def _numbers(session: Session, couple: Any, condition: Any) -> Mapping[str, int]:
    statement = select(couple, func.count()).where(condition).group_by(couple)
    return {row[0]: row[1] for row in session.execute(statement)}
