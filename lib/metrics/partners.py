"""Partner businesses: what couples book with them through the app, what it earns, how content they are.

A partner is a business such as a restaurant or a spa, not one of the two people of a couple. From
`partner_analytics`: a row for each partner and day, no currency (US dollars).

    net bookings     bookings less cancellations
    commission rate  commission / revenue
    rating           1 to 5, the mean of the days, weighted by bookings
    repeated         bookings by couples that had booked there before / bookings

How couples came to the app through partners and referrals is counted by the cohorts (`admin_cohort_months`).
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import func, select

from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.moments import month_start
from lib.core.work import View, query
from lib.metrics.figure import Basis, share_of
from lib.metrics.policies import HOUSE
from lib.models import CohortMonth, PartnerDay
from lib.models.expressions import month_of

CURRENCY: Final = "USD"
NO_TABLE_OF_BOOKINGS: Final = (
    "Production has no table of bookings. Raw rows are the app's events `booking_made`, `booking_cancelled` "
    "and `booking_rated` that name a partner; days and partners without any stand as stored. Repeated "
    "bookings would need every earlier event and are never corrected."
)
MEANINGS: Final = {
    "Partner": "a business such as a restaurant or a spa, not one of the two people of a couple",
    "Cancelled": "cancellations / bookings",
    "Repeated": "bookings by couples that had booked there before / bookings, as the app stored it",
    "Commission rate": "commission / revenue",
    "Rating": "1 to 5, the mean of the days, weighted by bookings",
}
COLUMNS: Final = (
    Column("partner", "Partner"),
    Column("category", "Category", "code"),
    Column("bookings", "Bookings", "count"),
    Column("cancelled", "Cancelled", "percent"),
    Column("repeated", "Repeated", "percent"),
    Column("revenue_cents", "Revenue", "money"),
    Column("commission_cents", "Commission", "money"),
    Column("commission_rate", "Commission rate", "percent"),
    Column("rating", "Rating, 1 to 5", "decimal"),
    Column("active_days", "Days with bookings", "count"),
)
MONTH_COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("bookings", "Bookings", "count"),
    Column("revenue_cents", "Revenue", "money"),
    Column("commission_cents", "Commission", "money"),
)
VIA_COLUMNS: Final = (
    Column("joined_via", "Came via", "code"),
    Column("couples", "Couples that began to pay", "count"),
    Column("share", "Share", "percent"),
    Column("paid_cents", "Paid since, less refunds", "money"),
    Column("per_couple_cents", "For each couple", "money"),
)


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner in a time, or all of them (`partner` is empty)."""

    partner: str
    category: str
    bookings: int
    cancelled: Fraction | None
    repeated: Fraction | None
    revenue_cents: int
    commission_cents: int
    commission_rate: Fraction | None
    rating: float | None
    active_days: int
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class Month:
    """All partners in one month; `complete` once it is over."""

    month: date
    bookings: int
    revenue_cents: int
    commission_cents: int
    complete: bool
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class Performance:
    """Partners by commission, the largest first, and months in order; `why_not` when there is none."""

    total: Partner
    partners: tuple[Partner, ...]
    months: tuple[Month, ...]
    basis: Basis
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Via:
    """Couples that began to pay in a time and came one way; empty where the app noted nothing."""

    joined_via: str
    couples: int
    share: Fraction | None
    paid_cents: int
    per_couple_cents: int | None
    currency: str = CURRENCY


@query(Permission.USAGE_READ)
def performance(view: View, since: date, until: date) -> Performance:
    """What partners did in a time. Two statements."""
    row = PartnerDay
    wanted = row.analytics_date.between(since, until)
    bookings = func.coalesce(row.total_bookings, 0)
    rated = func.sum(bookings).filter(row.average_rating.is_not(None))
    rows = view.session.execute(
        select(
            row.partner_name,
            func.max(row.partner_category).label("category"),
            func.sum(bookings).label("bookings"),
            func.sum(func.coalesce(row.cancellations, 0)).label("cancellations"),
            func.sum(func.coalesce(row.repeat_bookings, 0)).label("repeats"),
            func.sum(func.coalesce(row.total_revenue_cents, 0)).label("revenue"),
            func.sum(func.coalesce(row.commission_cents, 0)).label("commission"),
            func.sum(row.average_rating * bookings).label("stars"),
            rated.label("rated"),
            func.count().label("days"),
            func.max(row.analytics_date).label("newest"),
        )
        .where(wanted)
        .group_by(row.partner_name)
    ).all()
    partners = sorted(
        (_partner(each.partner_name, each.category, [each]) for each in rows),
        key=lambda each: (-each.commission_cents, each.partner),
    )
    newest = max((each.newest for each in rows), default=None)
    days = sum(each.days for each in rows)
    return Performance(
        _partner("", "", rows),
        tuple(partners),
        _months(view, wanted, until) if rows else (),
        Basis(None, days, f"days of partners as the app wrote them, the newest {newest}", None),
        None if rows else "No partner had a booking in this time.",
    )


@query(Permission.USAGE_READ)
def ways(view: View, since: date, until: date) -> list[Via]:
    """How couples came that first paid in a time (whole months), and what they paid. One statement."""
    row = CohortMonth
    rows = view.session.execute(
        select(
            row.joined_via,
            func.sum(row.joined_couples).label("couples"),
            func.sum(row.paid_cents - row.refunded_cents).label("paid"),
        )
        .where(
            row.policy == HOUSE.name,
            row.currency == CURRENCY,
            row.cohort.between(month_start(since), until),
        )
        .group_by(row.joined_via)
    ).all()
    everybody = sum(int(each.couples) for each in rows)
    found = [
        Via(
            each.joined_via or "unknown",
            int(each.couples),
            share_of(int(each.couples), everybody),
            int(each.paid),
            int(each.paid) // int(each.couples) if each.couples else None,
        )
        for each in rows
    ]
    return sorted(found, key=lambda each: (-each.couples, each.joined_via))


def _months(view: View, wanted: Any, until: date) -> tuple[Month, ...]:
    row = PartnerDay
    month = month_of(row.analytics_date)
    rows = view.session.execute(
        select(
            month.label("month"),
            func.sum(func.coalesce(row.total_bookings, 0)).label("bookings"),
            func.sum(func.coalesce(row.total_revenue_cents, 0)).label("revenue"),
            func.sum(func.coalesce(row.commission_cents, 0)).label("commission"),
        )
        .where(wanted)
        .group_by(month)
        .order_by(month)
    )
    return tuple(
        Month(
            first := date.fromisoformat(f"{each.month}-01"),
            int(each.bookings),
            int(each.revenue),
            int(each.commission),
            first < month_start(until),
        )
        for each in rows
    )


def _partner(name: str, category: str, rows: Any) -> Partner:
    bookings = sum(int(row.bookings) for row in rows)
    revenue, commission = (sum(int(getattr(row, each)) for row in rows) for each in ("revenue", "commission"))
    rated = sum(int(row.rated or 0) for row in rows)
    return Partner(
        name,
        category,
        bookings,
        share_of(sum(int(row.cancellations) for row in rows), bookings),
        share_of(sum(int(row.repeats) for row in rows), bookings),
        revenue,
        commission,
        share_of(commission, revenue),
        sum(float(row.stars or 0) for row in rows) / rated if rated else None,
        sum(int(row.days) for row in rows),
    )
