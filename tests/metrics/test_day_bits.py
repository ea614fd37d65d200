"""Windows over days as bits give what counting day by day gives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.metrics.usage.bits import Tally, coming, lasting, span

LENGTH = 40
DAYS = st.sets(st.integers(0, LENGTH - 1))


def bits(days: set[int]) -> int:
    return sum(1 << day for day in days)


def days_of(number: int) -> set[int]:
    return {day for day in range(LENGTH) if number >> day & 1}


@settings(max_examples=25, deadline=None)
@given(DAYS, st.integers(1, 30))
def test_a_day_counts_as_long_as_the_window_reaches(days: set[int], window: int) -> None:
    plainly = {day for day in range(LENGTH) if any(day - back in days for back in range(window))}

    assert days_of(lasting(bits(days), window)) == plainly


@settings(max_examples=25, deadline=None)
@given(DAYS, st.integers(1, 30))
def test_what_is_to_come_counts_on_the_days_before_it(days: set[int], window: int) -> None:
    plainly = {day for day in range(LENGTH) if any(day + on in days for on in range(1, window + 1))}

    assert days_of(coming(bits(days), window)) == plainly


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(DAYS, st.integers(-5, 5)), max_size=6))
def test_a_tally_is_the_sum_of_each_day(added: list[tuple[set[int], int]]) -> None:
    tally = Tally(LENGTH)
    for days, number in added:
        tally.add(bits(days), number)

    assert tally.totals() == [sum(number for days, number in added if day in days) for day in range(LENGTH)]


def test_a_span_that_begins_before_the_range_is_cut() -> None:
    assert days_of(span(-3, 2)) == {0, 1}
    assert span(4, 2) == 0
