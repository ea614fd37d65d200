"""Billing periods against the calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.payments.sandbox.periods import next_boundary, plus_months


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("anchor", "after", "interval", "count", "expected"),
    [
        ("2026-01-31", "2026-01-31", "month", 1, "2026-02-28"),
        ("2026-01-31", "2026-02-28", "month", 1, "2026-03-31"),
        ("2024-02-29", "2024-02-29", "year", 1, "2025-02-28"),
        ("2024-02-29", "2027-02-28", "year", 1, "2028-02-29"),
        ("2026-11-30", "2026-11-30", "month", 3, "2027-02-28"),
        ("2026-01-01", "2026-01-05", "week", 1, "2026-01-08"),
        ("2026-01-01", "2026-01-01", "day", 10, "2026-01-11"),
        ("2026-05-15", "2026-01-01", "month", 1, "2026-01-15"),
    ],
)
def test_a_period_ends_on_the_day_of_the_anchor(
    anchor: str, after: str, interval: str, count: int, expected: str
) -> None:
    assert next_boundary(at(anchor), at(after), interval, count) == at(expected)


@given(
    st.integers(at("2015-01-01"), at("2040-01-01")),
    st.integers(0, 4000 * 86_400),
    st.sampled_from(["day", "week", "month", "year"]),
    st.integers(1, 12),
)
def test_periods_follow_each_other_without_a_gap(anchor: int, later: int, interval: str, count: int) -> None:
    first = next_boundary(anchor, anchor + later, interval, count)
    second = next_boundary(anchor, first, interval, count)
    longest = {"day": 1, "week": 7, "month": 31, "year": 366}[interval] * count * 86_400

    assert anchor + later < first <= anchor + later + longest
    assert first < second <= first + longest
    assert next_boundary(anchor, second - 1, interval, count) == second


def test_months_are_added_to_the_last_day_where_there_is_no_such_day() -> None:
    assert plus_months(at("2026-08-31"), 6) == at("2027-02-28")
