"""What tests of services share: a SQLite database of their own, and a local Stripe."""

from collections.abc import Iterator

import pytest

from lib.core.database import Database
from tests import local_stripe
from tests.local_stripe import LocalStripe


@pytest.fixture(scope="package")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe.running(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A SQLite database of the test's own."""
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()
