"""What the tests of faults share: a database on each engine, a local Stripe, and how often to try."""

import os
from collections.abc import Iterator

import pytest

from lib.core.database import Database

FULL = os.environ.get("FULL", "") in {"1", "true", "yes"}


def times(few: int, many: int) -> int:
    """How often a fault is tried: a few times by default, many times with FULL=1."""
    return many if FULL else few


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of the test's own, on each engine in turn."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A SQLite database of the test's own."""
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()
