"""The demo's rows and its local Stripe tell the same story, asked through the real SDK."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import NotFound, StripeFailed
from lib.core.work import Work, job, working
from lib.payments.events import ChargeFacts, RefundFacts, SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.rows.found import Changes
from lib.payments.rows.payments import follow_charge
from lib.payments.rows.subscriptions import follow_subscription
from lib.payments.sandbox.server import running
from tests.demo.conftest import Company

WORKER = system("worker")


@job
def follow_a_subscription(work: Work, facts: SubscriptionFacts) -> Changes | None:
    return follow_subscription(work, facts, source="event", source_id=None)


@job
def follow_a_charge(work: Work, facts: ChargeFacts, refunds: list[RefundFacts]) -> Changes | None:
    return follow_charge(work, facts, refunds, source="event", source_id=None)


@pytest.fixture
def database(small: Company, tmp_path: Path) -> Iterator[Database]:
    """A copy of the company's rows that a test may change."""
    original = small.stripe.path.with_name("admin.db")
    copy = Database(f"sqlite:///{shutil.copy(original, tmp_path / 'admin.db')}")
    yield copy
    copy.dispose()


@pytest.fixture
def gateway(small: Company, tmp_path: Path) -> Iterator[Gateway]:
    """The real SDK against the company's local Stripe, in a process of its own."""
    small.stripe.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with running(Path(shutil.copy(small.stripe.path, tmp_path / "stripe.db"))) as address:
        made = Gateway("sk_test_demo", api_base=address, retries=0)
        yield made
        made.close()


def test_following_stripe_changes_no_subscription_but_a_drifted_price(
    small: Company, database: Database, gateway: Gateway
) -> None:
    columns: set[str] = set()
    same = gone = 0
    for (key,) in small.all("SELECT stripe_subscription_id FROM subscriptions WHERE NOT is_gift"):
        try:
            facts = gateway.subscriptions.retrieve(key)
        except (NotFound, StripeFailed):
            gone += 1
            continue
        with working(database, WORKER) as work:
            changes = follow_a_subscription(work, facts)
        assert changes is not None
        touched = {
            name for row, fields in changes.items() if row.startswith("subscriptions/") for name in fields
        }
        columns |= touched
        same += not touched

    assert columns <= {"price_cents", "updated_at"}
    assert same > 30
    assert gone == 1


def test_following_stripe_changes_no_payment_and_no_refund(
    small: Company, database: Database, gateway: Gateway
) -> None:
    charges = small.all(
        "SELECT stripe_charge_id FROM payment_transactions "
        "ORDER BY refund_amount_cents IS NULL, status = 'succeeded', id LIMIT 30"
    )
    for (key,) in charges:
        facts, refunds = gateway.charges.retrieve(key), gateway.refunds.of_charge(key)
        with working(database, WORKER) as work:
            assert follow_a_charge(work, facts, refunds) == {}

    assert len(charges) == 30
