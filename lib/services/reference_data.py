"""What an empty installation starts with: the price list, challenges and achievements.

The rows stand in `reference_data.json`, by table. Prices are integer cents per billing period.
"""

import json
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert, select

from lib.core.work import Work, job
from lib.models import Achievement, Addon, Base, Challenge, SubscriptionPlan

_FILE: Final = Path(__file__).with_suffix(".json")
_MODELS: Final[tuple[type[Base], ...]] = (SubscriptionPlan, Addon, Challenge, Achievement)


def rows() -> dict[str, list[dict[str, Any]]]:
    """The rows by table, as columns and values."""
    content: dict[str, list[dict[str, Any]]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content


@job
def seed(work: Work) -> dict[str, int]:
    """Insert what is missing, by id; gives how many rows went into each table.

    What is there is never changed: prices and texts may have been edited since. A plan or add-on whose Stripe
    price is known under another id counts as there.
    """
    inserted = {}
    content = rows()
    for model in _MODELS:
        table = model.__tablename__
        missing = _missing(work, model, content[table])
        if missing:
            work.session.execute(insert(model), missing)
        work.count(table, len(missing))
        inserted[table] = len(missing)
    return inserted


def _missing(work: Work, model: type[Base], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = model.__table__.c
    known = set(work.session.scalars(select(columns["id"])))
    if "stripe_price_id" in columns:
        known |= set(work.session.scalars(select(columns["stripe_price_id"])))
    times = {name: work.now for name in ("created_at", "updated_at") if name in columns}
    return [
        row | times for row in wanted if known.isdisjoint({row["id"], row.get("stripe_price_id", row["id"])})
    ]
