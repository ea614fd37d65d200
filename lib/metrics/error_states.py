"""What state a group of errors is in, from what staff did and from what came since.

new         seen for the first time within 7 days
ongoing     it goes on as it did
escalating  today or yesterday at least 10, and more than 3 times what a day of the 7 before had
regressed   seen again after it was resolved, within 7 days
ignored     nobody wants to hear of it until a day, or until so many more have come
resolved    mended; the next one makes it regressed
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

UNRESOLVED: Final = ("new", "ongoing", "escalating", "regressed")
STATES: Final = (*UNRESOLVED, "ignored", "resolved")
NEW_FOR: Final = timedelta(days=7)
ESCALATES_AT: Final = 10
ESCALATES_BY: Final = 3
_BEFORE: Final = 7
TREND_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Standing:
    """What a group's state follows from."""

    state: str
    first_seen: datetime
    errors: int
    regressed_at: datetime | None = None
    ignored_until: datetime | None = None
    ignored_until_errors: int | None = None


def state_at(standing: Standing, days: Mapping[date, int], now: datetime) -> str:
    """The state at a moment; `days` has how many errors came on each day (UTC)."""
    if standing.state == "resolved":
        return "resolved"
    if standing.state == "ignored" and not _is_over(standing, now):
        return "ignored"
    if standing.regressed_at and now - standing.regressed_at < NEW_FOR:
        return "regressed"
    if now - standing.first_seen < NEW_FOR:
        return "new"
    today = now.date()
    return "escalating" if any(_escalates(days, today - timedelta(days=ago)) for ago in (0, 1)) else "ongoing"


def trend(days: Mapping[date, int], until: date) -> tuple[int, ...]:
    """The errors of each of 14 days, the last of them `until`."""
    return tuple(days.get(until - timedelta(days=ago), 0) for ago in reversed(range(TREND_DAYS)))


def _is_over(standing: Standing, now: datetime) -> bool:
    """Whether the day has come until which a group is ignored, or as many errors as it is ignored for."""
    enough = standing.ignored_until_errors
    return bool(
        (standing.ignored_until and now >= standing.ignored_until)
        or (enough is not None and standing.errors >= enough)
    )


def _escalates(days: Mapping[date, int], day: date) -> bool:
    before = sum(days.get(day - timedelta(days=ago), 0) for ago in range(1, _BEFORE + 1))
    came = days.get(day, 0)
    return came >= ESCALATES_AT and came * _BEFORE > before * ESCALATES_BY
