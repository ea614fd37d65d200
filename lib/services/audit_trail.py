"""The audit trail for people: who looked at whom, who changed what, and why; and whether the chain holds.

What an entry says about customers is masked by the classification of the column that it was noted from, until
the reader has asked, with a reason, to see the people it is about.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from lib.core import audit
from lib.core.access import Permission
from lib.core.audit import Object, Verdict
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import ACTIONS, JOBS, View, query
from lib.models import AdminUser, AuditedObject, AuditEntry, Base, masks
from lib.models.types import Json, Personal
from lib.services.people import REVEALED_AT_ONCE

OUTCOMES: Final = ("done", "denied", "refused", "failed")
SHOWN: Final = 50

HISTORY_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("actor_email", "Who"),
    Column("action", "What", "action"),
    Column("outcome", "Outcome", "status"),
)
CHANGE_COLUMNS: Final = (
    Column("object", "Row", "table"),
    Column("field", "Field", "code"),
    Column("before", "Before"),
    Column("after", "After"),
)


@listing(
    Permission.AUDIT_READ,
    columns=(
        Column("seq", "Entry"),
        Column("at", "When", "moment"),
        Column("actor_email", "Who"),
        Column("actor_role", "Role", "code"),
        Column("action", "What", "action"),
        Column("outcome", "Outcome", "status"),
        Column("object_type", "About", "table"),
        Column("object_id", "Id", "id"),
    ),
)
def entries(
    *, actor: str = "", action: str | None = None, outcome: str | None = None, object_id: str = ""
) -> AnySelect:
    """Entries, the latest first.

    `actor` is the whole e-mail address or the id of who acted; `object_id` is any row that an entry touched.
    """
    statement = select(
        AuditEntry.seq,
        AuditEntry.at,
        AuditEntry.actor_email,
        AuditEntry.actor_role,
        AuditEntry.action,
        AuditEntry.outcome,
        AuditEntry.object_type,
        AuditEntry.object_id,
    ).order_by(AuditEntry.seq.desc())
    if actor.strip():
        wanted = actor.strip()
        known = select(AdminUser.id).where(AdminUser.email == wanted.lower()).scalar_subquery()
        statement = statement.where(AuditEntry.actor_id == func.coalesce(known, wanted))
    if action:
        statement = statement.where(AuditEntry.action == action)
    if outcome:
        if outcome not in OUTCOMES:
            raise Invalid(f"An entry is {', '.join(OUTCOMES)}, not “{outcome[:40]}”.")
        statement = statement.where(AuditEntry.outcome == outcome)
    if object_id.strip():
        touched = select(AuditedObject.seq).where(
            # The key begins with the table's name, so all of them are named.
            AuditedObject.object_type.in_(Base.metadata.tables),
            AuditedObject.object_id == object_id.strip(),
        )
        statement = statement.where(AuditEntry.seq.in_(touched))
    return statement


def actions() -> tuple[str, ...]:
    """What an entry can be about: the actions and jobs that there are, denied reads, and openings."""
    return tuple(sorted({*ACTIONS, *JOBS, "open", "read"}))


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after, as text; masked where the field is personal."""

    object: str
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EntryCase:
    """One entry with everything it says. `erased`: what it said about a person was erased, the entry holds.

    `person_ids`: whom it is about; `masked` says whether their data is hidden from the reader.
    """

    seq: int
    at: datetime
    actor_id: str
    actor_email: str
    actor_role: str
    action: str
    outcome: str
    reason: str | None
    message: str | None
    arguments: Mapping[str, Any]
    changes: tuple[Change, ...]
    counts: Mapping[str, int]
    objects: tuple[Object, ...]
    hash: str
    erased: bool
    person_ids: tuple[str, ...]
    masked: bool

    @property
    def can_be_revealed(self) -> bool:
        """Whether it is about people who can be asked for: one person or one couple."""
        return 0 < len(self.person_ids) <= REVEALED_AT_ONCE


@query(Permission.AUDIT_READ)
def one(view: View, seq: str | int) -> EntryCase:
    """An entry by its number; raises NotFound. Three statements."""
    row = view.session.get(AuditEntry, int(seq)) if str(seq).isdecimal() and len(str(seq)) < 19 else None
    if row is None:
        raise NotFound(f"There is no entry {str(seq)[:40]} in the audit trail.")
    touched = view.session.execute(
        select(AuditedObject.object_type, AuditedObject.object_id)
        .where(AuditedObject.seq == row.seq)
        .order_by(AuditedObject.object_type, AuditedObject.object_id)
        .limit(SHOWN)
    )
    objects = tuple((kind, key) for kind, key in touched)
    payload = json.loads(row.payload) if row.payload else {}
    people = tuple(sorted(set(_people(objects, payload))))
    with view.revealing(people) as shown:
        return EntryCase(
            seq=row.seq,
            at=row.at,
            actor_id=row.actor_id,
            actor_email=row.actor_email,
            actor_role=row.actor_role,
            action=row.action,
            outcome=row.outcome,
            reason=payload.get("reason"),
            message=payload.get("message"),
            arguments=_masked(payload.get("arguments", {})),
            changes=tuple(_changes(payload.get("changes", {}))),
            counts=payload.get("counts", {}),
            objects=objects,
            hash=row.hash,
            erased=row.payload is None,
            person_ids=people,
            masked=not shown,
        )


@query(Permission.PEOPLE_READ)
def history(view: View, kind: str, key: str) -> list[AnyRow]:
    """Who of the staff did something with one row, or looked at it: latest first, fifty at most."""
    return list(
        view.session.execute(
            select(
                AuditEntry.seq, AuditEntry.at, AuditEntry.actor_email, AuditEntry.action, AuditEntry.outcome
            )
            .join(AuditedObject, AuditedObject.seq == AuditEntry.seq)
            .where(AuditedObject.object_type == kind, AuditedObject.object_id == key)
            .order_by(AuditedObject.seq.desc())
            .limit(SHOWN)
        )
    )


@query(Permission.AUDIT_READ)
def check(view: View) -> Verdict:
    """Walk the whole chain and say whether it holds."""
    return audit.verify(view.session)


def _people(objects: tuple[Object, ...], payload: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for kind, key in objects if kind == "users")
    for fields in payload.get("changes", {}).values():
        yield from (value for value in fields.get("user_id", ()) if isinstance(value, str))


def _changes(noted: Mapping[str, Mapping[str, list[Any]]]) -> Iterator[Change]:
    for where, fields in sorted(noted.items()):
        table = where.partition("/")[0]
        for field, (before, after) in sorted(fields.items()):
            yield Change(where, field, _text(table, field, before), _text(table, field, after))


def _text(table: str, field: str, value: Any) -> str | None:
    if value is None:
        return None
    known = Base.metadata.tables.get(table)
    kind = known.c[field].type if known is not None and field in known.c else None
    if masks.personal_data_is_masked():
        if isinstance(kind, Personal):
            return masks.mask(kind.kind, str(value))
        if isinstance(kind, Json):
            value = masks.redact(value)
    return value if isinstance(value, str) else audit.canonical(value)


def _masked(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return masks.redact(arguments) if masks.personal_data_is_masked() else arguments
