"""Billing periods: where the next one starts.

Months are counted from the anchor, so a subscription that began on 31 January renews on 28 February and on
31 March. Times are Unix seconds, days and months are those of UTC, as at Stripe.
"""

import calendar
from datetime import UTC, datetime, timedelta

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def next_boundary(anchor: int, after: int, interval: str, count: int) -> int:
    """The first boundary later than `after`, in steps of `count` intervals from `anchor`."""
    if interval in _DAYS:
        step = _DAYS[interval] * count * 86_400
        return anchor + ((after - anchor) // step + 1) * step
    start = datetime.fromtimestamp(anchor, UTC)
    moment = datetime.fromtimestamp(after, UTC)
    step = _MONTHS[interval] * count
    steps = ((moment.year - start.year) * 12 + moment.month - start.month) // step
    boundary = _plus_months(start, steps * step)
    while boundary <= moment:
        steps += 1
        boundary = _plus_months(start, steps * step)
    return int(boundary.timestamp())


def plus_months(moment: int, months: int) -> int:
    """The same day `months` later, or the month's last day where it has no such day."""
    return int(_plus_months(datetime.fromtimestamp(moment, UTC), months).timestamp())


def _plus_months(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)


def plus_days(moment: int, days: int) -> int:
    """`days` times 24 hours later."""
    return int((datetime.fromtimestamp(moment, UTC) + timedelta(days=days)).timestamp())
