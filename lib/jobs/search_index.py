"""Keeps the index of names (`lib.services.name_index`) up with the people of a SQLite database.

New and changed people are found by `users.updated_at`, in batches: a run that was killed goes on where it
was. The search reads people who changed since by itself. Each run also looks whether a batch of the indexed
people still exists, so that a deleted one is forgotten in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Text, or_, select, type_coerce

from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.listing import AnyRow
from lib.core.settings import Settings
from lib.core.work import View, Work, job, query, reading, working
from lib.jobs import runs
from lib.jobs.runs import Run
from lib.models import AuditEntry, User, sortable
from lib.models.types import SQLITE_FORM
from lib.services.name_index import Named, NameIndex

NAME: Final = "search-index"
ACTOR: Final = system("worker")
BATCH: Final = 2000
AT_LEAST_EVERY: Final = timedelta(minutes=10)
AFTER_A_CHANGE: Final = timedelta(seconds=30)
# The app sets updated_at before it commits, to the second: what came late is read again.
COMMITTED_WITHIN: Final = timedelta(minutes=1)

# As text, in the one form that sorts: a date that nobody can read must not stop the walk.
_CHANGED: Final = type_coerce(sortable(User.updated_at), Text)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run did: people indexed anew, and people forgotten because their account is gone."""

    indexed: int
    forgotten: int


def is_due(database: Database, now: datetime) -> bool:
    """Whether people changed since the last run, or it is some minutes ago. Never for PostgreSQL."""
    index = NameIndex.beside(database.primary.url)
    if index is None:
        return False
    newest = runs.latest(database, NAME)
    if newest is None or now - newest.started_at >= AT_LEAST_EVERY:
        return True
    if now - newest.started_at < AFTER_A_CHANGE:
        return False
    with reading(database, ACTOR, now=now) as view:
        return somebody_changed(view, index.known("seen_until") or "")


def run(database: Database, now: datetime) -> Kept:
    """Bring the index up to now; Refused while another process does the same."""
    index = NameIndex.beside(database.primary.url)
    if index is None:
        return Kept(0, 0)
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        _start_afresh_for_another_database(index, database)
        indexed = _index_changed(index, database, now, under_way)
        forgotten = _forget_deleted(index, database)
        # Only now: reading people was the first audit entry of a new database.
        index.put([], database=_fingerprint(database))
        under_way.summary |= {"indexed": indexed, "forgotten": forgotten}
    return Kept(indexed, forgotten)


def run_for_day(database: Database, _day: date, _settings: Settings, now: datetime) -> Kept:
    """The same, as the schedule calls it: the day makes no difference."""
    return run(database, now)


@query(Permission.PEOPLE_READ)
def somebody_changed(view: View, after: str) -> bool:
    """Whether anybody's row was changed after a moment, given in SQLite's form."""
    changed = select(User.id).where(after < _CHANGED, view.now.strftime(SQLITE_FORM) >= _CHANGED)
    return view.session.scalar(changed.limit(1)) is not None


@query(Permission.PEOPLE_READ)
def existing(view: View, user_ids: Sequence[str]) -> set[str]:
    """Those of some people whose account still exists."""
    return set(view.session.scalars(select(User.id).where(User.id.in_(user_ids))))


@query(Permission.AUDIT_READ)
def fingerprint(view: View) -> str:
    """What tells this database from others: the salted hash of the first audit entry, once there is one."""
    return view.session.scalar(select(AuditEntry.hash).where(AuditEntry.seq == 1)) or ""


@job
def read_people(work: Work, after: str, last_id: str) -> Sequence[AnyRow]:
    """The next batch of people in the order of their last change, unmasked: for the index alone."""
    rows = work.session.execute(
        select(User.id, User.name, User.nickname, User.email, _CHANGED.label("at"))
        .where(after <= _CHANGED, or_(after < _CHANGED, User.id > last_id))
        .where(work.now.strftime(SQLITE_FORM) >= _CHANGED)
        .order_by(sortable(User.updated_at), User.id)
        .limit(BATCH)
    ).all()
    work.count("read for the index of names", len(rows))
    return rows


def _index_changed(index: NameIndex, database: Database, now: datetime, under_way: Run) -> int:
    after, last_id = index.known("position") or "", index.known("last_id") or ""
    until = now.strftime(SQLITE_FORM)
    indexed = 0
    with reading(database, ACTOR, now=now) as view:
        more = somebody_changed(view, after)
    while more:
        with working(database, ACTOR, now=now) as work:
            rows = read_people(work, after, last_id)
        people = [Named(row.id, (row.name, row.nickname, row.email.rpartition("@")[0])) for row in rows]
        more = len(rows) == BATCH
        if more:
            after, last_id = rows[-1].at, rows[-1].id
            indexed += index.put(people, position=after, last_id=last_id, seen_until=after)
            under_way.progress(indexed)
        else:
            again_from = (now - COMMITTED_WITHIN).strftime(SQLITE_FORM)
            indexed += index.put(people, position=again_from, last_id="", seen_until=until)
    return indexed


def _forget_deleted(index: NameIndex, database: Database) -> int:
    some = index.user_ids(index.known("walked_to") or "", BATCH)
    with reading(database, ACTOR) as view:
        gone = sorted(set(some) - existing(view, some))
    index.remove(gone, walked_to=some[-1] if len(some) == BATCH else "")
    return len(gone)


def _start_afresh_for_another_database(index: NameIndex, database: Database) -> None:
    """Forget what was indexed of a database that stood at this place before."""
    this = _fingerprint(database)
    if not this or index.known("database") != this:
        index.clear()


def _fingerprint(database: Database) -> str:
    with reading(database, ACTOR) as view:
        return fingerprint(view)
