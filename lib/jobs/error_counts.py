"""Adds a batch of errors to what is known of their groups: counts by day, by place, and whom they hit."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import bindparam, case, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lib.core.work import Work, job
from lib.metrics.error_fingerprints import Fingerprint
from lib.models import (
    Base,
    ErrorDay,
    ErrorFacet,
    ErrorGroup,
    ErrorLog,
    ErrorOccurrence,
    ErrorSufferer,
)

SEVERITIES: Final = ("low", "medium", "high", "critical")
_ASKED_AT_ONCE: Final = 90  # D1 takes 100 parameters in a statement


@dataclass(frozen=True, slots=True)
class Found:
    """One error with what it is grouped by, whom it hit and where. Person and couple are empty if unknown.

    `seen_at` is its own moment, ours where its clock was odd. `place` is where it stands in the order of
    reading.
    """

    error_id: str
    made: Fingerprint
    seen_at: datetime
    severity: str
    user_id: str
    relationship_id: str
    places: tuple[tuple[str, str], ...]
    resolved_at: datetime | None
    odd_clock: bool
    place: tuple[datetime | None, str]


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """Errors that are written down together; the audit trail has their number alone."""

    errors: Sequence[Found]

    def __repr__(self) -> str:
        return f"{len(self.errors):,} errors"


@dataclass(frozen=True, slots=True, repr=False)
class Gone:
    """Ids of errors that the app has removed; the audit trail has their number alone."""

    keys: Sequence[str]

    def __repr__(self) -> str:
        return f"{len(self.keys):,} errors"


@job
def forget(work: Work, gone: Gone) -> None:
    """Let go of which groups some errors were in; counts, people and what came of it stay."""
    table = ErrorOccurrence.__table__
    statement = delete(table).where(table.c.error_id == bindparam("key"))  # type: ignore[arg-type]
    work.session.execute(statement, [{"key": key} for key in gone.keys])
    work.count("errors", len(gone.keys))


@job
def keep(work: Work, batch: Batch) -> None:
    """Write down a batch of errors that were in no group; makes the groups that are new.

    A group that was resolved before one of them came is regressed. Of those that came before that, the rows
    are resolved as well: they belong to what was mended.
    """
    found = batch.errors
    work.session.execute(
        insert(ErrorOccurrence),
        [
            {"error_id": each.error_id, "group_id": each.made.group_id, "seen_at": each.seen_at}
            for each in found
        ],
    )
    by_group: dict[str, list[Found]] = {}
    for each in found:
        by_group.setdefault(each.made.group_id, []).append(each)
    known = _known(work, list(by_group))
    new = [_new(work, key, rows) for key, rows in by_group.items() if key not in known]
    if new:
        work.session.execute(insert(ErrorGroup), new)
    for key, rows in by_group.items():
        if key in known:
            _add(work, known[key], rows)
    _count(work, found)
    work.count("errors", len(found))
    work.count("new groups", len(new))


def _known(work: Work, keys: Sequence[str]) -> Mapping[str, Any]:
    rows: list[Any] = []
    group = ErrorGroup
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        asked = keys[start : start + _ASKED_AT_ONCE]
        rows += work.session.execute(
            select(group.id, group.state, group.severity, group.resolved_at).where(group.id.in_(asked))
        )
    return {row.id: row for row in rows}


def _new(work: Work, key: str, rows: Sequence[Found]) -> dict[str, Any]:
    """A group as its first errors have it: resolved if each of them is, regressed if it came back then."""
    in_order = sorted(rows, key=lambda row: row.seen_at)
    first, back = in_order[0], next((row for row in in_order if row.resolved_at is None), None)
    before = takewhile(_is_mended, in_order)
    mended = max((row.resolved_at for row in before if row.resolved_at), default=None)
    is_back = back is not None and mended is not None and back.seen_at > mended
    return {
        "id": key,
        "error_type": first.made.error_type,
        "title": first.made.title,
        "culprit": first.made.culprit,
        "severity": _worst(row.severity for row in rows),
        "state": "resolved" if back is None else "regressed" if is_back else "new",
        "resolved_at": min(mended, work.now) if mended and (is_back or back is None) else None,
        "regressed_at": back.seen_at if back and is_back else None,
        "first_seen": first.seen_at,
        "last_seen": max(row.seen_at for row in rows),
        "errors": len(rows),
        "odd_clocks": sum(row.odd_clock for row in rows),
    }


def _is_mended(row: Found) -> bool:
    return row.resolved_at is not None


def _add(work: Work, known: Any, rows: Sequence[Found]) -> None:
    group, table = ErrorGroup, ErrorGroup.__table__
    first, last = min(row.seen_at for row in rows), max(row.seen_at for row in rows)
    values: dict[str, Any] = {
        "errors": group.errors + len(rows),
        "odd_clocks": group.odd_clocks + sum(row.odd_clock for row in rows),
        "first_seen": case((group.first_seen > first, first), else_=group.first_seen),
        "last_seen": case((group.last_seen < last, last), else_=group.last_seen),
        "severity": _worst([known.severity, *(row.severity for row in rows)]),
        "counted_at": None,
    }
    if known.state == "resolved":
        back = [row.seen_at for row in rows if row.resolved_at is None and row.seen_at > known.resolved_at]
        if back:
            values |= {"state": "regressed", "regressed_at": min(back)}
            work.about("admin_error_groups", known.id)
        _resolve_earlier(work, known.resolved_at, rows)
    work.session.execute(update(table).where(group.id == known.id).values(values))  # type: ignore[arg-type]


def _resolve_earlier(work: Work, moment: datetime, rows: Sequence[Found]) -> None:
    late = [row.error_id for row in rows if row.resolved_at is None and row.seen_at <= moment]
    for start in range(0, len(late), _ASKED_AT_ONCE):
        work.session.execute(
            update(ErrorLog)
            .where(ErrorLog.id.in_(late[start : start + _ASKED_AT_ONCE]))
            .values(resolved=True, resolved_at=moment)
            .execution_options(synchronize_session=False)
        )


def _worst(severities: Iterable[str]) -> str:
    return max(severities, key=lambda each: SEVERITIES.index(each) if each in SEVERITIES else 0)


def _count(work: Work, found: Sequence[Found]) -> None:
    days: Counter[tuple[str, date]] = Counter((row.made.group_id, row.seen_at.date()) for row in found)
    places = Counter((row.made.group_id, kind, value) for row in found for kind, value in row.places)
    people: dict[tuple[str, str, str], list[datetime]] = {}
    for row in found:
        if row.user_id or row.relationship_id:
            key = (row.made.group_id, row.user_id, row.relationship_id)
            people.setdefault(key, []).append(row.seen_at)
    _add_to(
        work, ErrorDay, [{"group_id": key, "day": day, "errors": n} for (key, day), n in sorted(days.items())]
    )
    _add_to(
        work,
        ErrorFacet,
        [
            {"group_id": key, "kind": kind, "value": value, "errors": n}
            for (key, kind, value), n in sorted(places.items())
        ],
    )
    _add_to(
        work,
        ErrorSufferer,
        [
            {
                "group_id": key,
                "user_id": user,
                "relationship_id": couple,
                "errors": len(seen),
                "first_seen": min(seen),
                "last_seen": max(seen),
            }
            for (key, user, couple), seen in sorted(people.items())
        ],
    )


def _add_to(work: Work, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or add their `errors` to those that are there, and widen the time in which they came."""
    if not rows:
        return
    make: Any = postgresql.insert if work.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement, table = make(model), Base.metadata.tables[model.__tablename__]
    new = statement.excluded
    values: dict[str, Any] = {"errors": table.c.errors + new.errors}
    if "first_seen" in table.c:
        values["first_seen"] = case(
            (table.c.first_seen > new.first_seen, new.first_seen), else_=table.c.first_seen
        )
        values["last_seen"] = case(
            (table.c.last_seen < new.last_seen, new.last_seen), else_=table.c.last_seen
        )
    work.session.execute(
        statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values), rows
    )
