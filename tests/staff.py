"""Members of staff for tests, and the shortest way to read and to act as one of them."""

from collections.abc import Callable
from typing import Any

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import reading, working

SUPPORT = Actor("staff_support", "support@example.org", Role.SUPPORT)
FINANCE = Actor("staff_finance", "finance@example.org", Role.FINANCE)
OTHER_FINANCE = Actor("staff_finance_2", "finance2@example.org", Role.FINANCE)
ADMIN = Actor("staff_admin", "admin@example.org", Role.ADMIN)
PRODUCT = Actor("staff_product", "product@example.org", Role.PRODUCT)


def read(database: Database, actor: Actor, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a query for an actor in a View of its own."""
    with reading(database, actor) as view:
        return function(view, *args, **kwargs)


def do(database: Database, actor: Actor, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run an action for an actor in a transaction of its own."""
    with working(database, actor) as work:
        return function(work, *args, **kwargs)
