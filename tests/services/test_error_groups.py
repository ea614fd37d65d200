"""The list of groups and its search, one group, and what staff do with it."""

from datetime import timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading, working
from lib.jobs import error_groups as job
from lib.services import error_groups, error_logs
from lib.services.error_groups.asking import Wanted, understood
from tests.factories import (
    NOW,
    assign,
    make_arm,
    make_couple,
    make_error,
    make_payment,
    make_staff,
    make_user,
)
from tests.staff import FINANCE, PRODUCT, SUPPORT

STACK = """TypeError: x
    at applyDiscount (src/billing/checkout.ts:52:17)
    at POST /api/checkout (src/routes/checkout.ts:41:9)
    at dispatch (node_modules/hono/dist/compose.js:22:17)"""
CHECKOUT, SYNC, PUSH = "CheckoutError", "SyncError", "PushError"


@pytest.fixture
def database(sqlite: Database) -> Database:
    """Three groups: a checkout that fails Anna, for money; a sync that fails Ben; a push for nobody."""
    make_couple(
        sqlite, id="c1", user_1_id=make_user(sqlite, id="anna"), user_2_id=make_user(sqlite, id="ben")
    )
    make_error(
        sqlite,
        "e1",
        error_type=CHECKOUT,
        error_message="no coupon for anna@example.org",
        severity="critical",
        stack_trace=STACK,
        user_id="anna",
        relationship_id="c1",
        page_url="https://app.example.com/checkout?step=2",
        created_at=NOW - timedelta(hours=3),
    )
    make_error(
        sqlite, "e2", error_type=SYNC, user_id="ben", page_url="/home", created_at=NOW - timedelta(days=9)
    )
    make_error(sqlite, "e3", error_type=SYNC, user_id="ben", page_url="/home")
    make_error(sqlite, "e4", error_type=PUSH, severity="low", created_at=NOW - timedelta(days=20))
    make_payment(sqlite, id="p1", user_id="anna", status="failed", created_at=NOW - timedelta(hours=2))
    job.run(sqlite, NOW)
    return sqlite


def read(database: Database, function: Any, *args: Any, actor: Any = PRODUCT, **given: Any) -> Any:
    with reading(database, actor, now=NOW) as view:
        return function(view, *args, **given)


def act(database: Database, function: Any, *args: Any, actor: Any = PRODUCT, **given: Any) -> Any:
    with working(database, actor, now=NOW) as work:
        return function(work, *args, **given)


def found(database: Database, q: str = "", **given: Any) -> list[str]:
    """The types of the groups that a search finds, in its order."""
    return [row.error_type for row in read(database, error_groups.error_groups.page, q=q, **given).rows]


