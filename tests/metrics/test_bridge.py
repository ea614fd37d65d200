"""From one policy's MRR to another's: the reasons are the whole way, and each row has one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.database import Database
from lib.core.work import reading
from lib.metrics import mrr
from lib.metrics.bridge import bridge, differing
from lib.metrics.policies import CHARTMOGUL, COMMITTED, CONTRACTED, HOUSE, POLICIES, STRIPE, Policy
from tests.metrics.ledger import DESK, NOW, day, entry
from tests.metrics.test_roll_forward import ANY, LAST, histories, write

policies = st.sampled_from(tuple(POLICIES.values()))


@given(histories, policies, policies, st.sampled_from([None, NOW]))
@settings(max_examples=30, **ANY)
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
    for step in found.steps:
        of_it = [row["difference_arr_cents"] for row in rows if row["reason"] == step.reason]
        assert (sum(of_it), len(of_it)) == (step.difference_arr_cents, step.subscriptions)


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

    assert [(row["subscription_id"], row["reason"]) for row in rows] == [("s2", reason)]


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
