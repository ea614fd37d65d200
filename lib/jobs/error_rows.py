"""Lets production's rows follow their group: resolved with it, opened with it, some hundreds at a time.

A group of 200,000 rows would hold its lock for a minute. So each transaction moves a few hundred rows
together with the place that was reached: whoever is killed leaves whole batches, and the next run goes on
from there. Opened again are only the rows that were resolved with the group, at its very moment.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Select, bindparam, select, tuple_, update

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import Work, job, working
from lib.models import ErrorGroup, ErrorLog, ErrorOccurrence

ACTOR: Final = system("worker")
AT_ONCE: Final = 500


def are_due(database: Database) -> bool:
    """Whether rows of some group have to follow it."""
    with database.primary.execution_options(writes=False).connect() as connection:
        return connection.execute(_waiting()).first() is not None


def follow(database: Database, now: datetime, progress: Callable[[int], None] = lambda _done: None) -> int:
    """Do all that is due; gives how many rows it came to. `progress` hears of them after each batch."""
    done = 0
    while True:
        with database.primary.execution_options(writes=False).connect() as connection:
            key = connection.execute(_waiting()).scalar()
        if key is None:
            return done
        with working(database, ACTOR, now=now) as work:
            done += follow_group(work, key)
        progress(done)


@job
def follow_group(work: Work, group_id: str, size: int = AT_ONCE) -> int:
    """Let the next rows of a group follow it; gives how many it came to, fewer than `size` at the end."""
    group = work.session.get_one(ErrorGroup, group_id)
    if group.rows_due is None or group.rows_moment is None:
        return 0
    seen = ErrorOccurrence
    statement = (
        select(seen.error_id, seen.seen_at)
        .where(seen.group_id == group_id, seen.seen_at <= group.rows_moment)
        .order_by(seen.seen_at, seen.error_id)
        .limit(size)
    )
    if group.rows_at is not None:
        statement = statement.where(tuple_(seen.seen_at, seen.error_id) > (group.rows_at, group.rows_id))
    rows = work.session.execute(statement).all()
    _change(work, group.rows_due, group.rows_moment, [row.error_id for row in rows])
    place = {"rows_at": rows[-1].seen_at, "rows_id": rows[-1].error_id} if rows else {}
    if len(rows) < size:
        place = dict.fromkeys(("rows_due", "rows_moment", "rows_at", "rows_id"))
    if place:
        # The place is no change of the group that anybody would look for in the audit trail.
        work.session.execute(
            update(ErrorGroup)
            .where(ErrorGroup.id == group_id)
            .values(place)
            .execution_options(synchronize_session=False)
        )
    work.count("error_logs", len(rows))
    return len(rows)


def _change(work: Work, due: str, moment: datetime, keys: list[str]) -> None:
    if not keys:
        return
    table = ErrorLog.__table__
    row = table.c.id == bindparam("key")
    if due == "resolve":
        statement = update(table).where(row, table.c.resolved.is_not(True))  # type: ignore[arg-type]
        statement = statement.values(resolved=True, resolved_at=moment)
    else:
        statement = update(table).where(row, table.c.resolved_at == moment)  # type: ignore[arg-type]
        statement = statement.values(resolved=False, resolved_at=None)
    work.session.execute(statement, [{"key": key} for key in keys])


def _waiting() -> Select[str]:
    group = ErrorGroup
    return select(group.id).where(group.rows_due.is_not(None)).order_by(group.id).limit(1)
