"""What people did, counted by day: the same when counted again, and production's roll-ups beside it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.jobs import schedule, usage
from lib.models import (
    AnalyticsEvent,
    CoupleMove,
    DailyCheckin,
    Dyad,
    DyadDay,
    EngagementDay,
    EngagementScore,
    FeatureDay,
    FeaturePerson,
    FeatureUsage,
    PageDay,
    PageView,
    PartnerDay,
    RelationshipAnalytics,
    UsageCheck,
    UserSession,
    VisitDay,
)
from tests.factories import NOW, make_change, make_couple, make_user, write

OBSERVE = Settings.from_environment({"ROLLUPS": "observe"})
WRITE = Settings.from_environment({"ROLLUPS": "write"})
YESTERDAY = NOW.date() - timedelta(days=1)
OURS = (FeatureDay, FeaturePerson, EngagementDay, DyadDay, Dyad, VisitDay, PageDay)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Two couples that pay: both of the first come, of the second only one; the third does not pay."""
    database = Database(database_url)
    for couple in "abc":
        people = {f"user_{n}_id": make_user(database, id=f"{couple}{n}") for n in (1, 2)}
        make_couple(database, id=couple, **people)
        if couple != "c":
            make_change(
                database,
                f"sub_{couple}",
                relationship_id=couple,
                effective_at=NOW - timedelta(days=90),
                recorded_at=NOW - timedelta(days=90),
            )
    yield database
    database.dispose()


def ago(days: int, hour: int = 9) -> datetime:
    return NOW.replace(hour=hour) - timedelta(days=days)


def use(database: Database, person: str, days: int, feature: str | None = "goals", **over: Any) -> None:
    number = next(_numbers)
    values = {
        "id": f"event_{number}",
        "event_name": "used",
        "event_category": "feature_usage",
        "user_id": person,
        "relationship_id": person[0],
        "event_data": {"feature": feature} if feature else None,
        "created_at": ago(days),
    }
    write(database, AnalyticsEvent, **values | over)


_numbers = iter(range(10**6))


def check_in(database: Database, person: str, days: int) -> None:
    write(
        database,
        DailyCheckin,
        id=f"check_{next(_numbers)}",
        relationship_id=person[0],
        user_id=person,
        checkin_date=ago(days).date(),
        connection_score=8,
        relationship_satisfaction=6,
        created_at=ago(days),
    )


def visit(database: Database, person: str, days: int, **over: Any) -> None:
    values = {
        "id": f"visit_{next(_numbers)}",
        "user_id": person,
        "relationship_id": person[0],
        "session_start": ago(days),
        "duration_seconds": 240,
        "pages_viewed": 3,
        "events_count": 4,
        "device_type": "mobile",
        "entry_page": "/home?from=mail",
        "exit_page": "/goals",
    }
    write(database, UserSession, **values | over)


def rows(database: Database, table: Any, *columns: Any, **where: Any) -> list[Any]:
    chosen = select(*(columns or table.__table__.columns)).filter_by(**where)
    with database.primary.connect() as connection:
        found = connection.execute(chosen.order_by(*table.__table__.primary_key.columns)).all()
    return [tuple(row) for row in found]


def snapshot(database: Database) -> dict[str, list[Any]]:
    return {table.__tablename__: rows(database, table) for table in OURS}


def filled(database: Database) -> None:
    """Goals used by both of couple a and by the first of b; a week ago, yesterday and five weeks ago."""
    for person, days in (("a1", 1), ("a1", 7), ("a2", 1), ("b1", 1), ("b1", 36), ("c2", 36)):
        use(database, person, days)
    use(database, "a1", 1, "talks")
    use(database, "a2", 1, None, event_category="system")
    check_in(database, "a1", 1)
    check_in(database, "a2", 1)
    visit(database, "a1", 1)
    visit(database, "b1", 1, pages_viewed=1, events_count=1, duration_seconds=-4, device_type="fridge")
    write(
        database,
        PageView,
        id="view",
        session_id="s",
        page_path="/home#top",
        duration_seconds=30,
        created_at=ago(1),
    )


def test_features_count_people_and_couples_in_windows_of_days(database: Database) -> None:
    filled(database)
    done = usage.run(database, OBSERVE, now=NOW)
    row = FeatureDay
    columns = (row.people, row.people_7, row.people_28, row.couples_28, row.both_28, row.uses)

    assert done == usage.Counted(ago(36).date(), YESTERDAY, wrong=done.wrong)
    assert rows(database, row, *columns, feature="goals", day=YESTERDAY) == [(3, 3, 3, 2, 1, 3)]
    assert rows(database, row, *columns, feature="talks", day=YESTERDAY) == [(1, 1, 1, 1, 0, 1)]
    assert rows(database, row, row.people, row.uses, feature="", day=YESTERDAY) == [(3, 4)]
    first_uses = rows(database, row, row.new_people, row.total_people, feature="goals", day=YESTERDAY)
    assert first_uses == [(1, 4)]
    person = FeaturePerson
    assert rows(database, person, person.first_day, person.last_day, person.days_28, user_id="b1") == [
        (ago(36).date(), YESTERDAY, 1),
        (ago(36).date(), YESTERDAY, 1),
    ]
    assert rows(database, person, person.days_28, user_id="c2", feature="goals") == [(0,)]


