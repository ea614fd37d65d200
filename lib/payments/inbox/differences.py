"""What applying events would change, so that a dry run and the real one can be held against each other.

A new row has another id, and another time of writing, each time that it is made; both are left out. The rest
counts: table, row, column, before and after.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lib.core.audit import canonical
from lib.payments.rows import Changes

Difference = Mapping[str, Mapping[str, list[Any]]]
"""`{"table/id": {"column": [before, after]}}`, of plain JSON values; a new row is `table/new 1`."""

_OF_THE_MOMENT: Final = frozenset(
    {"id", "seq", "recorded_at", "effective_at", "updated_at", "source", "source_id", "notes"}
)


def of(changes: Changes) -> Difference:
    """The difference that changes make, without what another run would write differently."""
    plain: dict[str, dict[str, list[Any]]] = json.loads(canonical(changes))
    difference: dict[str, dict[str, list[Any]]] = {}
    made: dict[str, int] = {}
    for where, fields in plain.items():
        kept = {name: pair for name, pair in fields.items() if name not in _OF_THE_MOMENT}
        table, _, key = where.partition("/")
        if kept and _is_new(fields, key):
            made[table] = made.get(table, 0) + 1
            difference[f"{table}/new {made[table]}"] = kept
        elif kept:
            difference[where] = kept
    return difference


def within(difference: Difference, shown: Difference) -> bool:
    """Whether everything in a difference was shown; less is fine: an event before it did the rest."""
    return _items(difference) <= _items(shown)


def text(difference: Difference) -> str:
    """The difference as canonical JSON."""
    return canonical(difference)


def read(stored: str | None) -> Difference:
    """The difference that `text` wrote."""
    found: Difference = json.loads(stored) if stored else {}
    return found


def digest(texts: Iterable[tuple[str, str | None]]) -> str:
    """Stands for the differences of many objects, given as (object, text) in the order of the objects."""
    running = hashlib.sha256()
    for stripe_id, stored in texts:
        running.update(canonical([stripe_id, stored]).encode())
    return running.hexdigest()[:32]


def _is_new(fields: Mapping[str, list[Any]], key: str) -> bool:
    keys = [fields[name] for name in ("id", "seq") if name in fields]
    return any(before is None and str(after) == key for before, after in keys)


def _items(difference: Difference) -> set[str]:
    items: set[str] = set()
    for where, fields in difference.items():
        table, _, key = where.partition("/")
        if key.startswith("new "):
            items.add(canonical([table, fields]))
        else:
            items |= {canonical([where, name, pair]) for name, pair in fields.items()}
    return items
