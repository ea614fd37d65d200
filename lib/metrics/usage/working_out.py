"""A range of days worked out in memory while nobody waits; the job then writes it in a short transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from lib.core.access import Permission
from lib.core.work import View, query
from lib.metrics.usage import couple_health, dyads, features, partners, raw, visits
from lib.metrics.usage.gathering import Gathered, gather
from lib.metrics.usage.scoring import PersonDay, points
from lib.models import (
    DyadDay,
    EngagementDay,
    EngagementScore,
    FeatureDay,
    PageDay,
    PartnerDay,
    RelationshipAnalytics,
    VisitDay,
)

Rows = list[dict[str, Any]]
Counted = Mapping[str, Mapping[str, Any]]
"""What raw rows say of one day for a roll-up of production's: by key, the columns and their values."""


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """The days from `first` to `last`, both included, as rows of our tables by day.

    `people`: rows of `admin_feature_people`, `couples`: of `admin_dyads` as of the last day. `counted`: for
    each day that is to be compared, what production's roll-ups ought to say, by the name of the table.
    """

    first: date
    last: date
    days: Mapping[Any, Rows]
    people: Rows
    couples: Rows
    counted: Mapping[date, dict[str, Counted]]

    @property
    def to_compare(self) -> list[date]:
        """The days that are to be compared, in order."""
        return sorted(self.counted)

    def __str__(self) -> str:
        """What the audit keeps of it."""
        return f"{self.first}..{self.last}"


@query(Permission.USAGE_READ)
def work_out(view: View, first: date, last: date, over_until: date, *, compare_from: date) -> WorkedOut:
    """Count at most a month of days from raw rows; the days before `first` are read as far as windows reach.

    `over_until`: the newest day that is over. Days from `compare_from` on are to be compared.
    """
    session, now = view.session, view.now
    couples = [(row[0], row[1], row[2]) for row in session.execute(raw.partners())]
    found = gather(session, first, last)
    pays = dyads.paying(session, first, last)
    return WorkedOut(
        first,
        last,
        {
            FeatureDay: features.day_rows(found, couples, now),
            EngagementDay: _engagement(found, now),
            DyadDay: dyads.day_rows(found, couples, pays, over_until, now),
            VisitDay: visits.visit_rows(session, first, last, now),
            PageDay: visits.page_rows(session, first, last),
        },
        features.person_rows(found),
        dyads.couple_rows(found, couples, pays),
        _counted(view, found, couples, max(first, compare_from)),
    )


def _counted(
    view: View, found: Gathered, couples: features.Partners, since: date
) -> dict[date, dict[str, Counted]]:
    days = [since + timedelta(days=number) for number in range((found.last - since).days + 1)]
    if not days:
        return {}
    pairs = {couple: (one, other) for couple, one, other in couples}
    booked = partners.counted(view.session, since, found.last)
    counted: dict[date, dict[str, Counted]] = {}
    for day in days:
        counted[day] = {
            EngagementScore.__tablename__: _scores(found, day, pairs),
            PartnerDay.__tablename__: booked.get(day, {}),
        }
        if couple_health.is_written_on(day):
            counted[day][RelationshipAnalytics.__tablename__] = couple_health.counted(view.session, day)
    return counted


def _scores(found: Gathered, day: date, couples: Mapping[str, tuple[str, str]]) -> Counted:
    """Each person's day by the columns of `engagement_scores`; people outside their couple are left out."""
    return {
        person: {
            "relationship_id": did.relationship_id,
            "engagement_score": points(did).score,
            "checkin_completed": did.checked_in,
            "activities_logged": did.activities,
            "messages_sent": did.talks,
            "features_used": did.features,
            "session_duration_seconds": did.seconds,
        }
        for person, did in found.did.get(day, {}).items()
        if did.relationship_id is not None and person in couples.get(did.relationship_id, ())
    }


def _engagement(found: Gathered, now: datetime) -> list[dict[str, Any]]:
    return [_engagement_day(day, found.did[day].values(), now) for day in found.days() if found.did[day]]


def _engagement_day(day: date, people: Any, now: datetime) -> dict[str, Any]:
    each = [points(did) for did in people if isinstance(did, PersonDay)]
    return {
        "day": day,
        "people": len(each),
        "scores": sum(one.score for one in each),
        "check_in_points": sum(one.check_in for one in each),
        "activity_points": sum(one.activities for one in each),
        "talk_points": sum(one.talks for one in each),
        "feature_points": sum(one.features for one in each),
        "time_points": sum(one.time for one in each),
        "computed_at": now,
    }
