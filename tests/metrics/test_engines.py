"""One engine on SQLite, on PostgreSQL and in DuckDB: of any history they say the same, by every policy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.metrics import mrr
from lib.metrics.columnar import copy_of_ledger
from lib.metrics.policies import HOUSE, POLICIES, PROFITWELL, Policy, counted_in
from lib.metrics.standing import standing_at
from lib.models import SubscriptionChange
from tests.metrics.ledger import DESK, NOW, day, entry, moved
from tests.metrics.test_roll_forward import ANY, DAYS, FIRST, LAST, histories, write
from tests.sized import times

EVERY = tuple(POLICIES.values())
BOTH = [policy for policy in EVERY if policy.same_month == "both"]


def moves(ledger: mrr.Ledger, policies: Sequence[Policy] = EVERY) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ledger.execute(mrr.couple_moves(policies, FIRST, LAST))]


def segments(ledger: mrr.Ledger, policies: Sequence[Policy] = EVERY) -> set[tuple[Any, ...]]:
    return {
        (*row[:-2], int(row[-2]), int(row[-1]))
        for row in ledger.execute(mrr.segment_changes(policies, FIRST, LAST))
    }


def check_copy(database: Database, history: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The copy in DuckDB says what the database says; gives what both say."""
    write(database, history)
    with reading(database, DESK, now=NOW) as view, copy_of_ledger(view.session) as copy:
        said = moves(view.session)

        assert moves(copy) == said
        assert segments(copy) == segments(view.session)
        stands = standing_at(view.session, LAST, EVERY)
        assert standing_at(copy, LAST, EVERY) == stands
        for policy in EVERY:
            segments_now = mrr.segments_at(view.session, LAST, policy)
            couples_now = mrr.couples_at(view.session, LAST, policy)
            assert mrr.segments_at(copy, LAST, policy) == segments_now == stands[policy.name].segments
            assert mrr.couples_at(copy, LAST, policy) == couples_now
            paying = {currency: number for currency, number in stands[policy.name].couples.items() if number}
            assert paying == couples_now
    return said


@pytest.mark.sized
@given(histories)
@settings(max_examples=times(6, 75), **ANY)
def test_duckdb_says_what_sqlite_says(sqlite: Database, history: list[dict[str, Any]]) -> None:
    check_copy(sqlite, history)


@pytest.mark.sized
@pytest.mark.postgres
@given(histories)
@settings(max_examples=times(3, 25), **ANY)
def test_postgresql_says_what_sqlite_and_duckdb_say(
    sqlite: Database, postgres_url: str, history: list[dict[str, Any]]
) -> None:
    database = Database(postgres_url)
    try:
        on_postgresql, on_sqlite = check_copy(database, history), check_copy(sqlite, history)
    finally:
        database.dispose()

    def told(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [row[:-1] for row in rows]  # without the entry's number, which each database gives anew

    assert told(on_postgresql) == told(on_sqlite)


@pytest.mark.sized
@given(histories)
@settings(max_examples=times(10, 100), **ANY)
def test_a_movement_that_policies_share_is_what_each_of_them_says_alone(
    sqlite: Database, history: list[dict[str, Any]]
) -> None:
    write(sqlite, history)
    with Session(sqlite.primary.execution_options(writes=False)) as session:
        shared = moves(session)
        for policy in EVERY:
            alone = moves(session, (policy,))
            mine = [(*row[:3], policy.bit, *row[4:]) for row in shared if row[3] & policy.bit]

            assert mine == alone


@pytest.mark.sized
@given(histories, st.sampled_from(EVERY), st.sampled_from(["USD", "EUR"]))
@settings(max_examples=times(10, 100), **ANY)
def test_mrr_by_day_is_what_stood_at_the_end_of_each_day(
    sqlite: Database, history: list[dict[str, Any]], policy: Policy, currency: str
) -> None:
    write(sqlite, history)
    with Session(sqlite.primary.execution_options(writes=False)) as session:
        found = mrr.by_day(session, DAYS[2], LAST, policy, currency)
        stood = [
            (
                on,
                sum(
                    arr
                    for segment, (arr, _) in mrr.segments_at(session, on, policy).items()
                    if segment.currency == currency
                ),
            )
            for on in DAYS[2:]
        ]

    assert found == stood


@pytest.mark.sized
@given(histories)
@settings(max_examples=times(10, 100), **ANY)
def test_an_entry_holds_until_the_next_one_of_its_subscription_in_whatever_order_they_are_added(
    sqlite: Database, history: list[dict[str, Any]]
) -> None:
    write(sqlite, history)
    with sqlite.primary.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT superseded_at, lead(effective_at) OVER (PARTITION BY subscription_id "
                "ORDER BY effective_at, seq) FROM subscription_changes"
            )
        ).all()

    assert [kept for kept, _ in rows] == [following for _, following in rows]


