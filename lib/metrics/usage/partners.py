"""What partner businesses did on a day, from the only raw rows there are: the app's events about bookings.

Production has no table of bookings. An event of the category `partner` that names a `partner` counts:

    booking_made        amount_cents, commission_cents, category
    booking_cancelled
    booking_rated       rating

Whether a booking is a repeated one would need every earlier event: it is not counted.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.metrics.spans import in_days, utc_day
from lib.models import AnalyticsEvent

MADE, CANCELLED, RATED = "booking_made", "booking_cancelled", "booking_rated"


@dataclass(slots=True)
class _Day:
    """One partner's day in the making."""

    category: str = "unknown"
    bookings: int = 0
    revenue_cents: int = 0
    commission_cents: int = 0
    cancelled: int = 0
    ratings: list[float] = field(default_factory=list)


def counted(session: Session, first: date, last: date) -> dict[date, dict[str, dict[str, Any]]]:
    """What events say of each day and partner, by the columns of `partner_analytics`."""
    event, day = AnalyticsEvent, utc_day(AnalyticsEvent.created_at)
    rows = session.execute(
        select(day.label("day"), event.event_name, event.event_data)
        .where(event.event_name.in_((MADE, CANCELLED, RATED)), in_days(event.created_at, first, last))
        .order_by(day, event.id)
    )
    found: dict[date, dict[str, _Day]] = defaultdict(lambda: defaultdict(_Day))
    for row in rows:
        said = row.event_data if isinstance(row.event_data, dict) else {}
        partner = str(said.get("partner") or "")
        if partner and row.day is not None:
            _add(found[row.day][partner], row.event_name, said)
    return {day: {name: _columns(each) for name, each in names.items()} for day, names in found.items()}


def _add(day: _Day, name: str, said: dict[str, Any]) -> None:
    if name == MADE:
        day.category = str(said.get("category") or day.category)
        day.bookings += 1
        day.revenue_cents += _whole(said.get("amount_cents"))
        day.commission_cents += _whole(said.get("commission_cents"))
    elif name == CANCELLED:
        day.cancelled += 1
    elif isinstance(rating := said.get("rating"), int | float):
        day.ratings.append(float(rating))


def _columns(day: _Day) -> dict[str, Any]:
    return {
        "partner_category": day.category,
        "total_bookings": day.bookings,
        "total_revenue_cents": day.revenue_cents,
        "commission_cents": day.commission_cents,
        "average_rating": round(sum(day.ratings) / len(day.ratings), 2) if day.ratings else None,
        "cancellations": day.cancelled,
    }


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
