"""Approving within a limit: what counts against it, whose limit it is, and every try is kept."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from lib.core import audit, moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import reading
from lib.models import AuditEntry, RefundAttempt, RefundLimit
from lib.services import limit_use
from tests.factories import make_payment, make_refund, write
from tests.services.refund_steps import approve, ask, attempts, row
from tests.staff import FINANCE, SUPPORT, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_approving_more_than_the_limit_of_a_day_is_refused_and_remembered(database: Database) -> None:
    big = make_payment(database, amount_cents=90_000)
    first, second = (
        make_refund(database, transaction_id=big, refund_amount_cents=cents) for cents in (40_000, 20_000)
    )
    approve(database, first)

    with pytest.raises(Refused, match=r"beyond your limit: \$500\.00 within 24 hours, of which \$400\.00"):
        approve(database, second)

    kept = [(each.refund_id, each.allowed, each.used_cents, each.limit_cents) for each in attempts(database)]
    assert kept == [(first, True, 0, 50_000), (second, False, 40_000, 50_000)]
    assert "beyond your limit" in attempts(database)[1].refusal
    assert row(database, second).status == "pending"


def test_a_refused_attempt_is_kept_whatever_the_reason_and_stands_in_the_audit(database: Database) -> None:
    refund = ask(database, make_payment(database), actor=FINANCE)

    with pytest.raises(Refused):
        approve(database, refund)

    assert [(each.refund_id, each.allowed) for each in attempts(database)] == [(refund, False)]
    with reading(database, FINANCE) as view:
        outcomes = view.session.scalars(
            select(AuditEntry.outcome).where(AuditEntry.action == "refunds.approve")
        ).all()
        assert outcomes == ["refused"]
        assert audit.verify(view.session).broken_at is None


def test_the_limit_is_used_up_for_24_hours_only(database: Database) -> None:
    payment = make_payment(database, amount_cents=100_000)
    make_attempt(database, at=moments.now() - timedelta(hours=24), amount_cents=50_000)

    approve(database, make_refund(database, transaction_id=payment, refund_amount_cents=50_000))

    assert [use.left_cents for use in read(database, FINANCE, limit_use.mine, "refunds")] == [0]


def make_attempt(database: Database, **over: object) -> None:
    values = {
        "id": "attempt",
        "admin_user_id": FINANCE.id,
        "refund_id": "elsewhere",
        "at": moments.now(),
        "amount_cents": 1,
        "currency": "USD",
        "limit_cents": 50_000,
        "used_cents": 0,
        "allowed": True,
    }
    write(database, RefundAttempt, **values | over)


@pytest.mark.parametrize(
    ("holders", "limit"),
    [((), 50_000), (("finance",), 70_000), (("finance", FINANCE.id), 90_000), (("support",), 50_000)],
)
def test_the_persons_own_limit_goes_before_the_roles_before_the_default(
    database: Database, holders: tuple[str, ...], limit: int
) -> None:
    cents = {"finance": 70_000, FINANCE.id: 90_000, "support": 10}
    for holder in holders:
        write(
            database,
            RefundLimit,
            holder=holder,
            currency="USD",
            limit_cents=cents[holder],
            updated_at=moments.now(),
            updated_by="test",
        )

    assert [
        (use.currency, use.limit_cents) for use in read(database, FINANCE, limit_use.mine, "refunds")
    ] == [("USD", limit)]
    assert read(database, SUPPORT, limit_use.mine, "refunds") == []


def test_limits_are_per_currency(database: Database) -> None:
    make_attempt(database, amount_cents=50_000, currency="EUR")
    euros = make_payment(database, currency="EUR")

    with pytest.raises(Refused, match=r"€500\.00"):
        approve(database, make_refund(database, transaction_id=euros))
    approve(database, make_refund(database))

    assert [use.currency for use in read(database, FINANCE, limit_use.mine, "refunds")] == ["EUR", "USD"]
