"""What the first look at the error desk asks the database, as one call to be measured."""

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import reading
from lib.services import error_groups


def read_list(database: Database, q: str = "is:unresolved", order: str = "cost") -> int:
    """Read one page of groups and what came since they were counted; gives how many groups were read."""
    with reading(database, system("bench")) as view:
        error_groups.tail(view)
        return len(error_groups.error_groups.page(view, q=q, order=order).rows)
