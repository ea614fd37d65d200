"""What the app's own `revenue_analytics` has for MRR, beside what the ledger gives.

The app's table has no policy and no currency: it is compared with the house policy's US dollars. Its other
figures are compared by recounts (`python -m lib jobs backfill --dry-run`), from raw rows.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.work import View, query
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE
from lib.metrics.revenue import mrr_by_day
from lib.models import RevenueDay

CURRENCY: Final = "USD"
COLUMNS: Final = (
    Column("day", "Day", "day"),
    Column("stored_cents", "MRR stored by the app", "money"),
    Column("counted_cents", "MRR by the ledger", "money"),
    Column("difference_cents", "Difference", "money"),
)


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A day whose MRR the app stored otherwise, in cents; `stored_cents` is None where it has no row."""

    day: date
    stored_cents: int | None
    counted_cents: int
    currency: str = CURRENCY

    @property
    def difference_cents(self) -> int | None:
        """By how much the app has it otherwise."""
        return None if self.stored_cents is None else self.stored_cents - self.counted_cents


@dataclass(frozen=True, slots=True)
class StoredRevenue:
    """The days that differ, newest first, of those that were compared."""

    differing: tuple[StoredDay, ...]
    compared: int
    basis: Basis


@query(Permission.REVENUE_READ)
def stored_revenue(view: View, since: date, until: date) -> StoredRevenue:
    """Compare the days from `since` to `until` that were counted. Two statements."""
    counted = mrr_by_day(view, since, until, CURRENCY, HOUSE)
    stored = {
        row.analytics_date: row.mrr_cents
        for row in view.session.execute(
            select(RevenueDay.analytics_date, RevenueDay.mrr_cents).where(
                RevenueDay.analytics_date.between(since, until)
            )
        )
    }
    # A day that is not over yet goes on changing.
    days = [
        StoredDay(each.day, stored.get(each.day), money.monthly(each.arr_cents))
        for each in counted.days
        if each.complete
    ]
    differing = tuple(day for day in reversed(days) if day.stored_cents != day.counted_cents)
    return StoredRevenue(differing, len(days), counted.basis)
