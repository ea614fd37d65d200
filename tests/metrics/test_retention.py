"""Retention: the rules one by one, and from the database the same as from the events themselves."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.work import reading
from lib.jobs import retention as counting
from lib.metrics import retention, retention_read, retention_table
from lib.metrics.retention import Definition
from lib.metrics.retention_read import READY, Asked
from lib.models import AnalyticsEvent, RetentionCell, UserSession
from tests.factories import make_couple, make_payment, make_refund, make_user, write
from tests.metrics.test_funnels import EXAMPLES

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)  # a Wednesday
FIRST = date(2026, 4, 27)
PRODUCT = Actor("p", "product@example.org", Role.PRODUCT)
numbers = itertools.count()

Happened = Sequence[tuple[str, datetime]]


def on(day: str, hour: int = 9) -> datetime:
    return datetime.fromisoformat(f"2026-{day}").replace(hour=hour, tzinfo=UTC)


def by_hand(definition: Definition, events: Happened, periods: int) -> dict[tuple[int, int], int]:
    """Every cell by looking at every person, cohort and age in turn."""
    start = retention.number_of(FIRST, definition)
    counts: dict[tuple[int, int], int] = {}
    for who in {one for one, _ in events}:
        mine = sorted(at for one, at in events if one == who)
        cohorts: dict[int, datetime] = {}
        for at in mine:
            cohorts.setdefault(retention.number_of(at.date(), definition) - start, at)
        if definition.cohort == "first":
            cohorts = dict(list(cohorts.items())[:1])
        for cohort, began in cohorts.items():
            if not 0 <= cohort < periods:
                continue
            ages = [retention.age_of(definition, began, at) for at in mine if at >= began]
            kept = {age for age in ages if ages.count(age) >= definition.times and 0 < age < periods - cohort}
            if definition.counting == "on_or_after":
                kept = set(range(1, max(kept, default=0) + 1))
            for age in {0, *kept}:
                counts[cohort, age] = counts.get((cohort, age), 0) + 1
    return counts


definitions = st.builds(
    Definition,
    st.sampled_from(retention.PERIODS),
    st.sampled_from(retention.COHORTS),
    st.sampled_from(retention.BUCKETS),
    st.sampled_from(retention.COUNTINGS),
    st.integers(1, 2),
    st.sampled_from(retention.WEEK_STARTS),
)
happenings = st.lists(
    st.tuples(st.sampled_from(["anna", "ben"]), st.integers(-200, 23 * 24)), min_size=1, max_size=8
).map(lambda rows: [(who, datetime(2026, 4, 27, tzinfo=UTC) + timedelta(hours=at)) for who, at in rows])


@pytest.mark.sized
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(definition=definitions, events=happenings)
def test_every_cell_is_what_one_finds_by_looking_at_everybody(
    definition: Definition, events: Happened
) -> None:
    rows = retention.frame(events)
    first = retention.start_of(FIRST, definition)
    members = retention.members(definition, rows, first, 4)
    came = retention.returned(definition, members, rows, first, 4)

    assert retention.counts_of(definition, came) == by_hand(definition, events, 4)


@pytest.mark.parametrize(
    ("buckets", "until", "mature"),
    [
        # Born in the week of 27 April; its first week after ended on 10 May, or for the last-born on 17 May.
        ("calendar", on("05-10"), False),
        ("calendar", on("05-11", 0), True),
        ("rolling", on("05-17"), False),
        ("rolling", on("05-18", 0), True),
    ],
)
def test_a_cell_is_mature_when_its_time_is_over_for_the_last_one(
    buckets: str, until: datetime, mature: bool
) -> None:
    definition = Definition("week", buckets=buckets)
    cohorts, _ = retention.table(definition, {(0, 0): 2, (0, 1): 1}, FIRST, 6, until)

    assert cohorts[0].cells[1].mature is mature


def test_nobody_is_in_an_average_before_the_time_is_over() -> None:
    counts = {(0, 0): 4, (0, 1): 1, (1, 0): 4, (1, 1): 4}
    cohorts, averages = retention.table(Definition(), counts, FIRST, 3, on("05-13"))

    assert [[cell.mature for cell in each.cells] for each in cohorts] == [
        [True, True, False],
        [True, False],
        [False],
    ]
    assert (averages[1].pooled, averages[1].cohorts, averages[1].people) == (Fraction(1, 4), 1, 4)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"period": "fortnight"}, "is not one of"),
        ({"buckets": "square"}, "is not one of"),
        ({"times": 0}, "Ask for 1 time or more"),
    ],
)
def test_a_definition_that_is_none_is_told_in_a_sentence(choice: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        Definition(**choice)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "choice", [{"cohorts": 0}, {"cohorts": 99}, {"beginning": "every_use"}, {"unit": "family"}]
)
def test_what_cannot_be_asked_is_told_in_a_sentence(choice: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=r"\.$"):
        Asked(**choice)  # type: ignore[arg-type]


def test_the_definition_names_every_choice() -> None:
    asked = Asked(
        "paid", "every_use", Definition("month", "recurring", "rolling", "on_or_after", 2), "person"
    )
    said = retention_table.definition(asked)

    for words in ("People", "anew in each period", "subscription paid", "30 days", "2 times", "or any later"):
        assert words in said
    assert "paid back does not count" in said


@pytest.fixture
def couples(database: Database) -> Database:
    """Anna and Ben, whose accounts are of 28 April and 6 May, and Carla and Dan of 5 May."""
    for couple, people in (
        ("a", {"anna": "04-28", "ben": "05-06"}),
        ("c", {"carla": "05-05", "dan": "05-05"}),
    ):
        for person, day in people.items():
            make_user(database, id=person, created_at=on(day))
        first, second = people
        make_couple(database, id=couple, user_1_id=first, user_2_id=second)
    return database


def visit(database: Database, person: str, couple: str, day: str) -> None:
    start = on(day, 10)
    key = f"ses_{next(numbers)}"
    write(database, UserSession, id=key, user_id=person, relationship_id=couple, session_start=start)


def counts(database: Database, asked: Asked) -> list[list[int]]:
    with reading(database, PRODUCT, now=NOW) as view:
        found = retention_read.counted(retention_read.kept(view, asked))
    return [[cell.returned for cell in cohort.cells] for cohort in found.cohorts]


def test_couples_begin_with_their_first_account_and_either_brings_them_back(couples: Database) -> None:
    for person, couple, day in (("anna", "a", "05-05"), ("ben", "a", "05-14"), ("carla", "c", "05-20")):
        visit(couples, person, couple, day)

    assert counts(couples, Asked(cohorts=4)) == [[1, 1, 1, 0], [1, 0, 1], [0, 0], [0]]
    assert counts(couples, Asked(cohorts=4, unit="person")) == [[1, 1, 0, 0], [3, 1, 1], [0, 0], [0]]


def test_who_first_did_it_before_the_oldest_cohort_is_in_none(couples: Database) -> None:
    visit(couples, "anna", "a", "03-02")
    visit(couples, "anna", "a", "05-05")

    assert counts(couples, Asked(beginning="first_use", cohorts=4)) == [[0, 0, 0, 0], [0, 0, 0], [0, 0], [0]]


def test_a_period_in_which_a_payment_was_paid_back_does_not_count(couples: Database) -> None:
    for day in ("04-28", "05-05", "05-12"):
        payment = make_payment(couples, user_id="anna", relationship_id="a", created_at=on(day))
    make_refund(couples, transaction_id=payment, user_id="anna", status="processed", processed_at=on("05-13"))

    assert counts(couples, Asked("paid", "first_use", cohorts=4))[0] == [1, 1, 0, 0]


@pytest.mark.sized
@settings(
    max_examples=max(6, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(definition=definitions, events=happenings)
def test_the_database_says_the_same_as_the_events(
    couples: Database, definition: Definition, events: Happened
) -> None:
    with couples.primary.begin() as connection:
        connection.execute(delete(AnalyticsEvent))
    for who, moment in events:
        key = f"evn_{next(numbers)}"
        given_by = {"event_name": "x", "event_category": "system", "user_id": who, "relationship_id": "a"}
        write(couples, AnalyticsEvent, id=key, created_at=moment, **given_by)
    beginning = "every_use" if definition.cohort == "recurring" else "first_use"
    asked = Asked("event:x", beginning, definition, "person", 4)
    with reading(couples, PRODUCT, now=NOW) as view:
        found = retention_read.kept(view, asked)
    rows, first = retention.frame(events), asked.first(NOW.date())
    members = retention.members(definition, rows, first, 4)
    pure = retention.returned(definition, members, rows, first, 4)

    assert retention.counts_of(definition, found.came) == retention.counts_of(definition, pure)


def test_what_the_job_counted_is_what_the_raw_rows_say_and_a_second_run_changes_nothing(
    couples: Database,
) -> None:
    visit(couples, "anna", "a", "05-05")
    counting.run(couples, NOW)
    counting.run(couples, NOW)
    with couples.primary.connect() as connection:
        cells = connection.execute(RetentionCell.__table__.select()).all()

    assert len(cells) == len(READY) * 24 * 25 // 2
    for ready in READY.values():
        asked = Asked(ready.what, ready.beginning, ready.definition, ready.unit, 8)
        with reading(couples, PRODUCT, now=NOW) as view:
            stored = retention_read.ready(view, asked)
            raw = retention_read.counted(retention_read.kept(view, asked))
        assert (stored.cohorts, stored.averages) == (raw.cohorts, raw.averages)


def test_those_of_a_cell_are_those_that_it_counts(couples: Database) -> None:
    visit(couples, "anna", "a", "05-05")
    with reading(couples, PRODUCT, now=NOW) as view:
        found = retention_read.kept(view, Asked(cohorts=4))

    assert [each.unit for each in retention_read.of_cell(found, FIRST, 1, back=True)] == ["a"]
    assert [each.unit for each in retention_read.of_cell(found, FIRST, 2, back=False)] == ["a"]
    assert [each.unit for each in retention_read.of_cell(found, date(2026, 5, 4), 0, back=True)] == ["c"]
