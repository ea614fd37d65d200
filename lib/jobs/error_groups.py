"""Puts the rows of `error_logs` into groups: only those that came since, a few thousand at a time.

New rows are found by their moment, with an hour's overlap for those that took long to commit; once a day all
rows are compared with those that were counted, because some come late or with a clock that is wrong. A batch
is one transaction, so that whoever is killed leaves whole batches, and what was counted is not counted again.
Fingerprints are made between reading and writing, while nobody waits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, func, select, tuple_

from lib.core import moments
from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import View, query, reading, working
from lib.jobs import error_rows, error_weights, runs
from lib.jobs.error_counts import Batch, Found, Gone, forget, keep
from lib.metrics.error_fingerprints import fingerprint
from lib.metrics.error_places import browser_of, device_of, page_of
from lib.metrics.error_stacks import LONGEST_READ
from lib.models import ErrorLog, ErrorOccurrence, masks, sortable

NAME: Final = "error-groups"
ACTOR: Final = system("worker")
AT_ONCE: Final = 2_000
IN_ONE_RUN: Final = 100_000
"""Errors after which a run of the worker ends, so that what staff did meanwhile is not kept waiting."""
AT_MOST_EVERY: Final = timedelta(minutes=5)
AT_LEAST_EVERY: Final = timedelta(hours=1)
OVERLAP: Final = timedelta(hours=1)
ALL_EVERY: Final = timedelta(days=1)
KEPT_BY_THE_APP: Final = timedelta(days=90)
CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""A moment that is further ahead of ours is one that some wrong clock wrote."""
_LONGEST_MESSAGE: Final = 4_000
_LONG_AGO: Final = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Grouped:
    """What a run did: rows put into groups, groups weighed anew, rows resolved or opened with their group."""

    errors: int
    weighed: int
    followed: int


def is_due(database: Database, now: datetime) -> bool:
    """Whether rows of a group have to follow it, an hour went by, or rows came and five minutes went by."""
    newest = runs.latest(database, NAME)
    if newest is None:
        return True
    if newest.state == "running" and newest.lease_until and newest.lease_until >= now:
        return False
    since = now - newest.started_at
    if newest.state == "failed" and since < AT_MOST_EVERY:
        return False
    if error_rows.are_due(database) or newest.summary.get("more") or since >= AT_LEAST_EVERY:
        return True
    return since >= AT_MOST_EVERY and _has_new(database, _watermark(database, now))


