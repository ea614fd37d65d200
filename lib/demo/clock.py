"""Time as the generator counts it: Unix seconds in UTC, and the two text forms that production writes.

Whole numbers add, compare and hash many times faster than datetimes, and Stripe counts in them too.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_EPOCH = date(1970, 1, 1)


def midnight(day: date) -> int:
    """The first second of a UTC day."""
    return (day - _EPOCH).days * DAY


@lru_cache(maxsize=8_192)
def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


@lru_cache(maxsize=8_192)
def _day_text(number: int) -> str:
    return _day(number).isoformat()


def day_of(moment: int) -> date:
    """The UTC day that a moment lies in."""
    return _day(moment // DAY)


def day_text(moment: int) -> str:
    """`2026-01-30`."""
    return _day_text(moment // DAY)


def sql_form(moment: int) -> str:
    """`2026-01-30 09:00:00`, as CURRENT_TIMESTAMP writes it."""
    minutes, second = divmod(moment % DAY, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day_text(moment // DAY)} {hour:02}:{minute:02}:{second:02}"


def js_form(moment: int) -> str:
    """`2026-01-30T09:00:00.417Z`, as the app's code writes it; the milliseconds follow from the moment."""
    minutes, second = divmod(moment % DAY, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day_text(moment // DAY)}T{hour:02}:{minute:02}:{second:02}.{moment * 7_919 % 1_000:03}Z"


def stripe_form(moment: int) -> str:
    """`2026-01-30T09:00:00.000Z`: what the app's code writes of a moment that Stripe gave it, in seconds."""
    return f"{js_form(moment)[:19]}.000Z"


def stamp(moment: int) -> str:
    """A `created_at` as it occurs: two in three by the column's default, the others by the app's code."""
    return js_form(moment) if moment % 3 == 0 else sql_form(moment)


def plus_months(moment: int, months: int) -> int:
    """The same day and time `months` later, or the month's last day, as Stripe counts billing periods."""
    start = datetime.fromtimestamp(moment, UTC)
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())
