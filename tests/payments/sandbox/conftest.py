"""Running sandboxes: one that all tests share, and one of a module's own where its switches are moved."""

from collections.abc import Iterator

import pytest
import stripe

from tests.payments.sandbox.account import Account, opened
from tests.payments.sandbox.receiver import SECRET, Receiver


@pytest.fixture(scope="session", autouse=True)
def _no_telemetry() -> None:
    stripe.enable_telemetry = False


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A sandbox for tests that look at objects of their own only."""
    with opened(tmp_path_factory.mktemp("sandbox") / "stripe.db") as shared:
        yield shared


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Account]:
    """A sandbox of the module's own that delivers every event to `receiver`."""
    path = tmp_path_factory.mktemp("hooked") / "stripe.db"
    with opened(path, receiver.url, SECRET) as own:
        yield own
