"""A database on each engine, and a Stripe made of the same world."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lib.core.database import Database
from lib.payments.gateway import Gateway
from lib.payments.sandbox import server
from tests.payments.reconcile.world import World, gateway_at

Open = Callable[[World], Gateway]


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def made(database: Database, tmp_path: Path) -> Iterator[Open]:
    """Writes a world on both sides, and gives a gateway at its Stripe."""
    with ExitStack() as stack:

        def make(world: World) -> Gateway:
            world.write(database, tmp_path / "stripe.db")
            gateway = gateway_at(stack.enter_context(server.running(tmp_path / "stripe.db")))
            stack.callback(gateway.close)
            return gateway

        yield make