def test_couples_that_pay_are_told_by_who_of_the_two_came(database: Database) -> None:
    filled(database)
    usage.run(database, OBSERVE, now=NOW)

    now = rows(database, Dyad, Dyad.relationship_id, Dyad.state, Dyad.days_1, Dyad.days_2, Dyad.arr_cents)
    assert now == [("a", "both", 2, 1, 36_000), ("b", "one", 1, 0, 36_000)]
    row = DyadDay
    day = rows(database, row, row.state, row.couples, row.imbalance_permille, row.churned, day=YESTERDAY)
    assert sorted(day) == [("both", 1, 333, None), ("one", 1, 1000, None)]


def test_who_left_within_thirty_days_is_told_once_they_are_over(database: Database) -> None:
    filled(database)
    write(
        database,
        CoupleMove,
        day=ago(10).date(),
        currency="USD",
        relationship_id="b",
        policies=1,
        movement="churn",
        before_arr_cents=36_000,
        after_arr_cents=0,
        seq=1,
    )
    usage.run(database, OBSERVE, now=NOW)
    row = DyadDay
    told = dict(rows(database, row, row.state, row.churned, day=ago(36).date()))

    assert told == {"none": 0, "one": 1}
    assert rows(database, row, row.churned, day=ago(29).date(), state="none") == [(None,)]


def test_visits_and_pages_leave_out_what_cannot_be(database: Database) -> None:
    filled(database)
    usage.run(database, OBSERVE, now=NOW)
    row = VisitDay
    columns = (row.device, row.visits, row.bounced, row.timed, row.seconds)

    assert rows(database, row, *columns, day=YESTERDAY) == [("mobile", 1, 0, 1, 240), ("unknown", 1, 1, 0, 0)]
    page = PageDay
    pages = rows(database, page, page.page, page.views, page.entries, page.bounced, page.exits)
    assert pages == [("/goals", 0, 0, 0, 2), ("/home", 1, 2, 1, 0)]


def test_counting_again_from_any_day_gives_the_same_rows(database: Database) -> None:
    filled(database)
    usage.run(database, OBSERVE, now=NOW)
    before = snapshot(database)
    usage.run(database, OBSERVE, since=ago(20).date(), now=NOW)
    again = snapshot(database)
    usage.run(database, OBSERVE, since=date(2020, 1, 1), now=NOW)

    assert again == before
    assert snapshot(database) == before


def test_a_first_run_that_was_killed_is_finished_by_the_next(database: Database) -> None:
    filled(database)
    use(database, "a1", 70)
    usage.run(database, OBSERVE, now=NOW)
    whole = snapshot(database)
    with database.primary.begin() as connection:
        # Two months were written when the process ended.
        for table in (FeatureDay, EngagementDay, DyadDay, VisitDay, PageDay):
            connection.execute(delete(table).where(table.day > date(2026, 4, 30)))
        connection.execute(delete(Dyad))
        connection.execute(delete(FeaturePerson).where(FeaturePerson.user_id != "a1"))
    done = usage.run(database, OBSERVE, now=NOW)

    assert done.since == date(2026, 4, 7)
    assert snapshot(database) == whole


def stored(database: Database) -> None:
    """What the app stored of yesterday: one feature and one score wrong, one score without any raw row."""
    write(
        database,
        FeatureUsage,
        id="f",
        feature_name="goals",
        metric_date=YESTERDAY,
        total_interactions=9,
        satisfaction_score=4.5,
    )
    for person, score in (("a1", 99), ("b2", 50)):
        write(
            database,
            EngagementScore,
            id=f"e_{person}",
            user_id=person,
            relationship_id=person[0],
            score_date=YESTERDAY,
            engagement_score=score,
        )


def checks(database: Database) -> dict[str, Any]:
    row = UsageCheck
    found = rows(
        database,
        row,
        row.roll_up,
        row.missing,
        row.differing,
        row.unsupported,
        row.stored_total,
        row.counted_total,
        day=YESTERDAY,
    )
    return {each[0]: each[1:] for each in found}


def test_observing_shows_the_difference_and_changes_nothing_of_the_app(database: Database) -> None:
    filled(database)
    stored(database)
    usage.run(database, OBSERVE, now=NOW)

    assert checks(database)["feature_usage_metrics"] == (1, 1, 0, 9, 4)
    assert checks(database)["engagement_scores"] == (2, 1, 1, 149, 98)
    assert rows(database, FeatureUsage, FeatureUsage.total_interactions) == [(9,)]
    assert len(rows(database, EngagementScore)) == 2
    assert rows(database, RelationshipAnalytics) == []


