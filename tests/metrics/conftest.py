"""An open database for tests of figures."""

from collections.abc import Iterator

import pytest

from lib.core.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of the test's own, on each engine in turn."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A SQLite database of the test's own."""
    database = Database(sqlite_url)
    yield database
    database.dispose()
