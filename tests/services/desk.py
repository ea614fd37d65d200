"""What tests of services share: actors by role, reading and acting in one line, query plans."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.listing import Listing
from lib.core.work import reading, working
from tests.factories import NOW, make_staff


def somebody(role: str = "support", *, key: str | None = None) -> Actor:
    """An actor with a role; no row stands behind them."""
    return Actor(id=key or f"staff_{role}", email=f"{role}@example.org", role=Role(role), name=role.title())


def hired(database: Database, role: str = "support") -> Actor:
    """An actor with a row of staff behind them."""
    email = f"{role}-{uuid.uuid4().hex[:8]}@example.org"
    key = make_staff(database, role, email=email)
    return Actor(id=key, email=email, role=Role(role), name=role.title())


def read(
    database: Database,
    function: Callable[..., Any],
    *args: Any,
    by: Actor | None = None,
    now: datetime = NOW,
    **kwargs: Any,
) -> Any:
    """Run a query."""
    with reading(database, by or somebody(), now=now) as view:
        return function(view, *args, **kwargs)


def act(
    database: Database,
    function: Callable[..., Any],
    *args: Any,
    by: Actor | None = None,
    now: datetime = NOW,
    **kwargs: Any,
) -> Any:
    """Run an action."""
    with working(database, by or somebody(), now=now) as work:
        return function(work, *args, **kwargs)


def plan(database: Database, source: Listing, **filters: Any) -> str:
    """How SQLite reads the first page of a list."""
    return plan_of(database, source.build(**filters).limit(50))


def plan_of(database: Database, statement: Any) -> str:
    """How SQLite carries out a statement, one step a line."""
    compiled = statement.compile(database.primary, compile_kwargs={"literal_binds": True})
    with database.primary.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
        return "\n".join(step.detail for step in steps)
