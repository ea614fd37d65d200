"""Production's raw rows about use, as statements for a range of whole UTC days.

What people did: an event of their own (not one of the categories `system` and `error`), a visit, a check-in,
an activity or a talk that they noted. Rows without a person say nothing about anybody and are left out.
"""

from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, select

from lib.core.listing import AnySelect
from lib.metrics.spans import in_days, utc_day
from lib.models import (
    Activity,
    AnalyticsEvent,
    Communication,
    DailyCheckin,
    PageView,
    Relationship,
    UserSession,
)
from lib.models.expressions import json_text

NOT_BY_PEOPLE: Final = ("system", "error")
LONGEST_VISIT: Final = 86_400
"""Seconds; a longer duration, or one below 0, is a clock that was wrong."""
EARLIEST: Final = datetime(2015, 1, 1, tzinfo=UTC)
"""What happened before the app did is a clock that was wrong."""
DEVICES: Final = ("desktop", "mobile", "tablet", "unknown")


def events(since: date, until: date) -> AnySelect:
    """Who did what: day, user_id, relationship_id, feature (None for none), uses."""
    event = AnalyticsEvent
    day, feature = utc_day(event.created_at), json_text(event.event_data, "feature")
    return (
        select(
            day.label("day"),
            event.user_id,
            event.relationship_id,
            feature.label("feature"),
            func.count().label("uses"),
        )
        .where(
            in_days(event.created_at, since, until),
            event.user_id.is_not(None),
            event.event_category.not_in(NOT_BY_PEOPLE),
        )
        .group_by(day, event.user_id, event.relationship_id, feature)
    )


def visits(since: date, until: date) -> AnySelect:
    """Who came: day, user_id, relationship_id, seconds."""
    visit = UserSession
    day = utc_day(visit.session_start)
    return (
        select(
            day.label("day"),
            visit.user_id,
            visit.relationship_id,
            func.sum(case((believable(visit.duration_seconds), visit.duration_seconds), else_=0)).label(
                "seconds"
            ),
        )
        .where(in_days(visit.session_start, since, until), visit.user_id.is_not(None))
        .group_by(day, visit.user_id, visit.relationship_id)
    )


def check_ins(since: date, until: date) -> AnySelect:
    """Who checked in: day, user_id, relationship_id."""
    row = DailyCheckin
    return select(row.checkin_date.label("day"), row.user_id, row.relationship_id).where(
        row.checkin_date.between(since, until)
    )


def activities(since: date, until: date) -> AnySelect:
    """Who planned or noted activities: day, user_id, relationship_id, number."""
    row = Activity
    return _noted(row.created_at, row.created_by_user_id, row.relationship_id, since, until)


def talks(since: date, until: date) -> AnySelect:
    """Who noted talks that they began: day, user_id, relationship_id, number."""
    row = Communication
    return _noted(row.communication_date, row.initiated_by_user_id, row.relationship_id, since, until)


def _noted(moment: Any, person: Any, couple: Any, since: date, until: date) -> AnySelect:
    day = utc_day(moment)
    return (
        select(
            day.label("day"),
            person.label("user_id"),
            couple.label("relationship_id"),
            func.count().label("number"),
        )
        .where(in_days(moment, since, until))
        .group_by(day, person, couple)
    )


def partners() -> Select[str, str, str]:
    """Every couple: id and the two people, who may be one and the same."""
    return select(Relationship.id, Relationship.user_1_id, Relationship.user_2_id)


def visits_by_device(since: date, until: date) -> AnySelect:
    """Visits by day and kind of device: visits, bounced, timed, seconds, pages, converted."""
    visit = UserSession
    day = utc_day(visit.session_start)
    device = case((visit.device_type.in_(DEVICES), visit.device_type), else_="unknown")
    timed = believable(visit.duration_seconds)
    return (
        select(
            day.label("day"),
            device.label("device"),
            func.count().label("visits"),
            func.sum(case((bounced(), 1), else_=0)).label("bounced"),
            func.sum(case((timed, 1), else_=0)).label("timed"),
            func.sum(case((timed, visit.duration_seconds), else_=0)).label("seconds"),
            func.sum(case((visit.pages_viewed > 0, visit.pages_viewed), else_=0)).label("pages"),
            func.sum(case((visit.converted.is_(True), 1), else_=0)).label("converted"),
        )
        .where(in_days(visit.session_start, since, until))
        .group_by(day, device)
    )


def views(since: date, until: date) -> AnySelect:
    """Views by day and path as the app wrote it: views, timed, seconds."""
    view = PageView
    day, timed = utc_day(view.created_at), believable(view.duration_seconds)
    return (
        select(
            day.label("day"),
            view.page_path.label("path"),
            func.count().label("views"),
            func.sum(case((timed, 1), else_=0)).label("timed"),
            func.sum(case((timed, view.duration_seconds), else_=0)).label("seconds"),
        )
        .where(in_days(view.created_at, since, until))
        .group_by(day, view.page_path)
    )


def entries(since: date, until: date) -> AnySelect:
    """Where visits began: day, path, entries, bounced."""
    visit = UserSession
    day = utc_day(visit.session_start)
    return (
        select(
            day.label("day"),
            visit.entry_page.label("path"),
            func.count().label("entries"),
            func.sum(case((bounced(), 1), else_=0)).label("bounced"),
        )
        .where(in_days(visit.session_start, since, until), visit.entry_page.is_not(None))
        .group_by(day, visit.entry_page)
    )


def exits(since: date, until: date) -> AnySelect:
    """Where visits ended, by the day on which they began: day, path, exits."""
    visit = UserSession
    day = utc_day(visit.session_start)
    return (
        select(day.label("day"), visit.exit_page.label("path"), func.count().label("exits"))
        .where(in_days(visit.session_start, since, until), visit.exit_page.is_not(None))
        .group_by(day, visit.exit_page)
    )


def bounced() -> ColumnElement[bool]:
    """A visit of one page at most on which at most one thing was done."""
    return (func.coalesce(UserSession.pages_viewed, 0) <= 1) & (
        func.coalesce(UserSession.events_count, 0) <= 1
    )


def believable(seconds: Any) -> ColumnElement[bool]:
    """Whether a duration is one: from 0 seconds to a day."""
    condition: ColumnElement[bool] = seconds.between(0, LONGEST_VISIT)
    return condition


def first_day(session: Any) -> date | None:
    """The day of the earliest event or visit that is believed; None while there is none."""
    firsts = [
        session.scalar(select(func.min(column)).where(column >= EARLIEST))
        for column in (AnalyticsEvent.created_at, UserSession.session_start)
    ]
    return min((first.date() for first in firsts if first is not None), default=None)
