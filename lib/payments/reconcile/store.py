"""Where a walk keeps what it found and how far it has come: our own tables, a page in one transaction.

No audit entry: nothing of production's is touched, and nothing is decided here.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lib.core.database import Database
from lib.models import DriftFinding, DriftSeen, DriftWalk, InboxEvent, Operation, new_id
from lib.payments.reconcile.classes import CLASSES
from lib.payments.reconcile.finding import Finding

STALE_AFTER: Final = timedelta(days=2)
"""A walk that was stopped so long ago is begun anew: what it saw says little about today."""

_AT_ONCE: Final = 500


def begin(database: Database, since: datetime | None, now: datetime) -> DriftWalk:
    """The walk that was stopped on its way, or a new one."""
    with _writing(database) as connection:
        stopped = connection.execute(
            select(DriftWalk.__table__)
            .where(
                DriftWalk.state == "running",
                DriftWalk.since == since if since else DriftWalk.since.is_(None),
                DriftWalk.started_at > now - STALE_AFTER,
            )
            .order_by(DriftWalk.started_at.desc(), DriftWalk.id.desc())
            .limit(1)
        ).one_or_none()
        if stopped is not None:
            return DriftWalk(**stopped._mapping)
        values: dict[str, Any] = {"id": new_id(), "since": since, "state": "running", "started_at": now}
        values |= {"requests": 0, "compared": 0, "found": 0, "part": None, "stage": None, "cursor": None}
        connection.execute(delete(DriftSeen))
        connection.execute(insert(DriftWalk).values(**values))
    return DriftWalk(**values)


def keep_page(
    database: Database, walk: DriftWalk, seen: Iterable[str], findings: Sequence[Finding], now: datetime
) -> None:
    """Keep a page's findings, what Stripe listed on it, and the place from which the walk goes on."""
    with _writing(database) as connection:
        listed = sorted(set(seen))
        for start in range(0, len(listed), _AT_ONCE):
            rows = [{"stripe_id": each} for each in listed[start : start + _AT_ONCE]]
            connection.execute(_or_nothing(connection, DriftSeen), rows)
        walk.found += upsert(connection, findings, walk.id, now)
        connection.execute(update(DriftWalk).where(DriftWalk.id == walk.id).values(**_place(walk)))


def next_stage(database: Database, walk: DriftWalk, *, forget: bool) -> None:
    """Keep that the walk begins another stage; `forget` what was listed, once a part is through."""
    with _writing(database) as connection:
        if forget:
            connection.execute(delete(DriftSeen))
        connection.execute(update(DriftWalk).where(DriftWalk.id == walk.id).values(**_place(walk)))


def finish(database: Database, walk: DriftWalk, now: datetime) -> int:
    """Close a walk. What a walk over everything did not find any more is gone; gives how many are."""
    with _writing(database) as connection:
        connection.execute(delete(DriftSeen))
        walk.state, walk.finished_at = "done", now
        connection.execute(
            update(DriftWalk)
            .where(DriftWalk.id == walk.id)
            .values(**_place(walk), state="done", finished_at=now)
        )
        if walk.since is not None:
            return 0
        return connection.execute(
            update(DriftFinding)
            .where(
                DriftFinding.state.in_(("open", "asked")),
                DriftFinding.walk_id.is_distinct_from(walk.id),
            )
            .values(state="gone", gone_at=now)
        ).rowcount


def not_listed(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those of the keys that Stripe has not listed during this walk."""
    wanted = sorted(set(keys))
    listed: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        listed |= set(connection.scalars(select(DriftSeen.stripe_id).where(DriftSeen.stripe_id.in_(chunk))))
    return set(wanted) - listed


def under_way(connection: Connection, findings: Sequence[Finding]) -> set[str]:
    """The objects of findings that something is about to settle: a waiting event, an open operation.

    They are left to the next walk: a difference of seconds is no drift.
    """
    stripe_ids = [finding.stripe_id for finding in findings if finding.stripe_id is not None]
    keys = [f"{finding.object_type}:{finding.object_id}" for finding in findings if finding.object_id]
    waiting = connection.scalars(
        select(InboxEvent.stripe_object_id).where(
            InboxEvent.stripe_object_id.in_(stripe_ids), InboxEvent.state == "received"
        )
    )
    open_ones = connection.scalars(select(Operation.open_key).where(Operation.open_key.in_(keys)))
    return {each for each in (*waiting, *open_ones) if each is not None}


def upsert(connection: Connection, findings: Sequence[Finding], walk_id: str | None, now: datetime) -> int:
    """Note findings, the known ones as seen again; gives how many there were.

    One that is found with other values than before loses the repair that was asked for it, and one that was
    repaired or gone is open again.
    """
    by_key = {finding.key: finding for finding in findings}
    known = {
        row.finding_key: row
        for row in connection.execute(
            select(DriftFinding.finding_key, DriftFinding.id, DriftFinding.state, DriftFinding.digest).where(
                DriftFinding.finding_key.in_(list(by_key))
            )
        )
    }
    for key, finding in by_key.items():
        values = _values(finding) | {"walk_id": walk_id, "last_seen_at": now}
        row = known.get(key)
        if row is None:
            fresh = {"id": new_id(), "state": "open", "first_seen_at": now}
            connection.execute(insert(DriftFinding).values(**values, **fresh))
            continue
        if row.state in {"repaired", "gone"}:
            values |= {"state": "open", "first_seen_at": now, "gone_at": None, "repaired_at": None}
        elif row.digest != finding.digest:
            values |= {"state": "open"}
        connection.execute(update(DriftFinding).where(DriftFinding.id == row.id).values(**values))
    return len(by_key)


def _values(finding: Finding) -> dict[str, Any]:
    same = {
        name: getattr(finding, name)
        for name in (
            "kind",
            "object_type",
            "object_id",
            "stripe_id",
            "relationship_id",
            "ours",
            "theirs",
            "money_cents",
            "currency",
            "since",
        )
    }
    return same | {
        "finding_key": finding.key,
        "rank": CLASSES[finding.kind].rank,
        "why_not": finding.unrepairable,
        "digest": finding.digest,
    }


def _place(walk: DriftWalk) -> dict[str, Any]:
    names = ("part", "stage", "cursor", "requests", "compared", "found")
    return {name: getattr(walk, name) for name in names}


def _or_nothing(connection: Connection, model: type[DriftSeen]) -> Any:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(model).on_conflict_do_nothing()


def _writing(database: Database) -> AbstractContextManager[Connection]:
    return database.primary.execution_options(writes=True).begin()
