"""The roll-forward by month: printed cents tie as the exact ones do, from the roll-up and from the ledger."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.database import Database
from lib.core.errors import NotFound
from lib.core.work import reading
from lib.metrics import mrr, roll_forward
from lib.metrics.policies import POLICIES, Policy
from lib.metrics.roll_forward import monthly_forward
from tests.metrics.ledger import DESK, NOW, day, entry
from tests.metrics.test_roll_forward import ANY, FIRST, LAST, histories, write
from tests.services.month_close.conftest import company

signed = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6)


@given(st.integers(0, 10**9), signed)
def test_the_printed_integers_add_up_and_none_is_a_cent_off(opening: int, moved: list[int]) -> None:
    first, *shares, last = monthly_forward(opening, moved, opening + sum(moved))

    assert first + sum(shares) == last
    assert all(abs(12 * share - exact) < 12 for share, exact in zip(shares, moved, strict=True))


def test_the_largest_remainder_is_rounded_up_and_nothing_stays_nothing() -> None:
    assert monthly_forward(6, [5, 0, 13], 24) == [1, 0, 0, 1, 2]


@given(histories, st.sampled_from(tuple(POLICIES.values())), st.sampled_from(["plan", "period", "source"]))
@settings(max_examples=20, **ANY)
def test_any_history_ties_by_month_and_its_segments_add_up(
    sqlite: Database, history: list[dict[str, Any]], policy: Policy, by: Any
) -> None:
    write(sqlite, history)
    with reading(sqlite, DESK, now=NOW) as view:
        (month,) = roll_forward.from_ledger(view, FIRST, LAST, "USD", policy, by=by)
        stands = {each.currency: each for each in mrr.mrr_at(view, LAST, policy)}
    printed = month.printed
    came = printed["opening"] + printed["new"] + printed["reactivation"] + printed["expansion"]

    assert month.closing_arr_cents == (stands["USD"].arr_cents if "USD" in stands else 0)
    assert month.closing_couples == (stands["USD"].couples if "USD" in stands else 0)
    assert came - printed["contraction"] - printed["churn"] + printed["fx"] == printed["closing"]
    assert sum(each.net_arr_cents for each in month.segments.values()) == month.moved.net_arr_cents
    assert sum(each.churned_couples for each in month.segments.values()) == month.moved.churned_couples


def test_the_ledger_says_what_the_roll_up_says_and_as_of_a_moment_what_was_known(database: Database) -> None:
    company(database)
    entry(database, "05-25", 0, status="canceled", recorded_at=NOW)
    with reading(database, DESK, now=NOW) as view:
        stored = roll_forward.from_roll_up(view, day("05-01"), day("05-31"))
        known = roll_forward.from_ledger(view, day("05-01"), day("05-31"), as_of=NOW.replace(day=1), by=None)
        now = roll_forward.from_ledger(view, day("05-01"), day("05-31"))

    assert known == stored
    assert now[0].moved.churn_arr_cents == known[0].moved.churn_arr_cents + 36_000


def test_a_month_that_was_never_counted_is_refused(sqlite: Database) -> None:
    company(sqlite)

    with reading(sqlite, DESK, now=NOW) as view, pytest.raises(NotFound, match="July 2026 was not counted"):
        roll_forward.from_roll_up(view, day("05-01"), day("07-01"))
