"""What the tests of faults share: a database on each engine."""

from collections.abc import Iterator

import pytest

from lib.core.database import Database


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
