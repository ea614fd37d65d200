"""Errors are put into groups as they come; groups are weighed; rows follow their group."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import working
from lib.jobs import error_groups, error_rows
from lib.jobs.error_groups import Grouped
from lib.models import AuditEntry, ErrorDay, ErrorGroup, ErrorLog, ErrorMoney, ErrorOccurrence, masks
from lib.services import error_groups as desk
from tests.factories import NOW, make_couple, make_error, make_payment, make_refund, make_user
from tests.metrics.ledger import entry

PRODUCT = Actor("staff_product", "product@example.org", Role.PRODUCT)
STACK = "TypeError: x\n    at applyDiscount (src/billing/checkout.ts:{line}:17)"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of the test's own, on each engine in turn."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


def run(database: Database, now: datetime = NOW) -> Grouped:
    return error_groups.run(database, now)


def groups(database: Database, *columns: Any) -> list[tuple[Any, ...]]:
    """These columns of every group, the one with the most errors first."""
    table = ErrorGroup.__table__
    statement = select(*(table.c[column.key] for column in columns)).order_by(table.c.errors.desc())
    with masks.unmasked(), database.primary.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def only(database: Database, *columns: Any) -> tuple[Any, ...]:
    [found] = groups(database, *columns)
    return found


def resolved(database: Database) -> dict[str, tuple[bool | None, datetime | None]]:
    with database.primary.connect() as connection:
        rows = connection.execute(select(ErrorLog.id, ErrorLog.resolved, ErrorLog.resolved_at))
        return {row.id: (row.resolved, row.resolved_at) for row in rows}


def act(database: Database, function: Any, *arguments: Any, now: datetime = NOW, **given: Any) -> Any:
    with working(database, PRODUCT, now=now) as work:
        return function(work, *arguments, **given)


def group_id(database: Database) -> str:
    return str(only(database, ErrorGroup.id)[0])


def test_errors_of_one_fault_are_one_group_with_its_counts(database: Database) -> None:
    anna, couple = make_user(database), make_couple(database)
    for number in range(3):
        make_error(
            database,
            f"e{number}",
            stack_trace=STACK.format(line=number),
            severity=("low", "critical", "high")[number],
            user_id=anna,
            relationship_id=couple if number else None,
            created_at=NOW - number * DAY,
        )
    make_error(database, "other", error_type="NetworkError")
    done = run(database)

    assert done == Grouped(errors=4, weighed=2, followed=0)
    first, second = groups(
        database,
        ErrorGroup.errors,
        ErrorGroup.severity,
        ErrorGroup.state,
        ErrorGroup.people,
        ErrorGroup.couples,
    )
    assert (first, second) == ((3, "critical", "new", 1, 1), (1, "medium", "new", 0, 0))
    assert groups(database, ErrorGroup.first_seen, ErrorGroup.last_seen)[0] == (NOW - 2 * DAY, NOW)
    assert groups(database, ErrorGroup.trend)[0][0].split()[-3:] == ["1", "1", "1"]


def test_a_later_run_looks_only_at_what_came_since_and_counts_nothing_twice(database: Database) -> None:
    make_error(database, "e1", created_at=NOW - 5 * DAY)
    run(database)
    make_error(database, "e2", created_at=NOW)
    make_error(database, "late", created_at=NOW - 30 * MINUTE)
    second = run(database, NOW + MINUTE)
    third = run(database, NOW + 2 * MINUTE)

    assert (second.errors, third.errors) == (2, 0)
    assert only(database, ErrorGroup.errors) == (3,)


def test_once_a_day_all_rows_are_compared_for_some_come_very_late(database: Database) -> None:
    run(database)
    make_error(database, "from_a_telephone_without_a_network", created_at=NOW - 9 * DAY)
    soon = run(database, NOW + HOUR)
    next_day = run(database, NOW + DAY)

    assert (soon.errors, next_day.errors) == (0, 1)


def test_a_run_that_was_killed_leaves_whole_batches_and_the_next_one_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        make_error(database, f"e{number}", created_at=NOW - number * MINUTE)
    batches = iter(range(2))

    def killed_after_one(*arguments: Any, **given: Any) -> Any:
        if next(batches) == 1:
            raise KeyboardInterrupt
        return newcomers(*arguments, **given | {"limit": 2})

    newcomers = error_groups.newcomers
    monkeypatch.setattr(error_groups, "newcomers", killed_after_one)
    with pytest.raises(KeyboardInterrupt):
        run(database)
    monkeypatch.undo()
    counted_before = only(database, ErrorGroup.errors)
    run(database, NOW + 11 * MINUTE)

    assert counted_before == (2,)
    assert only(database, ErrorGroup.errors) == (5,)
    with database.primary.connect() as connection:
        assert connection.scalar(select(func.sum(ErrorDay.errors))) == 5


def test_moments_ahead_of_us_and_missing_ones_count_from_when_they_were_read(database: Database) -> None:
    make_error(database, "ahead", created_at=NOW + 4000 * DAY)
    make_error(database, "undated", created_at=None)
    run(database)
    make_error(database, "next", created_at=NOW + MINUTE)
    run(database, NOW + 2 * MINUTE)

    assert only(database, ErrorGroup.errors, ErrorGroup.odd_clocks) == (3, 2)
    assert only(database, ErrorGroup.first_seen, ErrorGroup.last_seen) == (NOW, NOW + MINUTE)


def test_a_megabyte_of_stack_and_no_type_are_grouped(database: Database) -> None:
    make_error(database, "huge", error_type="", stack_trace="\n    at x (src/a.ts:1:1)" * 60_000)
    make_error(database, "odd", error_type="", error_message="\x1b\x07 beep")
    run(database)

    assert set(groups(database, ErrorGroup.error_type)) == {("Error without a type",)}
    assert len(groups(database, ErrorGroup.id)) == 2


def test_texts_that_are_not_utf_8_and_blobs_are_grouped(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    for key, message in (("text", "CAST(X'FF61' AS TEXT)"), ("blob", "X'FF00FE'")):
        make_error(database, key)
        with database.primary.begin() as connection:
            connection.exec_driver_sql(f"UPDATE error_logs SET error_message = {message} WHERE id = '{key}'")
    run(database)
    found = groups(database, ErrorGroup.title)
    database.dispose()

    assert sorted(found) == [("The app noted no message.",), ("a",)]


def test_what_failed_or_was_asked_back_within_48_hours_after_is_the_cost(database: Database) -> None:
    anna, ben = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=anna, user_2_id=ben)
    entry(database, NOW - 90 * DAY, relationship_id=couple)
    for number, moment in enumerate((NOW - 9 * DAY, NOW - 3 * DAY)):
        make_error(database, f"e{number}", user_id=anna, relationship_id=couple, created_at=moment)
    for key, user, after, status in (
        ("before", anna, -HOUR, "failed"),
        ("at_once", anna, MINUTE, "failed"),
        ("paid", anna, HOUR, "succeeded"),
        ("just", anna, 48 * HOUR, "failed"),
        ("too_late", anna, 49 * HOUR, "failed"),
        ("somebody_else", ben, HOUR, "failed"),
    ):
        make_payment(database, id=key, user_id=user, status=status, created_at=NOW - 3 * DAY + after)
    for key, status in (("asked", "pending"), ("denied", "denied")):
        make_refund(
            database,
            id=key,
            transaction_id="paid",
            user_id=anna,
            refund_amount_cents=1000,
            status=status,
            requested_at=NOW - 2 * DAY,
        )
    run(database)
    with database.primary.connect() as connection:
        money = connection.execute(select(ErrorMoney.__table__)).one()

    assert (money.failed_payments, money.failed_cents) == (2, 6000)
    assert (money.refund_requests, money.refund_cents) == (1, 1000)
    assert (money.couples, money.arr_cents) == (1, 36_000)
    assert only(database, ErrorGroup.cost_cents, ErrorGroup.arr_cents) == (7000, 36_000)


def test_a_payment_that_comes_later_is_found_and_one_that_succeeds_at_last_costs_nothing(
    database: Database,
) -> None:
    anna = make_user(database)
    make_error(database, "e1", user_id=anna)
    run(database)
    make_payment(database, id="p1", user_id=anna, status="failed", created_at=NOW + HOUR)
    run(database, NOW + 2 * HOUR)
    costs = only(database, ErrorGroup.cost_cents)
    with database.primary.begin() as connection:
        connection.exec_driver_sql("UPDATE payment_transactions SET status = 'succeeded' WHERE id = 'p1'")
    run(database, NOW + 4 * HOUR)

    assert costs == (3000,)
    assert only(database, ErrorGroup.cost_cents) == (0,)


def test_a_group_that_is_resolved_takes_its_rows_with_it_and_back_when_it_is_opened_again(
    database: Database,
) -> None:
    make_error(database, "earlier", resolved=True, resolved_at=NOW - DAY)
    for number in range(3):
        make_error(database, f"e{number}", created_at=NOW - HOUR)
    run(database)
    act(database, desk.resolve, [group_id(database)])
    is_due = error_groups.is_due(database, NOW + MINUTE)
    followed = run(database, NOW + MINUTE).followed
    after = resolved(database)
    act(database, desk.reopen, group_id(database), now=NOW + 2 * MINUTE)
    run(database, NOW + 3 * MINUTE)

    assert is_due
    assert followed == 4
    assert after == {"earlier": (True, NOW - DAY), **{f"e{number}": (True, NOW) for number in range(3)}}
    assert resolved(database) == {
        "earlier": (True, NOW - DAY),
        **{f"e{number}": (False, None) for number in range(3)},
    }
    assert only(database, ErrorGroup.rows_due, ErrorGroup.rows_id) == (None, None)


def test_rows_follow_in_bounded_batches_and_whoever_is_killed_between_loses_nothing(
    database: Database,
) -> None:
    for number in range(5):
        make_error(database, f"e{number}", created_at=NOW - number * MINUTE)
    run(database)
    key = group_id(database)
    act(database, desk.resolve, [key])
    steps = []
    for _ in range(2):
        with working(database, error_rows.ACTOR, now=NOW) as work:
            steps.append(error_rows.follow_group(work, key, 2))
    half_way = [flag for flag, _ in resolved(database).values()]
    run(database, NOW + MINUTE)

    assert steps == [2, 2]
    assert sorted(map(bool, half_way)) == [False, True, True, True, True]
    assert set(resolved(database).values()) == {(True, NOW)}


def test_the_next_error_of_a_resolved_group_makes_it_regressed_and_stays_open(database: Database) -> None:
    make_error(database, "e1", created_at=NOW - HOUR)
    run(database)
    act(database, desk.resolve, [group_id(database)])
    make_error(database, "late", created_at=NOW - 30 * MINUTE)
    run(database, NOW + MINUTE)
    late = only(database, ErrorGroup.state)
    make_error(database, "back", created_at=NOW + 5 * MINUTE)
    run(database, NOW + 6 * MINUTE)

    assert late == ("resolved",)
    assert only(database, ErrorGroup.state, ErrorGroup.regressed_at) == ("regressed", NOW + 5 * MINUTE)
    assert resolved(database) == {"e1": (True, NOW), "late": (True, NOW), "back": (False, None)}


def test_what_the_app_had_resolved_already_is_resolved_and_what_came_after_that_is_regressed(
    database: Database,
) -> None:
    mended = {"resolved": True, "resolved_at": NOW - 20 * DAY, "created_at": NOW - 21 * DAY}
    make_error(database, "e1", **mended)
    make_error(database, "e2", error_type="NetworkError", **mended)
    make_error(database, "e3", error_type="NetworkError")
    run(database)

    assert groups(database, ErrorGroup.state, ErrorGroup.resolved_at) == [
        ("regressed", NOW - 20 * DAY),
        ("resolved", NOW - 20 * DAY),
    ]


def test_an_ignored_group_is_heard_of_again_when_the_day_comes(database: Database) -> None:
    make_error(database, "e1", created_at=NOW - 20 * DAY)
    run(database)
    act(database, desk.ignore, group_id(database), until=(NOW + DAY).date())
    run(database, NOW + HOUR)
    asleep = only(database, ErrorGroup.state)
    run(database, NOW + DAY)

    assert (asleep, only(database, ErrorGroup.state)) == (("ignored",), ("ongoing",))


def test_a_run_that_is_long_ends_early_and_the_next_one_is_due_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = error_groups.newcomers
    monkeypatch.setattr(
        error_groups, "newcomers", lambda *read, **given: original(*read, **given | {"limit": 2})
    )
    for number in range(5):
        make_error(database, f"e{number}", created_at=NOW - number * HOUR)
    first = error_groups.run(database, NOW, most=2)
    is_due = error_groups.is_due(database, NOW)
    rest = error_groups.run(database, NOW, most=10)

    assert (first.errors, is_due, rest.errors) == (2, True, 3)
    assert not error_groups.is_due(database, NOW)


def test_it_is_due_five_minutes_later_if_errors_came_and_else_each_hour(database: Database) -> None:
    never = error_groups.is_due(database, NOW)
    run(database)
    quiet = error_groups.is_due(database, NOW + 6 * MINUTE)
    make_error(database, "e1", created_at=NOW + MINUTE)

    assert (never, quiet) == (True, False)
    assert not error_groups.is_due(database, NOW + 4 * MINUTE)
    assert error_groups.is_due(database, NOW + 5 * MINUTE)
    assert error_groups.is_due(database, NOW + HOUR)


def test_rows_that_the_app_removed_are_let_go_and_their_counts_stay(database: Database) -> None:
    for key, moment in (("old", NOW - 91 * DAY), ("recent", NOW)):
        make_error(database, key, created_at=moment)
    run(database)
    with database.primary.begin() as connection:
        connection.exec_driver_sql("DELETE FROM error_logs WHERE id = 'old'")
    run(database, NOW + DAY)
    with database.primary.connect() as connection:
        kept = list(connection.scalars(select(ErrorOccurrence.error_id)))

    assert kept == ["recent"]
    assert only(database, ErrorGroup.errors) == (2,)


def test_nobodys_message_is_kept_in_the_audit_trail(database: Database) -> None:
    make_error(database, "e1", error_message="mail to anna@example.org failed")
    run(database)
    with database.primary.connect() as connection:
        payloads = list(connection.scalars(select(AuditEntry.payload)))
        kept = connection.scalar(select(func.count()).select_from(ErrorOccurrence))

    assert kept == 1
    assert not [payload for payload in payloads if payload and "anna" in payload]
