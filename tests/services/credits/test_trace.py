"""Which purchase funded which use: first in, first out, and nothing lost on the way."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lib.services.credits.trace import Movement, trace
from tests.factories import NOW


def movement(number: int, amount: int, kind: str | None = None, **over: Any) -> Movement:
    """The movement of a day of its own; the stored balance is 0 unless the test is about it."""
    kind = kind or ("purchase" if amount > 0 else "usage")
    values = {"id": f"m{number:03}", "at": NOW + timedelta(days=number), "stored": 0, **over}
    return Movement(kind=kind, amount=amount, **values)


def shares(lines: Any) -> list[list[tuple[str, int]]]:
    return [[(share.lot, share.credits) for share in line.funded_by] for line in lines]


def test_a_use_takes_from_the_oldest_credits_that_are_left() -> None:
    lines = trace([movement(1, 10), movement(2, 20), movement(3, -4), movement(4, -12), movement(5, -9)])

    assert shares(lines)[2:] == [[("m001", 4)], [("m001", 6), ("m002", 6)], [("m002", 9)]]
    assert [line.left for line in lines[:2]] == [0, 5]
    assert [line.balance for line in lines] == [10, 30, 26, 14, 5]


def test_what_is_used_although_nothing_is_left_is_said() -> None:
    lines = trace([movement(1, 5), movement(2, -8), movement(3, 10)])

    assert (shares(lines)[1], lines[1].unfunded, lines[1].balance) == ([("m001", 5)], 3, -3)
    assert lines[2].left == 10


def test_what_runs_out_takes_first_from_what_was_due() -> None:
    due = NOW + timedelta(days=3)
    lines = trace([movement(1, 10), movement(2, 20, expires_at=due), movement(4, -20, "expiration")])

    assert shares(lines)[2] == [("m002", 20)]


def test_what_is_taken_back_for_a_refund_takes_from_its_own_purchase() -> None:
    lines = trace(
        [movement(1, 10), movement(2, 20, payment="pi_2"), movement(3, -20, "refund", payment="pi_2")]
    )

    assert shares(lines)[2] == [("m002", 20)]
    assert [line.left for line in lines[:2]] == [10, 0]


def test_of_one_moment_what_came_in_counts_before_what_went_out() -> None:
    lines = trace([movement(1, -5, id="a", at=NOW), movement(1, 5, id="b", at=NOW)])

    assert [line.movement.id for line in lines] == ["b", "a"]
    assert lines[1].unfunded == 0


def test_the_stored_balance_is_compared_with_the_sum() -> None:
    lines = trace([movement(1, 10, stored=10), movement(2, -3, stored=8)])

    assert [line.difference for line in lines] == [0, 1]


def test_an_unreadable_moment_comes_first_and_breaks_nothing() -> None:
    lines = trace([movement(1, -2), movement(2, 5, at=None)])

    assert [line.balance for line in lines] == [5, 3]


@given(st.lists(st.integers(-30, 30).filter(bool), max_size=40))
def test_every_credit_that_was_used_came_from_somewhere_or_is_said_to_be_missing(amounts: list[int]) -> None:
    lines = trace([movement(number, amount) for number, amount in enumerate(amounts)])

    for line in lines:
        funded = sum(share.credits for share in line.funded_by)
        assert funded + line.unfunded == max(0, -line.movement.amount)
    left = sum(line.left for line in lines)
    assert left - sum(line.unfunded for line in lines) == sum(amounts)
    assert all(0 <= line.left <= max(0, line.movement.amount) for line in lines)
