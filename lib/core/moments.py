"""Time: aware, in UTC. `now()` is the only clock of the product; everything else is handed a moment."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment in UTC, to the second, as our columns keep it."""
    return datetime.now(UTC).replace(microsecond=0)


def day_bounds(day: date, zone: str = "UTC") -> tuple[datetime, datetime]:
    """The first moment of a day in a zone and the first moment after it, both in UTC.

    A day on which clocks are moved has 23 hours, or 25.
    """
    starts = (
        datetime.combine(each, time(), tzinfo=ZoneInfo(zone)) for each in (day, day + timedelta(days=1))
    )
    start, end = (moment.astimezone(UTC) for moment in starts)
    return start, end


def day_of(moment: datetime, zone: str = "UTC") -> date:
    """The day in a zone that a moment lies in."""
    return moment.astimezone(ZoneInfo(zone)).date()


@cache
def offsets(zone: str) -> tuple[tuple[datetime, int], ...]:
    """How many minutes a zone is ahead of UTC, and up to which moment; the last one holds on.

    From 2000 to 2050, for databases that know no zones.
    """
    clock = ZoneInfo(zone)

    def ahead(moment: datetime) -> int:
        offset = moment.astimezone(clock).utcoffset()
        assert offset is not None
        return int(offset.total_seconds()) // 60

    found = []
    hour, last = datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
    while hour < last:
        following = hour + timedelta(days=1)
        if ahead(hour) != ahead(following):
            # Clocks are moved on a quarter of an hour, in every zone and year that there is.
            moved = next(
                moment
                for quarter in range(1, 97)
                if ahead(moment := hour + timedelta(minutes=15 * quarter)) != ahead(hour)
            )
            found.append((moved, ahead(hour)))
        hour = following
    return (*found, (last, ahead(last)))


def month_start(day: date) -> date:
    """The first day of the month that `day` lies in."""
    return day.replace(day=1)


def month_bounds(month: date, zone: str = "UTC") -> tuple[datetime, datetime]:
    """The first moment of a month in a zone and the first moment after it, both in UTC."""
    return day_bounds(month_start(month), zone)[0], day_bounds(next_month(month), zone)[0]


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
