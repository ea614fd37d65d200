"""The book that a company's story is written into: rows for the database, objects for the local Stripe."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lib.demo.ids import Ids
from lib.demo.loader import Loader, Row
from lib.payments.sandbox.store import Store

_CHUNK = 20_000


class Book:
    """Collects rows and Stripe objects and hands them on in chunks: memory is the same at any size."""

    def __init__(self, loader: Loader, store: Store | None, seed: int) -> None:
        self.ids = Ids(seed)
        self.counts: Counter[str] = Counter()
        self._loader = loader
        self._store = store
        self._rows: dict[str, list[Row]] = {}
        self._objects: list[tuple[str, Mapping[str, Any]]] = []
        self._waiting = 0

    def write(self, table: str, **values: Any) -> None:
        """Add one row; columns that are not named stay NULL."""
        self._rows.setdefault(table, []).append(values)
        self.counts[table] += 1
        self._waiting += 1

    def at_stripe(self, kind: str, **facts: Any) -> None:
        """Add one object to the local Stripe (`lib.payments.sandbox.facts` says which facts a kind has)."""
        if self._store is not None:
            self._objects.append((kind, facts))
            self.counts[f"stripe.{kind}"] += 1
            self._waiting += 1

    def turn_page(self) -> None:
        """Hand on what has been collected if it is much. Called between couples: a couple stays together."""
        if self._waiting >= _CHUNK:
            self.close()

    def close(self) -> None:
        """Hand on everything that has been collected."""
        self._loader.insert(self._rows)
        if self._store is not None and self._objects:
            self._store.load(self._objects)
        self._rows, self._objects, self._waiting = {}, [], 0

    def correct(self, statement: str, values: list[tuple[Any, ...]]) -> None:
        """Change rows that were handed on earlier, such as a code's count of uses, known only at the end."""
        self._loader.update(statement, values)


def to_json(value: Any) -> str:
    """A JSON column's text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
