"""Where the sandbox keeps its objects: one SQLite file, one table per kind, one writer.

A row holds the facts of one object as JSON; what lists filter by (customer, parent, a look-up text, status,
time) is a column beside it. Nothing that can be derived is stored (see `facts` and `shapes`), so a company of
hundreds of thousands of subscriptions is written in bulk by `Store.load` without the server's help.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from lib.core.errors import Invalid
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.kinds import KINDS, Kind

_CHUNK = 5_000
_COLUMNS = ("id", "created", "customer", "parent", "lookup", "status", "facts")
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

_BESIDE = """
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, created INTEGER NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, request_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, error TEXT
);
CREATE INDEX IF NOT EXISTS delivery_event ON delivery (event);
CREATE TABLE IF NOT EXISTS deferred (
    seq INTEGER PRIMARY KEY, due REAL NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL
);
"""


class Store:
    """The sandbox's file. Use it from one thread; only one process may have it open for writing."""

    def __init__(self, path: str | Path) -> None:
        """Open the file at `path`, making it and its tables where they are missing.

        Raises Invalid where there can be no file, or one that is no database.
        """
        self.path = Path(path)
        try:
            self._open()
        except sqlite3.Error as error:
            raise Invalid(f"The local Stripe cannot open its file {self.path}: {error}.") from error

    def _open(self) -> None:
        self.connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA busy_timeout = 5000")
        self.connection.execute("PRAGMA cache_size = -65536")
        self.connection.executescript(_BESIDE)
        for kind in KINDS.values():
            self.connection.executescript(_table(kind))

    def close(self) -> None:
        """Close the file; the write-ahead log is folded into it."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become visible together, or none of them does."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def load(self, facts: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Write many objects and return how many, in chunks, so that memory stays the same at any size.

        Each is `(kind, facts)`: a kind of `kinds.KINDS` and the facts of that kind, as its class in `facts`
        lists them (`subscription` -> `facts.SubscriptionFacts`, and so on). An object whose id exists is
        replaced. References are not checked: the loader answers for them. No event is recorded or delivered;
        events are loaded as objects of their own. Meant for a file that no server has open.

        Raises Invalid for an unknown kind, a missing fact or an unknown one; earlier chunks stay written.
        """
        incoming = iter(facts)
        total = 0
        while chunk := list(islice(incoming, _CHUNK)):
            rows: dict[str, list[tuple[Any, ...]]] = {}
            for kind, given in chunk:
                _check(kind, given)
                rows.setdefault(kind, []).append(_to_row(KINDS[kind], given))
            with self.transaction():
                for kind, values in rows.items():
                    self.connection.executemany(_upsert(kind), values)
            total += len(chunk)
        return total

    def put(self, facts: Facts) -> None:
        """Write one object, new or changed; its kind is in `object`."""
        kind = KINDS[facts["object"]]
        self.connection.execute(_upsert(kind.name), _to_row(kind, facts))

    def get(self, kind: str, object_id: str) -> Facts | None:
        """The object, or None."""
        row = self.connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM {_name(kind)} WHERE id = ?",  # noqa: S608
            (object_id,),
        ).fetchone()
        return _to_facts(KINDS[kind], row) if row else None

    def remove(self, kind: str, object_id: str) -> None:
        """Forget the object."""
        self.connection.execute(f"DELETE FROM {_name(kind)} WHERE id = ?", (object_id,))  # noqa: S608

    def position(self, kind: str, object_id: str) -> tuple[int, int] | None:
        """Where the object stands in its list: (created, sequence); None when there is none."""
        row = self.connection.execute(
            f"SELECT created, seq FROM {_name(kind)} WHERE id = ?",  # noqa: S608
            (object_id,),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def count(self, kind: str) -> int:
        """How many objects of this kind there are."""
        row = self.connection.execute(f"SELECT count(*) FROM {_name(kind)}").fetchone()  # noqa: S608
        return int(row[0])

    def select(
        self,
        kind: str,
        *,
        customer: str | None = None,
        parent: str | None = None,
        lookup: str | None = None,
        statuses: Iterable[str] = (),
        created: Mapping[str, int] | None = None,
        after: tuple[int, int] | None = None,
        before: tuple[int, int] | None = None,
    ) -> Iterator[Facts]:
        """Objects of one kind, newest first (oldest first with `before`), each condition narrowing them.

        `created` maps gt, gte, lt, lte to seconds; `after` and `before` are positions.
        """
        where, values = ["1 = 1"], list[Any]()
        for column, wanted in (("customer", customer), ("parent", parent), ("lookup", lookup)):
            if wanted is not None:
                where.append(f"{column} = ?")
                values.append(wanted)
        if listed := list(statuses):
            where.append(f"status IN ({', '.join('?' * len(listed))})")
            values.extend(listed)
        for name, bound in (created or {}).items():
            where.append(f"created {_COMPARISONS[name]} ?")
            values.append(bound)
        for sign, place in (("<", after), (">", before)):
            if place is not None:
                where.append(f"(created, seq) {sign} (?, ?)")
                values.extend(place)
        direction = "ASC" if before is not None else "DESC"
        rows = self.connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM {_name(kind)} WHERE {' AND '.join(where)} "  # noqa: S608
            f"ORDER BY created {direction}, seq {direction}",
            values,
        )
        return (_to_facts(KINDS[kind], row) for row in rows)


