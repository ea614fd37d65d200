"""What tests of services share: a SQLite database of their own, and a local Stripe."""

from collections.abc import Iterator

import pytest

from lib.core.database import Database


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A SQLite database of the test's own."""
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()
