"""One small company, built once per run, that the tests look at and never change."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lib.core.database import Database
from lib.demo import company
from lib.payments.sandbox.store import Store

TODAY = date(2026, 11, 22)
SIZE = {"couples": 60, "months": 6, "seed": 7, "today": TODAY}


@dataclass(frozen=True)
class Company:
    """A company that was built: its database, its local Stripe, and the counts that `build` gave."""

    rows: sqlite3.Connection
    stripe: Store
    counts: dict[str, int]

    def all(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        return self.rows.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        """The only value that a statement finds."""
        [(value,)] = self.all(statement, *values)
        return value


def built(folder: Path, template: Path, **over: Any) -> Company:
    """Build a company into a folder."""
    path = Path(shutil.copy(template, folder / "admin.db"))
    database = Database(f"sqlite:///{path}")
    counts = company.build(database, folder / "stripe.db", **(SIZE | over))
    database.dispose()
    return Company(sqlite3.connect(path), Store(folder / "stripe.db"), counts)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Company]:
    """60 couples in 6 months."""
    found = built(tmp_path_factory.mktemp("company"), sqlite_template)
    yield found
    found.rows.close()
    found.stripe.close()
