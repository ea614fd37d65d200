"""What was paid, given back, refused and recovered is counted by day, and anew while it may change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import func, select, update

from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import payment_days, schedule
from lib.metrics import money_in
from lib.metrics.money_in import MoneyIn
from lib.models import Payment, PaymentDay
from tests.factories import make_payment, make_refund, make_subscription
from tests.staff import FINANCE

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SETTINGS = Settings.from_environment({})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def paid(database: Database, on: datetime, **over: object) -> str:
    return make_payment(database, **{"created_at": on, "processed_at": on, "amount_cents": 3_000} | over)


def looked_at(database: Database, since: date = date(2026, 4, 1)) -> MoneyIn:
    with reading(database, FINANCE, now=NOW) as view:
        return money_in.money_in(view, since, NOW.date())


def test_a_month_has_what_was_paid_for_what_and_what_went_back_and_why(database: Database) -> None:
    may = datetime(2026, 5, 10, 12, tzinfo=UTC)
    paid(database, may)
    gift = paid(database, may, transaction_type="gift", amount_cents=5_000)
    back = {"status": "processed", "processed_at": may, "refund_amount_cents": 1_000}
    make_refund(database, transaction_id=gift, refund_reason="duplicate", **back)
    make_refund(database, transaction_id=gift, refund_reason="They wrote to us", **back)
    payment_days.run(database, SETTINGS, NOW)
    found = looked_at(database)
    [month] = found.months

    assert (month.cents("paid"), month.cents("gift"), month.cents("refunded")) == (8_000, 5_000, 2_000)
    assert {each.reason: each.cents for each in found.reasons} == {"duplicate": 1_000, "other": 1_000}
    assert found.reasons[0].share == Fraction(1, 2)


def test_a_payment_after_a_refused_try_is_recovered(database: Database) -> None:
    tried = datetime(2026, 6, 1, 12, tzinfo=UTC)
    late, early = make_subscription(database), make_subscription(database)
    for subscription, after in ((late, 31), (early, 4)):
        paid(database, tried, subscription_id=subscription, status="failed", processed_at=None)
        paid(database, tried + timedelta(days=after), subscription_id=subscription)
    payment_days.run(database, SETTINGS, tried + timedelta(days=40))
    with reading(database, FINANCE) as view:
        months = money_in.money_in(view, tried.date(), tried.date() + timedelta(days=40)).months

    assert [(each.cents("failed"), each.cents("recovered")) for each in months] == [(6_000, 3_000), (0, 0)]
    assert months[0].failed_rate == Fraction(2, 3)


def test_a_day_is_that_of_the_business(database: Database) -> None:
    paid(database, datetime(2026, 6, 1, 3, tzinfo=UTC))
    payment_days.run(database, Settings.from_environment({"BUSINESS_ZONE": "America/New_York"}), NOW)
    with database.primary.connect() as connection:
        days = list(connection.scalars(select(PaymentDay.day)))

    assert days == [date(2026, 5, 31)]


def test_running_it_again_changes_nothing_and_follows_what_changed(database: Database) -> None:
    old = paid(database, datetime(2026, 1, 5, 12, tzinfo=UTC))
    new = paid(database, datetime(2026, 6, 5, 12, tzinfo=UTC), status="failed")
    first = payment_days.run(database, SETTINGS, NOW)
    again = payment_days.run(database, SETTINGS, NOW + timedelta(hours=1))
    with database.primary.begin() as connection:
        connection.execute(update(Payment).where(Payment.id == new).values(status="succeeded"))
    payment_days.run(database, SETTINGS, NOW + timedelta(hours=2))
    months = looked_at(database, date(2026, 1, 1)).months

    assert (first.since, again.since) == (date(2026, 1, 5), NOW.date() - payment_days.MAY_CHANGE)
    assert old
    assert [(each.month.month, each.cents("paid"), each.cents("failed")) for each in months] == [
        (1, 3_000, 0),
        (6, 3_000, 0),
    ]


def test_it_is_due_hourly_and_counts_nothing_where_nobody_paid(database: Database) -> None:
    done = schedule.run("payment-days", database, SETTINGS, now=NOW)
    with database.primary.connect() as connection:
        rows = connection.scalar(select(func.count()).select_from(PaymentDay))

    assert (done.since, rows) == (None, 0)
    assert not payment_days.is_due(database, NOW + timedelta(minutes=59))
    assert payment_days.is_due(database, NOW + timedelta(hours=1))
    assert looked_at(database).why_not
