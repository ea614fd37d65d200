"""What failed at Stripe before we listened stands in the work list, once, with the payment that failed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import open_invoices, runs, schedule
from lib.models import Invoice, Payment, Subscription
from lib.services.payments import failed
from tests.local_stripe import KEY, LocalStripe
from tests.staff import FINANCE


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def run(database: Database, stripe: LocalStripe, **over: Any) -> Any:
    settings = Settings.from_environment({"DATABASE_URL": str(database.primary.url)})
    known = replace(settings, stripe_key=KEY, stripe_api_base=stripe.url, stripe_reads_per_second=1000)
    return schedule.run("open-invoices", database, replace(known, **over))


def forget(database: Database, *models: Any) -> None:
    """Let our side know nothing of what failed, as before there was an endpoint."""
    with database.primary.begin() as connection:
        for model in models:
            connection.execute(delete(model.__table__))


def owed(database: Database) -> list[Any]:
    with reading(database, FINANCE) as view:
        return list(failed.invoices.page(view).rows)


def test_an_open_invoice_that_nobody_told_of_stands_in_the_work_list(
    database: Database, stripe: LocalStripe
) -> None:
    stripe.unpaid(database)
    forget(database, Invoice, Payment)
    before = owed(database)

    done = run(database, stripe)

    [listed] = owed(database)
    assert (before, done.noted) == ([], 1)
    assert (listed.amount_remaining_cents, listed.attempt_count) == (3000, 1)
    with reading(database, FINANCE) as view:
        payment = view.session.get_one(Payment, listed.payment_id)
        subscription = view.session.get_one(Subscription, payment.subscription_id)
    assert (payment.status, payment.amount_cents, subscription.status) == ("failed", 3000, "past_due")


def test_a_payment_that_the_app_has_made_is_not_made_again(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.unpaid(database)
    forget(database, Invoice)

    run(database, stripe)

    with reading(database, FINANCE) as view:
        assert view.session.scalars(select(Payment.id)).all() == [payment]
        assert view.session.scalars(select(Invoice.payment_id)).all() == [payment]


def test_a_second_run_notes_nothing_more_and_leaves_what_was_told_since(
    database: Database, stripe: LocalStripe
) -> None:
    stripe.unpaid(database)
    first = run(database, stripe)
    forget(database, Invoice)
    second, third = run(database, stripe), run(database, stripe)

    assert (first.noted, second.noted, third.noted) == (0, 1, 0)


def test_an_invoice_of_nobody_here_is_left_alone(database: Database, stripe: LocalStripe) -> None:
    stripe.unpaid(database)
    forget(database, Invoice, Payment, Subscription)

    done = run(database, stripe)

    assert done.listed >= 1
    assert (done.noted, owed(database)) == (0, [])


def test_where_the_app_owns_the_log_nothing_is_noted(database: Database, stripe: LocalStripe) -> None:
    stripe.unpaid(database)
    forget(database, Invoice)

    assert run(database, stripe, stripe_webhooks="observe") is None
    assert owed(database) == []


def test_it_is_due_once_a_day_and_half_an_hour_after_a_failure(database: Database) -> None:
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    first = open_invoices.is_due(database, now)
    with pytest.raises(ZeroDivisionError), runs.running(database, open_invoices.NAME, clock=lambda: now):
        raise ZeroDivisionError
    failed = [open_invoices.is_due(database, now + timedelta(minutes=minutes)) for minutes in (29, 30)]
    with runs.running(database, open_invoices.NAME, clock=lambda: now + timedelta(hours=1)):
        held = open_invoices.is_due(database, now + timedelta(hours=1, minutes=1))
    done = [open_invoices.is_due(database, now + timedelta(hours=hours)) for hours in (24, 25)]

    assert (first, failed, held, done) == (True, [False, True], False, [False, True])
