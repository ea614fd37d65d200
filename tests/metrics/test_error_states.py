"""When a group is new, goes on, escalates, came back, or is heard of again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.metrics.error_states import Standing, state_at, trend

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
LONG_AGO = NOW - timedelta(days=40)
A_DAY = timedelta(days=1)


def state(days: dict[int, int] | None = None, **over: Any) -> str:
    """The state of an old group that had so many errors so many days ago."""
    values = {"state": "ongoing", "first_seen": LONG_AGO, "errors": 100}
    came = {TODAY - timedelta(days=ago): number for ago, number in (days or {}).items()}
    return state_at(Standing(**values | over), came, NOW)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({"first_seen": NOW - timedelta(days=6)}, "new"),
        ({"first_seen": NOW - timedelta(days=7)}, "ongoing"),
        ({"regressed_at": NOW - A_DAY, "state": "regressed"}, "regressed"),
        ({"regressed_at": NOW - 8 * A_DAY, "state": "regressed"}, "ongoing"),
        ({"state": "resolved", "first_seen": NOW}, "resolved"),
        ({"state": "ignored", "ignored_until": NOW + A_DAY}, "ignored"),
        ({"state": "ignored", "ignored_until": NOW}, "ongoing"),
        ({"state": "ignored", "ignored_until_errors": 101}, "ignored"),
        ({"state": "ignored", "ignored_until_errors": 100}, "ongoing"),
        ({"state": "ignored", "ignored_until": NOW + A_DAY, "ignored_until_errors": 100}, "ongoing"),
    ],
)
def test_a_state_follows_from_what_was_done_and_what_came(over: dict[str, Any], expected: str) -> None:
    assert state(**over) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({0: 9}, "ongoing"),
        ({0: 10}, "escalating"),
        ({1: 10}, "escalating"),
        ({2: 10}, "ongoing"),
        ({0: 30, **dict.fromkeys(range(1, 8), 10)}, "ongoing"),
        ({0: 31, **dict.fromkeys(range(1, 8), 10)}, "escalating"),
    ],
)
def test_a_group_escalates_with_ten_a_day_and_more_than_three_times_the_week_before(
    days: dict[int, int], expected: str
) -> None:
    assert state(days) == expected


def test_a_trend_has_each_of_fourteen_days_the_last_one_today() -> None:
    assert trend({TODAY: 3, TODAY - 13 * A_DAY: 1, TODAY - 14 * A_DAY: 9}, TODAY) == (1, *[0] * 12, 3)