@pytest.mark.sized
@given(histories, histories, st.sampled_from(EVERY))
@settings(max_examples=times(10, 100), **ANY)
def test_what_was_known_at_a_moment_never_changes(
    sqlite: Database, known: list[dict[str, Any]], late: list[dict[str, Any]], policy: Policy
) -> None:
    as_of = datetime(2026, 6, 20, tzinfo=UTC)
    write(sqlite, known)

    def said() -> list[Any]:
        with reading(sqlite, DESK, now=NOW) as view:
            standing = [mrr.mrr_at(view, on, policy, as_of=as_of) for on in (DAYS[5], LAST)]
            gone = mrr.couple_moves((policy,), FIRST, LAST, as_of=as_of)
            return [*standing, *view.session.execute(gone).all()]

    before = said()
    with sqlite.primary.begin() as connection:
        connection.execute(
            insert(SubscriptionChange),
            [values | {"recorded_at": as_of + timedelta(seconds=1)} for values in late],
        )

    assert said() == before


@pytest.mark.sized
@given(histories)
@settings(max_examples=times(10, 100), **ANY)
def test_without_anything_late_as_of_now_is_now(sqlite: Database, history: list[dict[str, Any]]) -> None:
    write(sqlite, history)
    with Session(sqlite.primary.execution_options(writes=False)) as session:
        statement = mrr.couple_moves(EVERY, FIRST, LAST, as_of=NOW)

        assert [tuple(row) for row in session.execute(statement)] == moves(session)


@pytest.mark.sized
@given(histories)
@settings(max_examples=times(10, 100), **ANY)
def test_whoever_comes_and_goes_within_a_month_is_neither_where_the_policy_says_so(
    sqlite: Database, history: list[dict[str, Any]]
) -> None:
    """June begins with nothing, so whatever happens in it is arrival: the month gains what it ends with."""
    write(sqlite, history)
    sums: Counter[tuple[str, str]] = Counter()
    couples: Counter[str] = Counter()
    for _, currency, movement, arr, number in moved(sqlite, "06-01", "06-14", PROFITWELL):
        sums[currency, movement] += arr
        couples[currency] += number
    with reading(sqlite, DESK, now=NOW) as view:
        standing = {each.currency: each for each in mrr.mrr_at(view, LAST, PROFITWELL)}

    assert {movement for _, movement in sums} <= {"new"}
    for currency in {currency for currency, _ in sums}:
        there = standing.get(currency)
        assert sums[currency, "new"] == (there.arr_cents if there else 0)
        assert couples[currency] == (there.couples if there else 0)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu"])
def test_a_day_is_the_zones_on_every_database(database: Database, zone: str) -> None:
    policy = replace(HOUSE, zone=zone)
    at = [
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC) + timedelta(hours=7 * number, days=13 * (number % 17))
        for number in range(40)
    ]
    for number, moment in enumerate(at):
        entry(database, moment, subscription_id=f"s{number}", relationship_id=f"c{number}")
    since, until = date(2026, 3, 1), date(2026, 12, 31)
    expected = Counter(moments.day_of(moment, zone) for moment in at)
    statement = mrr.couple_moves((policy,), since, until)
    with reading(database, DESK, now=NOW) as view, copy_of_ledger(view.session) as copy:
        found = Counter(row.day for row in view.session.execute(statement))
        in_copy = Counter(row.day for row in copy.execute(statement))
        by_day = dict(mrr.by_day(view.session, since, until, policy))

    assert found == in_copy == expected
    assert by_day[until] == sum(expected.values()) * 36_000
    first = min(expected)
    assert (by_day[first - timedelta(days=1)], by_day[first]) == (0, expected[first] * 36_000)


def test_a_day_on_which_clocks_are_moved_is_an_hour_shorter_or_longer() -> None:
    lengths = [
        end - start
        for start, end in (
            moments.day_bounds(day(on), "Europe/Berlin") for on in ("2026-03-29", "2026-10-25")
        )
    ]

    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


def test_amounts_below_zero_tie_as_well(sqlite: Database) -> None:
    entry(sqlite, "06-01", -1_200)
    entry(sqlite, "06-03", -600)
    entry(sqlite, "06-05", 2_400)
    entry(sqlite, "06-07", 0)

    assert [row[2:] for row in moved(sqlite, "06-01", "06-10")] == [
        ("new", -1_200, 1),
        ("expansion", 600, 1),
        ("expansion", 3_000, 1),
        ("churn", 2_400, 1),
    ]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_python_and_sql_count_the_same_row_alike(database: Database, policy: Policy) -> None:
    entry(database, "06-01", 36_000, net_arr_cents=18_000, forever_arr_cents=6_000, goodwill_arr_cents=2_000)
    with reading(database, DESK, now=NOW) as view:
        (row,) = view.session.scalars(select(SubscriptionChange))
        (standing,) = mrr.mrr_at(view, day("06-01"), policy)

    assert standing.arr_cents == counted_in(policy, row)


def test_the_bits_of_policies_are_apart() -> None:
    assert sum(policy.bit for policy in EVERY) == (1 << len(EVERY)) - 1
