"""Engagement: the mean score of those who did anything, day by day, and the parts that it is made of.

A score is worked out by `lib.metrics.usage.scoring.points` and by nothing else. Everything here is read from
`admin_engagement_days`, which holds sums, so that means over several days are exact.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.listing import AnyRow, Column
from lib.core.work import View, query
from lib.metrics.features import NOTHING_YET
from lib.metrics.figure import Basis
from lib.metrics.usage import scoring
from lib.models import EngagementDay

PARTS: Final = {
    "check_in": "Check-in",
    "activities": "Activities",
    "talks": "Talks",
    "features": "Features",
    "time": "Time",
}
COLUMNS: Final = (
    Column("day", "Day (UTC)", "day"),
    Column("people", "People", "count"),
    Column("score", "Mean score", "decimal"),
    *(Column(name, f"{title}, points", "decimal") for name, title in PARTS.items()),
)
RULE_COLUMNS: Final = (
    Column("part", "Part"),
    Column("gives", "Points"),
    Column("at_most", "At most", "count"),
    Column("from_rows", "Counted from"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One part of the score, in words."""

    part: str
    gives: str
    at_most: int
    from_rows: str


RULES: Final = (
    Rule("Check-in", f"{scoring.CHECK_IN} for a check-in", scoring.CHECK_IN, "daily_checkins"),
    Rule(
        "Activities",
        f"{scoring.ACTIVITY} for each activity planned or noted",
        scoring.ACTIVITIES_AT_MOST,
        "activities",
    ),
    Rule("Talks", f"{scoring.TALK} for each talk noted", scoring.TALKS_AT_MOST, "communication_log"),
    Rule(
        "Features",
        f"{scoring.FEATURE} for each feature used",
        scoring.FEATURES_AT_MOST,
        "analytics_events",
    ),
    Rule(
        "Time",
        f"1 for every {scoring.SECONDS_A_POINT} seconds of visits",
        scoring.TIME_AT_MOST,
        "user_sessions",
    ),
)


@dataclass(frozen=True, slots=True)
class ScoreDay:
    """One day: how many people did anything, and their mean score with its parts, in points."""

    day: date
    people: int
    score: Fraction
    check_in: Fraction
    activities: Fraction
    talks: Fraction
    features: Fraction
    time: Fraction


@dataclass(frozen=True, slots=True)
class Scores:
    """Days in order, and the mean over all of them; `why_not` when there is none."""

    days: tuple[ScoreDay, ...]
    people_days: int
    mean: Fraction | None
    basis: Basis
    why_not: str | None

    @property
    def newest_mean(self) -> Fraction | None:
        """The mean score of the newest day; None while there is none."""
        return self.days[-1].score if self.days else None

    @property
    def newest_people(self) -> int | None:
        """How many people did anything on the newest day; None while there is none."""
        return self.days[-1].people if self.days else None


@query(Permission.USAGE_READ)
def scores(view: View, since: date, until: date) -> Scores:
    """Mean scores day by day, exact. One statement."""
    row = EngagementDay
    rows = view.session.execute(
        select(*row.__table__.columns).where(row.day.between(since, until), row.people > 0).order_by(row.day)
    ).all()
    people = sum(each.people for each in rows)
    return Scores(
        tuple(_day(each) for each in rows),
        people,
        Fraction(sum(each.scores for each in rows), people) if people else None,
        Basis(None, people, "days of people", max((each.computed_at for each in rows), default=None)),
        None if rows else NOTHING_YET,
    )


def _day(row: AnyRow) -> ScoreDay:
    return ScoreDay(
        row.day,
        row.people,
        Fraction(row.scores, row.people),
        Fraction(row.check_in_points, row.people),
        Fraction(row.activity_points, row.people),
        Fraction(row.talk_points, row.people),
        Fraction(row.feature_points, row.people),
        Fraction(row.time_points, row.people),
    )
