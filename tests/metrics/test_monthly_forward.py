"""The roll-forward by month: printed cents tie as the exact ones do, from the roll-up and from the ledger."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.database import Database
from lib.core.errors import NotFound
from lib.core.work import reading
from lib.metrics import ledger_segments, mrr, roll_forward
from lib.metrics.ledger_segments import SEGMENTS, By, Parts
from lib.metrics.policies import POLICIES, Policy
from lib.metrics.roll_forward import monthly_forward
from lib.metrics.series import Moved
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, day, entry
from tests.metrics.test_roll_forward import ANY, FIRST, LAST, histories, write
from tests.services.month_close.conftest import company
from tests.sized import times

knowns = st.sampled_from([None, NOW])
signed = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6)


@given(st.integers(0, 10**9), signed)
def test_the_printed_integers_add_up_and_none_is_a_cent_off(opening: int, moved: list[int]) -> None:
    first, *shares, last = monthly_forward(opening, moved, opening + sum(moved))

    assert first + sum(shares) == last
    assert all(abs(12 * share - exact) < 12 for share, exact in zip(shares, moved, strict=True))


def test_the_largest_remainder_is_rounded_up_and_nothing_stays_nothing() -> None:
    assert monthly_forward(6, [5, 0, 13], 24) == [1, 0, 0, 1, 2]


@pytest.mark.sized
@given(histories, st.sampled_from(tuple(POLICIES.values())), st.sampled_from(SEGMENTS), knowns)
@settings(max_examples=times(8, 100), **ANY)
def test_any_history_ties_by_month_and_so_do_its_segments_which_add_up(
    sqlite: Database, history: list[dict[str, Any]], policy: Policy, by: By, known: datetime | None
) -> None:
    write(sqlite, history)
    middle = date(2026, 6, 8)
    with reading(sqlite, DESK, now=NOW) as view:
        # By a range that begins in the midst of the history there is something to open with.
        parts = Parts.at(view.session, middle, LAST, "USD", policy, by, as_of=known)
        (month,) = roll_forward.from_ledger(view, FIRST, LAST, "USD", policy, by=by, as_of=known)
        stands = {each.currency: each for each in mrr.mrr_at(view, LAST, policy, as_of=known)}
        ends, begins = (
            ledger_segments.standing_by(view.session, on, policy, by, as_of=known).get("USD", {})
            for on in (LAST, middle - timedelta(days=1))
        )
    printed = month.printed
    came = printed["opening"] + printed["new"] + printed["reactivation"] + printed["expansion"]
    each = month.segments.values()

    assert month.closing_arr_cents == (stands["USD"].arr_cents if "USD" in stands else 0)
    assert month.closing_couples == (stands["USD"].couples if "USD" in stands else 0)
    assert came - printed["contraction"] - printed["churn"] + printed["fx"] == printed["closing"]
    for name, part in month.segments.items():
        assert part.closing_arr_cents == ends.get(name, (0, 0))[0]
        gained = part.moved.net_arr_cents + part.transfer_arr_cents
        assert part.opening_arr_cents + gained == part.closing_arr_cents
    assert ends.keys() <= month.segments.keys()
    assert sum(part.opening_arr_cents for part in each) == month.opening_arr_cents
    assert sum(part.closing_arr_cents for part in each) == month.closing_arr_cents
    assert sum(part.transfer_arr_cents for part in each) == 0
    for name in Moved.__dataclass_fields__:
        assert sum(getattr(part.moved, name) for part in each) == getattr(month.moved, name)
    assert parts.openings == {name: arr for name, (arr, _) in begins.items()}
    if by == "cohort":
        assert [part.transfer_arr_cents for part in each] == [0] * len(each)


def test_a_change_of_plan_is_a_transfer_and_what_it_costs_less_a_contraction(database: Database) -> None:
    entry(database, "04-10", MONTHLY)
    entry(database, "05-10", ANNUAL, plan_id="better_together", billing_period="annual")
    with reading(database, DESK, now=NOW) as view:
        (month,) = roll_forward.from_ledger(view, day("05-01"), day("05-31"), by="plan")
        (first,) = roll_forward.from_ledger(view, day("05-01"), day("05-31"), by="cohort")

    old, new = month.segments["try_it_out"], month.segments["better_together"]
    assert (old.opening_arr_cents, old.transfer_arr_cents, old.closing_arr_cents) == (MONTHLY, -MONTHLY, 0)
    assert (new.opening_arr_cents, new.transfer_arr_cents, new.closing_arr_cents) == (0, MONTHLY, ANNUAL)
    assert new.moved.contraction_arr_cents == MONTHLY - ANNUAL
    assert {name: each.closing_arr_cents for name, each in first.segments.items()} == {"2026-04": ANNUAL}


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
