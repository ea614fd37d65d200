"""Running sandboxes: one that all tests share, and one of a module's own where its switches are moved."""

import os
from collections.abc import Iterator

import pytest
import stripe

from tests.payments.sandbox.account import Account, opened
from tests.payments.sandbox.receiver import SECRET, Receiver


@pytest.fixture(scope="session", autouse=True)
def _no_telemetry() -> None:
    stripe.enable_telemetry = False


TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")


@pytest.fixture(scope="session", params=["local", *(["Stripe"] if TEST_KEY else [])])
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A sandbox for tests that look at objects of their own only.

    With STRIPE_TEST_KEY, a secret key of test mode, the same tests run against Stripe as well.
    """
    if request.param == "Stripe":
        assert TEST_KEY.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY is no key of test mode."
        at_stripe = Account(None, TEST_KEY)
        yield at_stripe
        at_stripe.close()
        return
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
