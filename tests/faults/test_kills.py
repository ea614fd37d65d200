"""A worker or an app killed at the worst moment: what was decided is done once, and our rows say so."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from lib.core import audit, moments
from lib.core.database import Database
from lib.core.work import reading
from lib.jobs.worker import Worker
from lib.models import AuditEntry, InboxEvent, Operation, Refund, Subscription, SubscriptionChange
from lib.payments import inbox
from lib.payments.inbox import asking, leases
from lib.services import refunds, subscriptions
from tests.factories import make_refund
from tests.faults import processes
from tests.local_stripe import LocalStripe
from tests.payments import told
from tests.sized import times
from tests.staff import FINANCE, SUPPORT, do, read

pytestmark = pytest.mark.sized

KILLED = -9


@pytest.fixture
def database(sqlite_url: str) -> Database:
    return Database(sqlite_url)


def url(database: Database) -> str:
    return database.primary.url.render_as_string(hide_password=False)


def ask_for_a_refund(database: Database, stripe: LocalStripe) -> tuple[str, str]:
    """A pending refund; gives its id and the id of its payment, which names the payment intent."""
    payment = stripe.payment(database)
    return make_refund(database, transaction_id=payment, refund_amount_cents=1000), payment


def approve(database: Database, refund: str) -> None:
    shown = read(database, FINANCE, refunds.one, refund).digest
    do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair")


def intent_of(database: Database, refund: str) -> str:
    return read(database, FINANCE, refunds.one, refund).payment.stripe_payment_intent_id


def finish(database: Database, stripe: LocalStripe) -> None:
    """Start a new worker, and let it work until nothing is open any more."""
    worker = Worker(database, stripe.gateway, processes.settings(url(database)))
    gives_up_at = time.monotonic() + 60
    while open_operations(database):
        assert time.monotonic() < gives_up_at, "an operation stays open"
        worker.look_after_money() or time.sleep(0.1)


def open_operations(database: Database) -> list[str]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(Operation.id).where(Operation.open_key.is_not(None))))


def states(database: Database) -> list[str]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(Operation.state)))


@pytest.mark.parametrize("n", range(times(2, 21)))
@pytest.mark.parametrize("moment", ["before Stripe", "before storing", "before settling"])
def test_a_worker_killed_at_any_moment_pays_each_refund_once_after_its_restart(
    database: Database, stripe: LocalStripe, moment: processes.Moment, n: int
) -> None:
    asked = [ask_for_a_refund(database, stripe)[0] for _ in range(2)]
    for refund in asked:
        approve(database, refund)
    ended = stripe.subscription(database)
    shown = read(database, SUPPORT, subscriptions.one, ended).digest
    do(database, SUPPORT, subscriptions.cancel_now, ended, shown=shown, reason="They asked")

    code, said = processes.run(processes.worker_that_dies, url(database), stripe.url, moment, n % 3 + 1)
    left_open = open_operations(database)
    finish(database, stripe)

    assert (code, said) == (KILLED, "")
    assert len(left_open) == 3 - n % 3
    assert states(database) == ["done"] * 3
    for refund in asked:
        case = read(database, FINANCE, refunds.one, refund)
        [paid] = stripe.refunds(intent_of(database, refund))
        assert (case.status, case.stripe_refund_id, paid.status) == ("processed", paid.id, "succeeded")
        assert case.payment.refunded_cents == 1000
    assert read(database, SUPPORT, subscriptions.one, ended).status == "canceled"
    with reading(database, FINANCE) as view:
        assert audit.verify(view.session).broken_at is None


@pytest.mark.parametrize("_n", range(times(2, 20)))
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_app_killed_around_its_commit_has_decided_all_of_it_or_nothing(
    database: Database, stripe: LocalStripe, when: str, _n: int
) -> None:
    refund, _ = ask_for_a_refund(database, stripe)
    shown = read(database, FINANCE, refunds.one, refund).digest

    code, said = processes.run(processes.app_that_dies, url(database), refund, shown, when)
    finish(database, stripe)

    case = read(database, FINANCE, refunds.one, refund)
    paid = stripe.refunds(intent_of(database, refund))
    assert (code, said) == (KILLED, "")
    assert (case.status, len(paid)) == (("processed", 1) if when == "after" else ("pending", 0))
    assert len(case.attempts) == len(paid)


@pytest.mark.parametrize("n", range(1, times(3, 6)))
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_inbox_killed_around_a_commit_applies_each_event_once_in_the_end(
    database: Database, stripe: LocalStripe, when: str, n: int
) -> None:
    """What is committed together is there as a whole or not at all.

    At most `AHEAD` events share a commit, so there are more commits than n however quick the answers come.
    """
    events = {}
    for _ in range((n + 1) * asking.AHEAD):
        own = stripe.subscription(database, status="past_due")
        name = told.only(database, Subscription, id=own).stripe_subscription_id
        event = told.event("customer.subscription.updated", told.subscription(name, "price_of_tests"))
        inbox.receive(database, event, livemode_expected=False)
        events[own] = event["id"]

    code, said = processes.run(processes.inbox_that_dies, url(database), stripe.url, when, n)
    left = [row.event_id for row in told.rows(database, InboxEvent) if row.state != "applied"]
    entries = told.rows(database, AuditEntry)
    later = moments.now() + leases.LEASE
    while inbox.apply_due(database, stripe.gateway, now=later):
        continue

    assert (code, said) == (KILLED, "")
    assert len(entries) == len(events) - len(left)
    assert len(left) in (range(1, len(events)) if n > 1 or when == "after" else [len(events)])
    for own, event_id in events.items():
        entry = told.only(database, InboxEvent, event_id=event_id)
        assert (entry.state, entry.attempts) == ("applied", 1)
        assert told.only(database, Subscription, id=own).status == "active"
        assert len(told.rows(database, SubscriptionChange, subscription_id=own, source="event")) == 1
        assert told.only(database, AuditEntry, object_id=event_id).outcome == "done"
    with reading(database, FINANCE) as view:
        assert audit.verify(view.session).broken_at is None


def test_a_killed_worker_leaves_a_whole_database(database: Database, stripe: LocalStripe) -> None:
    refund, _ = ask_for_a_refund(database, stripe)
    approve(database, refund)
    processes.run(processes.worker_that_dies, url(database), stripe.url, "before storing", 1)

    with database.primary.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert Path(database.primary.url.database or "").exists()
    with reading(database, FINANCE) as view:
        assert view.session.scalars(select(Refund.status)).all() == ["approved"]
