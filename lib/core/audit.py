"""The audit chain: every change, denied attempt and look at a person, each bound to the one before it.

The hash of an entry covers the entry before it, its own plain columns, and a salted digest of its payload.
The payload itself can be erased for one person without breaking the chain. The chain is linear because each
entry moves the one row of `admin_audit_head` inside its own transaction, by compare-and-set.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from lib.core.access import Actor
from lib.core.errors import Refused
from lib.models import AuditedObject, AuditEntry, AuditHead

Outcome = Literal["done", "denied", "refused", "failed"]
Object = tuple[str, str]

GENESIS: Final = "0" * 64
_SECRET_WORDS: Final = ("password", "token", "secret")


@dataclass(slots=True)
class Draft:
    """An entry in the making, while its action runs."""

    actor: Actor
    action: str
    at: datetime
    arguments: Mapping[str, Any]
    about: Object | None = None
    reason: str | None = None
    outcome: Outcome = "done"
    message: str | None = None
    named: set[Object] = field(default_factory=set)
    changes: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def payload(self) -> str:
        """The entry's details as canonical JSON: sorted keys, no spaces, so that its digest is stable."""
        content = {
            "arguments": without_secrets(self.arguments),
            "reason": self.reason,
            "message": self.message,
            "changes": {where: fields for where, fields in self.changes.items() if fields},
            "counts": self.counts,
        }
        return canonical({name: value for name, value in content.items() if value})

    @property
    def objects(self) -> set[Object]:
        """Every row that the entry is about or touched."""
        touched = {(table, key) for table, _, key in (where.partition("/") for where in self.changes)}
        return touched | self.named | ({self.about} if self.about else set())


@dataclass(frozen=True, slots=True)
class End:
    """Where the chain ends: the number and the hash of its last entry."""

    seq: int
    hash: str


def append(session: Session, *drafts: Draft, end: End | None = None) -> None:
    """Add entries to the chain in the session's transaction, at its end. Four statements for any number.

    One less with the `end` that was read a moment ago, unless somebody has added to the chain since.
    Raises Refused when the chain moved meanwhile (possible only where neither an exclusive transaction nor a
    row lock holds others back); the caller's whole transaction is then to be rolled back.
    """
    # The last thing that a transaction does: on PostgreSQL everybody queues for this row.
    entries = _moved_on(session, end, drafts) if end else None
    if entries is None:
        head = session.execute(select(AuditHead.seq, AuditHead.hash).with_for_update()).one()
        entries = _moved_on(session, End(head.seq, head.hash), drafts)
    if entries is None:
        raise Refused("Somebody else acted at the same moment. Nothing was changed; try again.")
    for entry, draft in zip(entries, drafts, strict=True):
        session.add(entry)
        session.add_all(
            AuditedObject(object_type=kind, object_id=key, seq=entry.seq)
            for kind, key in sorted(draft.objects)
        )
    session.flush()


def _moved_on(session: Session, end: End, drafts: Sequence[Draft]) -> list[AuditEntry] | None:
    """The entries that follow the chain's end, which is now the last of them; None if it was elsewhere."""
    entries: list[AuditEntry] = []
    for seq, draft in enumerate(drafts, end.seq + 1):
        entries.append(_entry(draft, seq, entries[-1].hash if entries else end.hash))
    last = entries[-1] if entries else end
    moved = session.connection().execute(
        update(AuditHead.__table__)  # type: ignore[arg-type]
        .where(AuditHead.seq == end.seq, AuditHead.hash == end.hash)
        .values(seq=last.seq, hash=last.hash)
    )
    return entries if moved.rowcount == 1 else None


def _entry(draft: Draft, seq: int, previous: str) -> AuditEntry:
    payload, salt = draft.payload, secrets.token_hex(16)
    entry = AuditEntry(
        seq=seq,
        at=draft.at,
        actor_id=draft.actor.id,
        actor_email=draft.actor.email,
        actor_role=draft.actor.role.value,
        action=draft.action,
        outcome=draft.outcome,
        object_type=draft.about[0] if draft.about else None,
        object_id=draft.about[1] if draft.about else None,
        payload=payload,
        salt=salt,
        payload_digest=_sha256(salt, payload),
        previous_hash=previous,
        hash="",
    )
    entry.hash = _hash(entry)
    return entry


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found: `broken_at` is the first entry that does not hold, or None."""

    entries: int
    erased: int
    broken_at: int | None = None
    why: str | None = None


def verify(session: Session) -> Verdict:
    """Walk the whole chain and find the first entry that was changed, removed or slipped in."""
    previous, expected, erased = GENESIS, 1, 0
    every = select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=1000)
    with closing(session.scalars(every)) as entries:
        for entry in entries:
            why = _fault(entry, previous, expected)
            if why:
                return Verdict(expected - 1, erased, entry.seq, why)
            erased += entry.payload is None
            previous, expected = entry.hash, expected + 1
            session.expunge(entry)
    head = session.execute(select(AuditHead.seq, AuditHead.hash)).one()
    if (head.seq, head.hash) != (expected - 1, previous):
        return Verdict(expected - 1, erased, expected, "the chain's end is not where its head says")
    return Verdict(expected - 1, erased)


def seen_since(
    session: Session, actor: Actor, action: str, about: Iterable[Object], since: datetime
) -> tuple[set[Object], End]:
    """The objects for which the actor has an entry of this action since a moment, and the chain's end.

    One statement.
    """
    objects = set(about)
    noted = and_(
        AuditEntry.actor_id == actor.id,
        AuditEntry.action == action,
        AuditEntry.object_id.in_({key for _, key in objects}),
        AuditEntry.at >= since,
    )
    found = session.execute(
        select(AuditHead.seq, AuditHead.hash, AuditEntry.object_type, AuditEntry.object_id)
        .select_from(AuditHead)
        .outerjoin(AuditEntry, noted)
    ).all()
    return objects & {(row.object_type, row.object_id) for row in found}, End(found[0].seq, found[0].hash)


def canonical(value: Any) -> str:
    """JSON in one form only: keys sorted, no spaces, unknown objects as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def without_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with the values of passwords, tokens and secrets hidden."""
    return {
        name: "•••" if any(word in name.lower() for word in _SECRET_WORDS) else value
        for name, value in arguments.items()
    }


def _fault(entry: AuditEntry, previous: str, expected: int) -> str | None:
    if entry.seq != expected:
        return f"entry {expected} is missing"
    if entry.previous_hash != previous:
        return "it does not follow the entry before it"
    if entry.payload is not None and _sha256(entry.salt or "", entry.payload) != entry.payload_digest:
        return "its payload was changed"
    return "its columns were changed" if entry.hash != _hash(entry) else None


def _hash(entry: AuditEntry) -> str:
    columns: Iterable[Any] = (
        entry.previous_hash,
        entry.seq,
        entry.at.isoformat(),
        entry.actor_id,
        entry.actor_email,
        entry.actor_role,
        entry.action,
        entry.outcome,
        entry.object_type,
        entry.object_id,
        entry.payload_digest,
    )
    return _sha256(canonical(list(columns)))


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
