"""A company with an open month: a ledger, roll-ups that count it, and what it paid."""

from datetime import UTC, datetime

import pytest

from lib.core.database import Database
from tests.factories import make_dispute, make_payment, make_refund
from tests.filled import Dialect, Filled
from tests.metrics.ledger import ANNUAL, BOX, MONTHLY, entry, fill


@pytest.fixture
def database(filled: Filled, dialect: Dialect) -> Database:
    """A company on each engine in turn, whose May 2026 is over and counted; it is the 15th of June."""
    return filled.copy(dialect, company)


@pytest.fixture
def sqlite(filled: Filled) -> Database:
    """The same company on SQLite."""
    return filled.copy("sqlite", company)


def company(database: Database) -> None:
    """Couples from April on: in May one came, one grew, one went; $90 were paid and $10 given back."""
    entry(database, "04-10", MONTHLY)
    entry(database, "04-11", MONTHLY, subscription_id="s2", relationship_id="c2")
    entry(database, "04-12", ANNUAL, subscription_id="s3", relationship_id="c3")
    entry(database, "05-05", ANNUAL, subscription_id="s4", relationship_id="c4")
    entry(database, "05-06", BOX, subscription_id="s3", relationship_id="c3")
    entry(
        database, "05-20", 0, subscription_id="s2", relationship_id="c2", status="canceled", cause="voluntary"
    )
    fill(database, "04-01", "06-15")
    for name, day, cents in (("a", 3, 3000), ("b", 17, 6000)):
        make_payment(
            database,
            id=f"pay_{name}",
            stripe_payment_intent_id=f"pi_{name}",
            stripe_charge_id=f"ch_{name}",
            amount_cents=cents,
            processed_at=at(day),
            created_at=at(day),
        )
    make_payment(database, id="pay_april", status="succeeded", processed_at=at(30, 4), created_at=at(30, 4))
    make_payment(database, id="pay_failed", status="failed", processed_at=at(9), created_at=at(9))
    make_refund(
        database,
        id="ref_a",
        transaction_id="pay_a",
        refund_amount_cents=1000,
        status="processed",
        stripe_refund_id="re_a",
        processed_at=at(21),
    )
    make_dispute(
        database,
        stripe_dispute_id="dp_b",
        payment_id="pay_b",
        amount_cents=6000,
        status="needs_response",
        opened_at=at(30),
        told_at=at(30),
    )


def at(day: int, month: int = 5) -> datetime:
    """Noon of a day of 2026."""
    return datetime(2026, month, day, 12, tzinfo=UTC)
