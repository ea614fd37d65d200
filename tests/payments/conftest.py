"""A gateway, through the real SDK, at a server that answers what the test tells it to."""

from collections.abc import Iterator

import pytest

from lib.payments.gateway import Gateway
from tests.payments.scripted import KEY, Naps, ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def gateway(server: ScriptedServer, naps: Naps) -> Iterator[Gateway]:
    """A gateway at the server that repeats nothing by itself and does not sleep after a 429."""
    made = Gateway(KEY, api_base=server.url + "/", timeout=(2.0, 2.0), retries=0, sleep=naps)
    yield made
    made.close()
