"""Funnels from the database: what the events themselves say, from raw rows and as the job counts them."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import delete, insert

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound
from lib.core.work import reading
from lib.jobs import funnels as counting
from lib.metrics import funnels, funnels_read, funnels_ready
from lib.metrics.funnels import Event, Question, Step
from lib.models import AnalyticsEvent, FunnelEntry, FunnelStep
from tests.factories import make_couple, make_payment, make_subscription, make_user, write
from tests.metrics.test_funnels import DAY, EXAMPLES, at, happenings

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
PRODUCT = Actor("p", "product@example.org", Role.PRODUCT)
WEEK = DAY + timedelta(days=6)
numbers = itertools.count()


@pytest.fixture
def couples(database: Database) -> Database:
    """Anna and Ben, Carla and Dan."""
    for couple, *people in (("a", "anna", "ben"), ("c", "carla", "dan")):
        for person in people:
            make_user(database, id=person, created_at=at(0))
        make_couple(database, id=couple, user_1_id=people[0], user_2_id=people[1])
    return database


def note(database: Database, events: Sequence[Event]) -> None:
    rows = [
        {
            "id": f"evn_{next(numbers)}",
            "event_name": one.what,
            "event_category": "feature_usage",
            "user_id": one.person,
            "relationship_id": one.couple,
            "created_at": one.at,
        }
        for one in events
    ]
    with database.primary.begin() as connection:
        connection.execute(insert(AnalyticsEvent.__table__), rows)


def read(database: Database, question: Question, since: date = DAY, until: date = WEEK) -> funnels.Rows:
    with reading(database, PRODUCT, now=NOW) as view:
        return funnels_read.walked(view, question, since, until).rows


def asked(question: Question) -> Question:
    """The same with the steps as the database names them."""
    steps = tuple(Step(f"event:{step.what}", step.by_partner) for step in question.steps)
    return Question(steps, question.window, question.order, question.unit)


def plain(rows: funnels.Rows) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in rows.astype(object).where(rows.notna(), None).to_numpy())


QUESTIONS = [
    Question(tuple(Step(what) for what in "xyz"), timedelta(hours=12), order, unit)
    for order in funnels.ORDERS
    for unit in funnels.UNITS
] + [Question((Step("x"), Step("y", by_partner=True), Step("z")), timedelta(days=1))]


@pytest.mark.sized
@settings(
    max_examples=max(8, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=happenings)
def test_the_database_says_the_same_as_the_events(couples: Database, events: list[Event]) -> None:
    with couples.primary.begin() as connection:
        connection.execute(delete(AnalyticsEvent))
    note(couples, events)

    for question in QUESTIONS:
        pure = funnels.walks(question, funnels.frame(events), DAY, WEEK)
        assert plain(read(couples, asked(question))) == plain(pure)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_both_text_forms_of_a_moment_and_the_future_are_read_rightly(couples: Database) -> None:
    with couples.primary.begin() as connection:
        for what, moment in (
            ("x", "2026-05-04T09:00:00.900Z"),
            ("y", "2026-05-04 09:00:10"),
            ("y", "2031-01-01T00:00:00.000Z"),
            ("z", "not a moment"),
        ):
            connection.exec_driver_sql(
                "INSERT INTO analytics_events (id, event_name, event_category, user_id, relationship_id, "
                "created_at) VALUES (?, ?, 'system', 'anna', 'a', ?)",
                (f"evn_{next(numbers)}", what, moment),
            )
    question = asked(Question(tuple(Step(what) for what in "xyz")))
    with reading(couples, PRODUCT, now=NOW) as view:
        found = funnels_read.walked(view, question, DAY, WEEK)
    [_, second, third] = funnels_read.counted(found, DAY, WEEK).steps

    assert (second.reached, second.average_seconds, third.reached) == (1, 10, 0)
    assert found.future == 1


def step(
    database: Database, session: str, name: str, hour: float, couple: str | None, **over: object
) -> None:
    write(
        database,
        FunnelStep,
        **{
            "id": f"fun_{next(numbers)}",
            "funnel_name": "onboarding",
            "session_id": session,
            "step_name": name,
            "step_order": 1,
            "completed": True,
            "relationship_id": couple,
            "user_id": "anna" if couple else None,
            "created_at": at(hour),
            **over,
        },
    )


@pytest.fixture
def company(couples: Database) -> Database:
    """A visitor who left, and the couple a, which came all the way, the trial between included."""
    step(couples, "s1", "landing", 1, None, completed=False, dropped_off=True)
    for number, name in enumerate(("landing", "create_account", "invite_partner", "partner_joined")):
        step(couples, "s2", name, 2 + number, "a" if number else None)
    make_subscription(couples, user_id="anna", relationship_id="a", created_at=at(8))
    make_payment(couples, user_id="anna", relationship_id="a", created_at=at(8 + 14 * 24))
    note(couples, [Event("anna", "a", "checkin_completed", at(3)), Event("ben", "a", "plan_viewed", at(5))])
    note(couples, [Event("ben", "a", "checkin_completed", at(30)), Event("ben", "a", "plan_viewed", at(29))])
    return couples


def test_the_way_to_paying_is_put_together_from_all_tables(company: Database) -> None:
    counting.run(company, NOW.date(), now=NOW)
    with reading(company, PRODUCT, now=NOW) as view:
        found = funnels_read.ready(view, "onboarding", DAY, WEEK)

    assert [each.reached for each in found.steps] == [2, 1, 1, 1, 1, 1]
    assert [each.average_seconds for each in found.steps[1:]] == [3600, 3600, 3600, 3 * 3600, 14 * 86_400]
    assert (found.waiting, found.days_missing, found.why_not) == (1, 0, None)


@pytest.mark.parametrize("name", funnels_ready.READY)
def test_what_the_job_counted_is_what_the_raw_rows_say(company: Database, name: str) -> None:
    counting.run(company, NOW.date(), now=NOW)
    question = funnels_ready.READY[name].question
    with reading(company, PRODUCT, now=NOW) as view:
        stored = funnels_read.ready(view, name, DAY, WEEK)
        raw = funnels_read.counted(funnels_read.walked(view, question, DAY, WEEK), DAY, WEEK)
        units = funnels_read.ready_walked(view, name, DAY, WEEK).rows

    assert raw.steps[0].reached > 0
    assert stored.steps == raw.steps
    assert stored.waiting == raw.waiting
    assert plain(units) == plain(read(company, question))


def entries(database: Database) -> list[tuple[object, ...]]:
    table = FunnelEntry.__table__
    with database.primary.connect() as connection:
        return [tuple(row) for row in connection.execute(table.select().order_by(*table.primary_key.columns))]


def test_a_day_that_is_counted_again_comes_out_the_same_and_one_that_was_missed_is_made_good(
    company: Database,
) -> None:
    counting.run(company, NOW.date(), now=NOW)
    once = entries(company)
    with company.primary.begin() as connection:
        connection.execute(delete(FunnelEntry).where(FunnelEntry.funnel == "plans"))
    again = counting.run(company, NOW.date(), since=DAY, now=NOW)

    assert entries(company) == once
    assert again.days == 3 * 17


def test_a_later_day_comes_with_the_next_run_and_an_open_window_goes_on(company: Database) -> None:
    early = at(48)
    counting.run(company, early.date(), now=early)
    before = entries(company)
    counting.run(company, NOW.date(), now=NOW)
    fresh = entries(company)
    with company.primary.begin() as connection:
        connection.execute(delete(FunnelEntry))
    counting.run(company, NOW.date(), since=DAY, now=NOW)

    assert before != fresh
    assert entries(company) == fresh


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (WEEK, DAY, "turned round"),
        (date(2027, 1, 1), date(2027, 2, 1), "has not begun yet"),
        (date(2020, 1, 1), date(2026, 1, 1), "more than two years"),
    ],
)
def test_days_that_make_no_period_are_told_in_a_sentence(
    sqlite: Database, since: date, until: date, said: str
) -> None:
    with reading(sqlite, PRODUCT, now=NOW) as view, pytest.raises(Invalid, match=said):
        funnels_read.ready(view, "plans", since, until)


def test_a_step_or_a_funnel_that_nobody_knows_is_told_in_a_sentence(sqlite: Database) -> None:
    unknown = Question((Step("event:x"), Step("telepathy")))

    with reading(sqlite, PRODUCT, now=NOW) as view:
        with pytest.raises(Invalid, match="cannot be a step"):
            funnels_read.walked(view, unknown, DAY, WEEK)
        with pytest.raises(NotFound, match="ready-made ones are"):
            funnels_read.ready(view, "telepathy", DAY, WEEK)


def test_support_does_not_read_funnels(sqlite: Database) -> None:
    support = Actor("s", "support@example.org", Role.SUPPORT)

    with pytest.raises(NotAllowed), reading(sqlite, support, now=NOW) as view:
        funnels_read.ready(view, "plans", DAY, WEEK)


def test_every_name_that_occurs_can_be_a_step(company: Database) -> None:
    with reading(company, PRODUCT, now=NOW) as view:
        known = funnels_read.known_whats(view)

    assert {"event:plan_viewed", "event:checkin_completed", "step:partner_joined", "paid"} <= set(known)
