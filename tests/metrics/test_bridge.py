"""From one policy's MRR to another's: the reasons are the whole way, and each row has one."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.database import Database
from lib.core.work import reading
from lib.metrics import mrr
from lib.metrics.bridge import bridge, differing
from lib.metrics.bridge_rows import differences, why
from lib.metrics.policies import CHARTMOGUL, COMMITTED, CONTRACTED, HOUSE, POLICIES, STRIPE, Policy
from tests.metrics.ledger import DESK, MONTHLY, NOW, day, entry
from tests.metrics.test_roll_forward import ANY, LAST, histories, write
from tests.sized import times

policies = st.sampled_from(tuple(POLICIES.values()))


@pytest.mark.sized
@given(histories, policies, policies, st.sampled_from([None, NOW]))
@settings(max_examples=times(10, 150), **ANY)
def test_of_any_history_the_reasons_and_the_rows_add_up(
    sqlite: Database, history: list[dict[str, Any]], ours: Policy, theirs: Policy, known: Any
) -> None:
    write(sqlite, history)
    with reading(sqlite, DESK, now=NOW) as view:
        found = bridge(view, LAST, ours, theirs, as_of=known)
        rows = differing(view, LAST, ours, theirs, as_of=known)
        own, other = (
            sum(
                each.arr_cents
                for each in mrr.mrr_at(view, LAST, policy, as_of=known)
                if each.currency == "USD"
            )
            for policy in (ours, theirs)
        )

    assert (found.ours_arr_cents, found.theirs_arr_cents) == (own, other)
    assert sum(step.difference_arr_cents for step in found.steps) == other - own
    assert found.untied_arr_cents == 0
    for step in found.steps:
        of_it = [row for row in rows if step.reason in row["reasons"]]
        assert sum(row["reasons"][step.reason] for row in of_it) == step.difference_arr_cents
        assert len(of_it) == step.subscriptions
        assert len({row["relationship_id"] for row in of_it}) == step.couples
    for row in rows:
        assert sum(row["reasons"].values()) == row["difference_arr_cents"]


@pytest.mark.parametrize(
    ("theirs", "reason", "facts"),
    [
        (CONTRACTED, "gift", {"is_gift": True}),
        (STRIPE, "paused", {"collection_paused": True}),
        (STRIPE, "paused", {"status": "paused"}),
        (COMMITTED, "set_to_cancel", {"set_to_cancel": True}),
        (CHARTMOGUL, "free_months", {"net_arr_cents": 0, "goodwill_arr_cents": 36_000}),
        (STRIPE, "discount", {"net_arr_cents": 18_000}),
    ],
)
def test_each_question_is_named(
    database: Database, theirs: Policy, reason: str, facts: dict[str, Any]
) -> None:
    entry(database, "06-01")
    entry(database, "06-01", subscription_id="s2", relationship_id="c2", **facts)
    with reading(database, DESK, now=NOW) as view:
        rows = differing(view, day("06-15"), HOUSE, theirs)

    assert [(row["subscription_id"], [*row["reasons"]]) for row in rows] == [("s2", [reason])]


def test_as_of_a_moment_what_came_to_be_known_later_is_left_out(database: Database) -> None:
    entry(database, "06-01", is_gift=True)
    entry(database, "06-02", 0, status="canceled", recorded_at=NOW)
    with reading(database, DESK, now=NOW) as view:
        known = bridge(view, day("06-10"), HOUSE, CONTRACTED, as_of=NOW.replace(day=5))
        rows = differing(view, day("06-10"), HOUSE, CONTRACTED, as_of=NOW.replace(day=5))
        now = bridge(view, day("06-10"), HOUSE, CONTRACTED)

    assert [(step.reason, step.difference_arr_cents) for step in known.steps] == [("gift", 36_000)]
    assert [row["subscription_id"] for row in rows] == ["s1"]
    assert now.steps == ()


def test_what_differs_for_two_reasons_has_an_amount_for_each(database: Database) -> None:
    entry(database, "06-01", MONTHLY, is_gift=True, net_arr_cents=12_000)
    with reading(database, DESK, now=NOW) as view:
        found = bridge(view, day("06-15"), HOUSE, CONTRACTED)
        page = differences.page(view, day=day("06-15"), theirs="contracted")
        by_price = differences.page(view, day=day("06-15"), theirs="contracted", reason="discount")
        by_pause = differences.page(view, day=day("06-15"), theirs="contracted", reason="paused")

    assert [(step.reason, step.difference_arr_cents) for step in found.steps] == [
        ("discount", 24_000),
        ("gift", 12_000),
    ]
    assert why(page.rows[0]) == "A gift +$120.00 · A discount +$240.00"
    assert (page.rows[0].difference_arr_cents, page.rows[0].reason_arr_cents) == (36_000, None)
    assert [row.reason_arr_cents for row in by_price.rows] == [24_000]
    assert by_pause.rows == []


def test_the_rows_are_those_of_the_day_in_the_zone_of_the_business(database: Database) -> None:
    # Half past ten in the evening in New York, on the day on which its clocks were set back at night.
    entry(database, datetime(2025, 11, 3, 3, 30, tzinfo=UTC), collection_paused=True)
    with reading(database, DESK, now=NOW) as view:
        there, here = (
            differences.page(view, day=date(2025, 11, 2), zone=zone).total
            for zone in ("America/New_York", "UTC")
        )
        found = bridge(view, date(2025, 11, 2), replace(HOUSE, zone="America/New_York"), STRIPE)

    assert (there, here) == (1, 0)
    assert [step.reason for step in found.steps] == ["paused"]


def test_cancellations_count_as_stripe_is_set_here(database: Database) -> None:
    entry(database, "06-01", set_to_cancel=True)
    with reading(database, DESK, now=NOW) as view:
        at_end = differences.page(view, day=day("06-15"))
        at_once = differences.page(view, day=day("06-15"), stripe_churn="at_cancellation")

    assert (at_end.total, at_once.total) == (0, 1)
    assert why(at_once.rows[0]) == "Set to cancel"
