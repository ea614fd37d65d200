"""A/B tests with many couples in them, written in bulk."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from lib.core.database import Database
from lib.jobs import experiments as job
from lib.models import Assignment, ExperimentPlan, Payment, Relationship, User
from tests.factories import NOW, make_arm, write

Sizes = Mapping[str, tuple[int, int]]
"""Couples and payers by arm."""

CLEAR: Sizes = {"control": (30, 8), "treatment": (30, 24)}
BROKEN: Sizes = {"control": (50, 20), "treatment": (10, 4)}


def trial(
    database: Database,
    sizes: Sizes = CLEAR,
    *,
    test: str = "price",
    began: datetime | None = None,
    now: datetime = NOW,
    cents: int = 3000,
    lift: int = 1500,
    **arm: Any,
) -> None:
    """A test that began 40 days ago, its couples put into arms on the days since, counted as of `now`.

    Payers pay `cents` a day later. `lift`: the least lift to find, in thousandths.
    """
    since = began or now - timedelta(days=40)
    for name in sizes:
        make_arm(database, test, name, **{"start_date": since, "created_at": since, **arm})
    write(
        database,
        ExperimentPlan,
        test_name=test,
        lift=lift,
        set_by_email="product@example.org",
        updated_at=now,
    )
    for name, (couples, payers) in sizes.items():
        put_in(database, test, name, couples, payers, since=since, cents=cents)
    job.run(database, now)


def put_in(
    database: Database,
    test: str,
    arm: str,
    couples: int,
    payers: int,
    *,
    since: datetime,
    cents: int = 3000,
) -> None:
    """Put couples into an arm, one an hour, the first ones payers."""
    people: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    assigned: list[dict[str, Any]] = []
    paid: list[dict[str, Any]] = []
    for number in range(couples):
        key, at = f"{test}_{arm}_{number}", since + timedelta(hours=number)
        users = [f"{key}_{side}" for side in (1, 2)]
        people += [
            {"id": user, "email": f"{user}@example.org", "name": user, "created_at": at} for user in users
        ]
        pairs.append(
            {
                "id": key,
                "user_1_id": users[0],
                "user_2_id": users[1],
                "status": "active",
                "created_at": at,
            }
        )
        row = {"test_name": test, "variant_id": f"{test}_{arm}", "relationship_id": key, "assigned_at": at}
        assigned += [{**row, "id": user, "user_id": user, "converted": number < payers} for user in users]
        if number < payers:
            moment = at + timedelta(days=1)
            paid.append(
                {
                    "id": f"pay_{key}",
                    "user_id": users[0],
                    "relationship_id": key,
                    "transaction_type": "subscription",
                    "amount_cents": cents + number,
                    "currency": "USD",
                    "status": "succeeded",
                    "processed_at": moment,
                    "created_at": moment,
                }
            )
    with database.primary.begin() as connection:
        for table, rows in ((User, people), (Relationship, pairs), (Assignment, assigned), (Payment, paid)):
            if rows:
                connection.execute(insert(table.__table__), rows)