def run(
    database: Database,
    now: datetime,
    *,
    most: int | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Grouped:
    """Group what came since, weigh what changed, and let rows follow their group.

    Stops after about `most` errors, of which the next run takes the rest. `clock` is what its lease is
    measured by, `now` unless it is given. Raises Refused while another process does the same.
    """
    since = _watermark(database, now)
    last = runs.latest(database, NAME, state="done")
    swept = last.summary.get("swept_at") if last else None
    with runs.running(database, NAME, clock=clock or (lambda: now)) as under_way:
        followed = error_rows.follow(database, now, under_way.progress)
        errors, reached = _group(database, now, under_way, since=since, most=most)
        # A row of every day is looked at once a day, unless there is more to do than that.
        if reached is None and (swept is None or now - datetime.fromisoformat(swept) >= ALL_EVERY):
            errors += _group(database, now, under_way, since=None, most=None)[0]
            _forget(database, now, under_way)
            swept = now.isoformat()
        weighed = error_weights.weigh_changed(database, now)
        under_way.summary |= {
            "errors": errors,
            "swept_at": swept,
            "read_until": (reached or now).isoformat(),
            "more": reached is not None,
        }
    return Grouped(errors, weighed, followed)


def run_for_day(database: Database, _day: date, _settings: Settings, now: datetime) -> Grouped:
    """The same, as the schedule calls it: the day makes no difference."""
    return run(database, now, most=IN_ONE_RUN, clock=moments.now)


@query(Permission.ERRORS_READ)
def newcomers(
    view: View,
    *,
    since: datetime | None,
    after: tuple[datetime, str] | str | None = None,
    limit: int = AT_ONCE,
) -> list[Found]:
    """Rows that are in no group yet, with their fingerprints, `limit` at most.

    Those since a moment, in its order; with None all that there are, in the order of their ids. `after` is
    what the list before ended with.
    """
    log, created = ErrorLog, sortable(ErrorLog.created_at)
    statement = select(
        log.id,
        log.error_type,
        func.substr(log.error_message, 1, _LONGEST_MESSAGE, type_=log.error_message.type).label("message"),
        func.substr(log.stack_trace, 1, LONGEST_READ, type_=log.stack_trace.type).label("stack"),
        log.user_id,
        log.relationship_id,
        log.page_url,
        log.user_agent,
        log.severity,
        log.resolved,
        log.resolved_at,
        log.created_at,
    ).where(~_grouped())
    if since is None:
        statement = statement.order_by(log.id)
        if after is not None:
            statement = statement.where(log.id > after)
    else:
        statement = statement.where(created >= since).order_by(created, log.id)
        if after is not None:
            statement = statement.where(tuple_(created, log.id) > after)
    # What is grouped by is the text itself: two addresses that look alike masked are two addresses.
    with masks.unmasked():
        rows = view.session.execute(statement.limit(limit)).all()
    return [_found(row, view.now) for row in rows]


def watermark(last_read: datetime | None, now: datetime) -> datetime:
    """From when on rows may have come that the last run, which read until then, did not see."""
    return (last_read or now - _LONG_AGO) - OVERLAP


def _found(row: Any, now: datetime) -> Found:
    made = fingerprint(row.error_type, row.message, row.stack)
    odd = row.created_at is None or row.created_at > now + CLOCKS_DIFFER
    return Found(
        error_id=row.id,
        made=made,
        seen_at=now if odd else min(row.created_at, now),
        severity=row.severity or "medium",
        user_id=row.user_id or "",
        relationship_id=row.relationship_id or "",
        places=(
            ("page", page_of(row.page_url)),
            ("device", device_of(row.user_agent)),
            ("browser", browser_of(row.user_agent)),
            ("severity", row.severity or "medium"),
        ),
        resolved_at=(row.resolved_at or row.created_at or now) if row.resolved else None,
        odd_clock=odd,
        place=(row.created_at, row.id),
    )


def _group(
    database: Database, now: datetime, run: runs.Run, *, since: datetime | None, most: int | None
) -> tuple[int, datetime | None]:
    """Gives how many errors it came to and, when it stopped before the last one, the moment it reached."""
    done, after = 0, None
    while True:
        with reading(database, ACTOR, now=now) as view:
            found = newcomers(view, since=since, after=after)
        if not found:
            return done, None
        with working(database, ACTOR, now=now) as work:
            keep(work, Batch(found))
        done += len(found)
        run.progress(done)
        after = _end(found, by_id=since is None)
        if most is not None and done >= most:
            return done, found[-1].seen_at


def _forget(database: Database, now: datetime, run: runs.Run) -> None:
    """Let go of which group a row was in once the app has removed the row; the counts stay."""
    seen, after = ErrorOccurrence, ""
    gone = (
        select(seen.error_id)
        .where(seen.seen_at < now - KEPT_BY_THE_APP, ~exists().where(ErrorLog.id == seen.error_id))
        .order_by(seen.error_id)
        .limit(AT_ONCE)
    )
    while True:
        with database.primary.execution_options(writes=False).connect() as connection:
            keys = connection.scalars(gone.where(seen.error_id > after)).all()
        if not keys:
            return
        with working(database, ACTOR, now=now) as work:
            forget(work, Gone(keys))
        run.progress(len(keys))
        after = keys[-1]


def _end(found: Sequence[Found], *, by_id: bool) -> Any:
    moment, key = found[-1].place
    return key if by_id or moment is None else (moment, key)


def _grouped() -> ColumnElement[bool]:
    return exists().where(ErrorOccurrence.error_id == ErrorLog.id)


def _has_new(database: Database, since: datetime) -> bool:
    new = select(ErrorLog.id).where(sortable(ErrorLog.created_at) >= since, ~_grouped()).limit(1)
    with database.primary.execution_options(writes=False).connect() as connection:
        return connection.execute(new).first() is not None


def _watermark(database: Database, now: datetime) -> datetime:
    last = runs.latest(database, NAME, state="done")
    return watermark(datetime.fromisoformat(last.summary["read_until"]) if last else None, now)
