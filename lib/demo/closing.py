"""What finance of the demo closed before anybody looks: two months; the last one is left to the reader."""

from typing import Final

from lib.core.access import Role
from lib.core.database import Database
from lib.core.work import reading, working
from lib.demo.desk import staff_of
from lib.services import month_close

CLOSED: Final = 2


def close_months(database: Database) -> None:
    """Freeze the two months before the last one, the older one first; fewer in a younger company."""
    finance = staff_of(database)[Role.FINANCE]
    with reading(database, finance) as view:
        months = month_close.closable_months(view)[1 : CLOSED + 1]
    for month in reversed(months):
        with working(database, finance) as work:
            month_close.freeze(work, month, reason="Reported to the board")
