"""A ledger written by hand: one call is one entry."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lib.core.access import system
from lib.core.database import Database
from lib.jobs import filling
from lib.metrics import mrr
from lib.metrics.policies import HOUSE, Policy
from lib.models import MetricDay, SubscriptionChange

DESK = system("test")
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MONTHLY, ANNUAL, BOX = 36_000, 24_000, 28_900
"""The price list, annualised cents: $30 a month, $240 a year, $289 a year."""


def day(text: str) -> date:
    """A day of 2026, as `06-15`; or any, as `2025-12-31`."""
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def entry(database: Database, on: str | datetime, arr: int = MONTHLY, **over: Any) -> None:
    """Write an entry of subscription `s1` of couple `c1`; `on` is a day (its noon) or a moment."""
    at = on if isinstance(on, datetime) else datetime.combine(day(on), time(12), tzinfo=UTC)
    values = {
        "subscription_id": "s1",
        "relationship_id": "c1",
        "effective_at": at,
        "recorded_at": at,
        "status": "active",
        "plan_id": "try_it_out",
        "billing_period": "monthly",
        "currency": "USD",
        "list_arr_cents": arr,
        "net_arr_cents": arr,
        "is_gift": False,
        "collection_paused": False,
        "set_to_cancel": False,
        "cause": None,
        "source": "event",
        "source_id": None,
    }
    with database.primary.begin() as connection:
        connection.execute(insert(SubscriptionChange).values(**values | over))


def fill(database: Database, since: str, until: str, *, now: datetime = NOW) -> None:
    """Fill the roll-ups of a range of days under every policy."""
    filling.fill(database, day(since), day(until), now=now)


def moved(
    database: Database, since: str, until: str, policy: Policy = HOUSE
) -> list[tuple[date, str, str, int, int]]:
    """Day, currency, movement, annualised cents and couples of a range of days, straight from the ledger."""
    found = mrr.couple_moves((policy,), day(since), day(until)).subquery()
    with Session(database.primary.execution_options(writes=False)) as session:
        rows = session.execute(mrr.amounts(found.c, policy).order_by(found.c.day, found.c.currency)).all()
    return [(row[0], row[1], row[2], int(row[-2]), int(row[-1])) for row in rows]


def stored(
    database: Database, *, policy: Policy = HOUSE, without: tuple[str, ...] = ("computed_at",)
) -> list[dict[str, Any]]:
    """Every row of the roll-up under one policy, in order of its key."""
    table = MetricDay.__table__
    rows = select(table).where(table.c.policy == policy.name).order_by(*table.primary_key.columns)
    with database.primary.connect() as connection:
        return [
            {name: value for name, value in row.items() if name not in without}
            for row in connection.execute(rows).mappings()
        ]