def key_of(database: Database, kind: str) -> str:
    [row] = read(database, error_groups.error_groups.page, q=f"type:{kind}").rows
    return str(row.id)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("cost", [CHECKOUT]),
        ("errors", [SYNC]),
        ("last", [SYNC, CHECKOUT, PUSH]),
        ("first", [CHECKOUT, SYNC, PUSH]),
    ],
)
def test_groups_come_in_the_order_that_was_asked_for(
    database: Database, order: str, expected: list[str]
) -> None:
    assert found(database, order=order)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("is:unresolved", {CHECKOUT, SYNC, PUSH}),
        ("is:new", {CHECKOUT}),
        ("is:resolved", set()),
        ("severity:critical", {CHECKOUT}),
        ("severity:critical severity:low", {CHECKOUT, PUSH}),
        ("user:anna", {CHECKOUT}),
        ("user:c1", {CHECKOUT}),
        ("page:/check", {CHECKOUT}),
        ("assigned:nobody", {CHECKOUT, SYNC, PUSH}),
        ("assigned:me", set()),
        ("type:sync is:ongoing", {SYNC}),
        ("COUPON", {CHECKOUT}),
        ("applydiscount", {CHECKOUT}),
        ('"x is undefined"', {SYNC, PUSH}),
        ("e1", {CHECKOUT}),
        ("coupon severity:low", set()),
        ("'\" %_\\", set()),
    ],
)
def test_a_search_finds_by_keys_by_words_and_by_ids(database: Database, q: str, expected: set[str]) -> None:
    assert set(found(database, q)) == expected


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("https://app.example.com", "There is no “https:” to search by. There are is:, severity:"),
        ("foo:bar", "put a text with a colon into quotes"),
        ("is:done", "A group is unresolved, new, ongoing"),
        ("severity:awful", "critical, high, medium, low"),
        ("x" * 201, "at most 200 letters"),
    ],
)
def test_what_cannot_be_searched_by_is_told_in_a_sentence(database: Database, q: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        found(database, q)


def test_a_search_is_read_with_quotes_in_either_case_and_empty_keys_ask_nothing() -> None:
    assert understood('Is:NEW page:"/a b" "TypeError: x" sync') == Wanted(
        states=("new",), pages=("/a b",), words=("TypeError: x", "sync")
    )
    assert understood("  ") == Wanted()
    assert understood("is:unresolved").states == ("new", "ongoing", "escalating", "regressed")


def test_one_group_says_what_it_costs_and_shows_own_frames_before_foreign_ones(database: Database) -> None:
    group = read(database, error_groups.one, key_of(database, CHECKOUT))

    assert [frame.function for frame in group.own] == ["applyDiscount", "POST /api/checkout"]
    assert [frame.function for frame in group.foreign] == ["dispatch"]
    assert (group.money[0].failed_payments, group.money[0].cost_cents) == (1, 3000)
    assert "anna" not in group.title + group.message
    with pytest.raises(NotFound, match="There is no group of errors egr_none"):
        read(database, error_groups.one, "egr_none")


def test_a_group_lists_its_errors_its_people_its_places_and_what_came_of_it(database: Database) -> None:
    key = key_of(database, CHECKOUT)
    errors = read(database, error_groups.occurrences.page, group_id=key).rows
    people = read(database, error_groups.people.page, group_id=key).rows
    after = read(database, error_groups.aftermath.page, group_id=key, costs=True).rows
    places = read(database, error_groups.facets, key)

    assert [row.id for row in errors] == ["e1"]
    assert [(row.user_id, row.relationship_id, row.errors) for row in people] == [("anna", "c1", 1)]
    assert [(row.object_id, row.status, row.cents, row.currency) for row in after] == [
        ("p1", "failed", 3000, "USD")
    ]
    assert [(place.value, place.share) for place in places["page"]] == [("/checkout", 1.0)]


def test_the_arms_of_running_tests_are_counted_and_those_of_ended_ones_are_not(database: Database) -> None:
    for test, end in (("price", None), ("colour", NOW - timedelta(days=1))):
        make_arm(database, test, end_date=end)
        assign(database, f"{test}_control", "anna", "c1")
    found = read(database, error_groups.arms, key_of(database, CHECKOUT))

    assert [(arm.test_name, arm.arm, arm.people, arm.share) for arm in found] == [
        ("price", "control", 1, 1.0)
    ]


def test_what_came_since_the_groups_were_counted_is_told_masked_and_not_kept(database: Database) -> None:
    later = NOW + timedelta(minutes=2)
    make_error(database, "e5", error_type=SYNC, created_at=NOW + timedelta(minutes=1))
    make_error(database, "e6", error_message="hello ben@example.org", error_type="New", created_at=later)
    with reading(database, PRODUCT, now=later) as view:
        tail = error_groups.tail(view)

    assert (tail.since, tail.errors, tail.new) == (NOW, 2, 1)
    assert {(group.error_type, group.is_new) for group in tail.groups} == {(SYNC, False), ("New", True)}
    assert not [group for group in tail.groups if "ben@" in group.title]
    assert len(found(database)) == 3


def test_resolving_several_counts_those_that_were_open_and_refuses_when_none_is(database: Database) -> None:
    keys = [key_of(database, SYNC), key_of(database, PUSH)]
    act(database, error_groups.resolve, keys[:1])
    number = act(database, error_groups.resolve, keys)

    assert number == 1
    assert set(found(database, "is:resolved")) == {SYNC, PUSH}
    with pytest.raises(Refused, match="resolved already"):
        act(database, error_groups.resolve, keys)
    with pytest.raises(Invalid, match="at least one"):
        act(database, error_groups.resolve, [])
    with pytest.raises(NotFound, match="egr_none"):
        act(database, error_groups.resolve, ["egr_none"])


def test_a_group_is_ignored_until_so_many_more_have_come(database: Database) -> None:
    key = key_of(database, SYNC)
    act(database, error_groups.ignore, key, more=2)
    for number in range(2):
        moment = NOW + timedelta(minutes=number + 1)
        make_error(database, f"more{number}", error_type=SYNC, created_at=moment)
        job.run(database, moment)
        state = read(database, error_groups.one, key).state

        assert state == ("ignored", "ongoing")[number]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Say until which day"),
        ({"until": NOW.date()}, "Choose a day from tomorrow"),
        ({"until": NOW.date() + timedelta(days=400)}, "Choose a day from tomorrow"),
        ({"more": 0}, "at least one more"),
    ],
)
def test_ignoring_needs_an_end(database: Database, given: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        act(database, error_groups.ignore, key_of(database, SYNC), **given)


def test_a_group_is_given_to_those_who_can_resolve_it_and_found_by_them(database: Database) -> None:
    key, on_call = key_of(database, SYNC), make_staff(database, "product", email="pat@example.org")
    support = make_staff(database, "support")
    act(database, error_groups.assign, key, to=on_call)

    assert found(database, "assigned:me", me=on_call) == found(database, "assigned:pat@example.org") == [SYNC]
    assert on_call in read(database, error_groups.staff_on_call)
    assert support not in read(database, error_groups.staff_on_call)
    with pytest.raises(Invalid, match="their role cannot resolve errors"):
        act(database, error_groups.assign, key, to=support)
    act(database, error_groups.assign, key, to="nobody")
    assert found(database, "assigned:pat@example.org") == []


def test_support_notes_and_reads_the_history_but_does_not_decide(database: Database) -> None:
    key = key_of(database, CHECKOUT)
    act(database, error_groups.note, key, body="Two callers so far", actor=SUPPORT)
    act(database, error_groups.resolve, [key])
    notes = read(database, error_groups.notes_about, key, actor=SUPPORT)
    history = read(database, error_groups.history, key, actor=SUPPORT)

    assert [note.body for note in notes] == ["Two callers so far"]
    assert [(row.actor_email, row.action) for row in history] == [
        ("product@example.org", "error_groups.resolve"),
        ("support@example.org", "error_groups.note"),
    ]
    with pytest.raises(NotAllowed):
        act(database, error_groups.assign, key, to="nobody", actor=SUPPORT)
    with pytest.raises(NotAllowed):
        read(database, error_groups.error_groups.page, actor=FINANCE)


def test_a_single_error_leads_to_its_group(database: Database) -> None:
    assert read(database, error_logs.one, "e1").group_id == key_of(database, CHECKOUT)