def test_writing_corrects_and_adds_and_leaves_what_no_raw_row_tells(database: Database) -> None:
    filled(database)
    stored(database)
    first = usage.run(database, WRITE, now=NOW)
    again = usage.run(database, WRITE, since=YESTERDAY, now=NOW)
    row, feature = EngagementScore, FeatureUsage
    scores = dict(rows(database, row, row.user_id, row.engagement_score, score_date=YESTERDAY))

    assert (first.wrong > 0, again.wrong) == (True, 0)
    assert checks(database)["engagement_scores"] == (0, 0, 1, 148, 98)
    assert scores == {"a1": 50, "a2": 44, "b1": 4, "b2": 50}
    columns = (feature.total_users, feature.new_users, feature.total_interactions, feature.satisfaction_score)
    assert rows(database, feature, *columns, feature_name="goals", metric_date=YESTERDAY) == [(4, 1, 3, 4.5)]


def test_a_couples_week_is_written_on_sundays(database: Database) -> None:
    sunday = next(n for n in range(1, 8) if ago(n).weekday() == 6)
    for days in (sunday, sunday + 1, sunday + 3):
        check_in(database, "a1", days)
    use(database, "a1", sunday)
    usage.run(database, WRITE, now=NOW)
    row = RelationshipAnalytics
    columns = (row.average_connection_score, row.average_satisfaction_score, row.checkin_streak)

    assert rows(database, row, row.analytics_date, *columns) == [(ago(sunday).date(), 8.0, 6.0, 2)]


def test_partners_are_compared_only_where_events_tell_of_them(database: Database) -> None:
    for name, cents in (("Spa", 500), ("Inn", 700)):
        write(
            database,
            PartnerDay,
            id=name,
            partner_name=name,
            partner_category="x",
            analytics_date=YESTERDAY,
            total_bookings=1,
            total_revenue_cents=cents,
        )
    said = {"partner": "Spa", "category": "x", "amount_cents": 800, "commission_cents": 80}
    use(database, "a1", 1, event_name="booking_made", event_category="partner", event_data=said)
    usage.run(database, WRITE, now=NOW)
    row = PartnerDay

    assert checks(database)["partner_analytics"] == (0, 1, 1, 1200, 800)
    assert rows(database, row, row.partner_name, row.total_revenue_cents) == [("Inn", 700), ("Spa", 800)]


def test_odd_rows_are_borne(database: Database) -> None:
    use(database, "a1", 1, event_data={"feature": {"nested": "x" * 200}})
    use(database, "a2", 1, event_data={"feature": 7})
    use(database, "b1", -40)
    use(database, "b2", 0, created_at=datetime(1970, 1, 1, tzinfo=UTC))
    if database.primary.dialect.name == "sqlite":
        with database.primary.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO analytics_events (id, event_name, event_category, user_id, event_data,"
                " created_at) VALUES ('odd', 'x', 'feature_usage', 'b2', '{not json', '2026-06-14T24:99:99Z')"
            )
    done = usage.run(database, OBSERVE, now=NOW)

    assert done.since == YESTERDAY
    names = rows(database, FeatureDay, FeatureDay.feature, day=YESTERDAY)
    assert ("7",) in names
    assert max(len(name) for (name,) in names) <= 60


def test_a_day_that_is_not_over_is_refused_and_nothing_to_count_is_no_error(database: Database) -> None:
    nothing = usage.run(database, OBSERVE, now=NOW)

    assert nothing == usage.Counted(None, YESTERDAY)
    with pytest.raises(Invalid, match="is not over yet"):
        usage.run(database, OBSERVE, since=NOW.date(), now=NOW)


def test_it_is_due_once_a_day_after_the_daily_run(database: Database) -> None:
    filled(database)
    before = usage.is_due(database, NOW)
    schedule.run("daily", database, OBSERVE, now=NOW)
    after = usage.is_due(database, NOW + timedelta(minutes=1))
    schedule.run("usage", database, OBSERVE, now=NOW + timedelta(minutes=1))

    assert (before, after) == (False, True)
    assert not usage.is_due(database, NOW + timedelta(hours=3))


def test_what_was_moved_is_counted_where_it_is_now(database: Database) -> None:
    filled(database)
    usage.run(database, OBSERVE, now=NOW)
    with database.primary.begin() as connection:
        connection.execute(update(AnalyticsEvent).where(AnalyticsEvent.user_id == "b1").values(user_id="b2"))
    usage.run(database, OBSERVE, now=NOW)

    assert rows(database, FeatureDay, FeatureDay.people, feature="goals", day=YESTERDAY) == [(3,)]
    assert rows(database, Dyad, Dyad.state, relationship_id="b") == [("both",)]
