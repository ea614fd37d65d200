"""Time is aware and in UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lib.core import moments

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def test_now_is_aware_and_to_the_second() -> None:
    now = moments.now()

    assert now.tzinfo is UTC
    assert now.microsecond == 0


def test_a_day_ends_where_the_next_begins() -> None:
    first = moments.day_bounds(date(2026, 3, 29))

    assert first == (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    assert moments.day_bounds(date(2026, 3, 30))[0] == first[1]


@pytest.mark.parametrize(
    ("day", "start", "following"),
    [
        (date(2026, 1, 31), date(2026, 1, 1), date(2026, 2, 1)),
        (date(2024, 2, 29), date(2024, 2, 1), date(2024, 3, 1)),
        (date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_months_begin_and_follow(day: date, start: date, following: date) -> None:
    assert (moments.month_start(day), moments.next_month(day)) == (start, following)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=2, hours=5), "2 days ago"),
        (-timedelta(days=3), "in 3 days"),
    ],
)
def test_how_long_ago_is_said_in_words(before: timedelta, words: str) -> None:
    assert moments.ago(NOW - before, NOW) == words


def test_what_never_happened_is_never() -> None:
    assert moments.ago(None, NOW) == "never"
