"""Days as the bits of a number: bit n is the nth day of a range. Windows over 100,000 people cost little so.

`lasting(days, 28)` has each bit set that lies in the 28 days that begin with a set one: the days on which
the person counts as active "in the last 28 days".
"""

from datetime import date
from itertools import accumulate


def span(first: int, until: int) -> int:
    """The bits from `first` to `until`, without `until`; those before bit 0 fall away."""
    first = max(0, first)
    return ((1 << max(0, until - first)) - 1) << first


def lasting(days: int, length: int) -> int:
    """Each set bit and the `length` - 1 after it."""
    reached, have = days, 1
    while have < length:
        step = min(have, length - have)
        reached |= reached << step
        have += step
    return reached


def coming(days: int, length: int) -> int:
    """The `length` bits before each set one: the days after which it still lies ahead, so many at most."""
    reached, have = days >> 1, 1
    while have < length:
        step = min(have, length - have)
        reached |= reached >> step
        have += step
    return reached


class Tally:
    """Adds numbers up by day, over the runs of days in which each holds."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._steps = [0] * (length + 1)

    def add(self, days: int, number: int = 1) -> None:
        """Add a number on each of these days."""
        self._step(days & ~(days << 1), number)
        self._step((days << 1) & ~days, -number)

    def totals(self) -> list[int]:
        """The sum of each day of the range, in order."""
        return list(accumulate(self._steps[: self._length]))

    def _step(self, edges: int, number: int) -> None:
        while edges:
            lowest = edges & -edges
            self._steps[min(lowest.bit_length() - 1, self._length)] += number
            edges ^= lowest


def bit(day: date, base: date) -> int:
    """The number of a day that is bit 0's or later."""
    return 1 << (day - base).days
