"""Time: aware, in UTC. `now()` is the only clock of the product; everything else is handed a moment."""

import calendar
from datetime import UTC, date, datetime, time, timedelta


def now() -> datetime:
    """The present moment in UTC, to the second, as our columns keep it."""
    return datetime.now(UTC).replace(microsecond=0)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a UTC day and the first moment after it."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    return start, start + timedelta(days=1)


def month_start(day: date) -> date:
    """The first day of the month that `day` lies in."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after the one that `day` lies in."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def plus_months(moment: datetime, months: int) -> datetime:
    """The same time so many months later, on the month's last day where it has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def ago(moment: datetime | None, reference: datetime) -> str:
    """How long before `reference` a moment lies, in words: `5 minutes ago`, `in 3 days`; `never` for None."""
    if moment is None:
        return "never"
    seconds = (reference - moment).total_seconds()
    size = abs(seconds)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if size >= length:
            count = int(size // length)
            words = f"{count} {unit}{'s' if count != 1 else ''}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"
