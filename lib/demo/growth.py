"""When couples sign up: growth, the seasons of love, weekdays, evenings."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate
from math import exp
from random import Random

from lib.demo.clock import DAY, HOUR, midnight

MONTHLY_GROWTH = 0.055
_BY_WEEKDAY = (1.04, 0.96, 0.95, 0.97, 0.92, 1.02, 1.14)
# Evenings in America and Europe, seen from UTC.
_BY_HOUR = (7, 6, 6, 5, 3, 2, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 7, 9, 10, 10, 9, 8, 8)


def season(day: date) -> float:
    """How much livelier than an average day a day is: January and Valentine's Day up, summer down."""
    if day.month == 2 and day.day <= 16:
        return 1.5 + 1.0 * exp(-abs(day.day - 13) / 3)
    if day.month == 1:
        return 1.6 if day.day <= 15 else 1.3
    if day.month == 12:
        return 1.25 if 12 <= day.day <= 24 else 0.95
    return {6: 0.86, 7: 0.7, 8: 0.7, 9: 1.05}.get(day.month, 1.0)


def signups(couples: int, start: date, end: date, random: Random) -> Iterator[int]:
    """The moments at which `couples` couples sign up from `start` until before `end`, in order."""
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    weights = [
        exp(MONTHLY_GROWTH * number / 30.4)
        * season(day)
        * _BY_WEEKDAY[day.weekday()]
        * random.uniform(0.8, 1.2)
        for number, day in enumerate(days)
    ]
    total = sum(weights)
    signed_up = 0
    for day, reached in zip(days, accumulate(weights), strict=True):
        # What is due by the end of this day, less what came before: the sum is exact.
        due = couples if day == days[-1] else int(couples * reached / total)
        yield from sorted(midnight(day) + second_of_day(random) for _ in range(due - signed_up))
        signed_up = due


def second_of_day(random: Random) -> int:
    """A second of a UTC day, mostly in the evening."""
    return random.choices(range(24), _BY_HOUR)[0] * HOUR + random.randrange(HOUR)


def days_between(start: int, end: int) -> int:
    """Whole days from one moment to another, at least 0."""
    return max(0, (end - start) // DAY)