def _name(kind: str) -> str:
    """The table of a kind: only names of our own table of kinds reach SQL."""
    return f'"{KINDS[kind].name}"'


def _table(kind: Kind) -> str:
    collation = " COLLATE NOCASE" if kind.any_case else ""
    statements = [
        f"""CREATE TABLE IF NOT EXISTS "{kind.name}" (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
            customer TEXT, parent TEXT, lookup TEXT{collation}, status TEXT, facts TEXT NOT NULL)""",
        f'CREATE INDEX IF NOT EXISTS "{kind.name}_created" ON "{kind.name}" (created)',
    ]
    statements += [
        f'CREATE INDEX IF NOT EXISTS "{kind.name}_{column}" ON "{kind.name}" ({column}, created) '
        f"WHERE {column} IS NOT NULL"
        for column in ("customer", "parent", "lookup")
        if getattr(kind, column)
    ]
    return ";\n".join(statements)


def _upsert(kind: str) -> str:
    changed = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[1:])
    return (
        f"INSERT INTO {_name(kind)} ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
        f"ON CONFLICT (id) DO UPDATE SET {changed}"
    )


def _to_row(kind: Kind, facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """Facts that are columns are not repeated in the JSON."""
    columns = kind.columns
    rest = {name: value for name, value in facts.items() if name not in columns and value is not None}
    return (
        facts["id"],
        facts["created"],
        facts.get(kind.customer) if kind.customer else None,
        facts.get(kind.parent) if kind.parent else None,
        facts.get(kind.lookup) if kind.lookup else None,
        facts.get("status"),
        json.dumps(rest, separators=(",", ":")),
    )


def _to_facts(kind: Kind, row: tuple[Any, ...]) -> Facts:
    object_id, created, customer, parent, lookup, status, rest = row
    facts: Facts = {"object": kind.name, "id": object_id, "created": created, **json.loads(rest)}
    named = ((kind.customer, customer), (kind.parent, parent), (kind.lookup, lookup), ("status", status))
    facts.update({name: value for name, value in named if name and value is not None})
    return facts


def _check(kind: str, given: Mapping[str, Any]) -> None:
    if kind not in KINDS:
        raise Invalid(f"The local Stripe keeps no objects of kind {kind!r}.")
    names = given.keys()
    if missing := KINDS[kind].required - names:
        raise Invalid(f"A {kind} needs the facts {', '.join(sorted(missing))}: {dict(given)!r:.200}.")
    if unknown := names - KINDS[kind].known - {"object"}:
        raise Invalid(f"A {kind} has no facts called {', '.join(sorted(unknown))}.")
