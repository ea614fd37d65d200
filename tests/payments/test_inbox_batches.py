"""Several objects due at once: one commit, an entry for each, and a fault that stays with its event."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lib.core import audit
from lib.core.database import Database
from lib.core.work import reading
from lib.models import AuditedObject, AuditEntry, InboxEvent, Subscription, SubscriptionChange
from lib.payments import inbox
from lib.payments.gateway import Gateway
from lib.payments.inbox import asking
from lib.payments.inbox.leases import INBOX
from tests.factories import make_plan, make_subscription
from tests.local_stripe import LocalStripe
from tests.payments import told
from tests.payments.scripted import KEY
from tests.payments.told import NOW, START, day, only, rows, state_of
from tests.statements import counted

SOME = 6


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def on_postgres(postgres_url: str) -> Iterator[Database]:
    opened = Database(postgres_url)
    yield opened
    opened.dispose()


@pytest.fixture
def asking_gateway(stripe: LocalStripe) -> Iterator[Gateway]:
    """A gateway of the test's own, whose verbs it may hold up."""
    made = Gateway(KEY, api_base=stripe.url, retries=0, sleep=lambda _: None)
    yield made
    made.close()


def past_due(database: Database, stripe_id: str) -> str:
    """Receive an event that says that a subscription is past due; gives its id."""
    source = told.subscription(stripe_id, "price_try", status="past_due")
    event = told.event("customer.subscription.updated", source, day(1))
    inbox.receive(database, event, livemode_expected=False, now=NOW)
    return str(event["id"])


def seed(database: Database, number: int = SOME) -> dict[str, str]:
    """Subscriptions of ours that Stripe does not know, with an event about each: event by subscription."""
    plan = make_plan(database, stripe_price_id="price_try")
    events = {}
    for n in range(number):
        name = f"sub_of_ours_{n}"
        own = make_subscription(database, stripe_subscription_id=name, plan_id=plan, created_at=START)
        events[own] = past_due(database, name)
    return events


def seed_at_stripe(database: Database, stripe: LocalStripe, number: int = SOME) -> dict[str, str]:
    """The same with subscriptions that are active at Stripe, and past due here."""
    owns = [stripe.subscription(database, status="past_due") for _ in range(number)]
    return {own: past_due(database, stripe_id_of(database, own)) for own in owns}


def stripe_id_of(database: Database, own: str) -> str:
    return str(only(database, Subscription, id=own).stripe_subscription_id)


def refuse_changes_of(database: Database, own: str) -> None:
    """Let the database refuse every change of one subscription, as a broken rule of the app's own might."""
    with database.primary.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER poison BEFORE UPDATE ON subscriptions WHEN old.id = '{own}' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )


def done_about(database: Database, event_id: str) -> list[AuditEntry]:
    return rows(database, AuditEntry, object_type="admin_inbox", object_id=event_id, outcome="done")


def assert_unbroken(database: Database) -> None:
    with reading(database, INBOX) as view:
        assert audit.verify(view.session).broken_at is None


def test_several_objects_are_applied_in_one_commit_with_an_entry_for_each(database: Database) -> None:
    events = seed(database)
    with counted(database) as statements:
        tried = inbox.apply_due(database, None, now=NOW)

    assert tried == SOME
    assert sum(each.startswith("UPDATE admin_audit_head") for each in statements) == 1
    for own, event_id in events.items():
        [entry] = done_about(database, event_id)
        changed = json.loads(entry.payload)["changes"]
        assert {where for where in changed if where.startswith("subscriptions/")} == {f"subscriptions/{own}"}
        assert changed[f"subscriptions/{own}"]["status"] == ["active", "past_due"]
        assert json.loads(only(database, InboxEvent, event_id=event_id).changed).keys() < changed.keys()
        named = rows(database, AuditedObject, object_type="subscriptions", object_id=own)
        assert [each.seq for each in named] == [entry.seq]
    assert_unbroken(database)


@pytest.mark.parametrize("asked", [False, True], ids=["from payloads", "as Stripe has them"])
def test_of_several_the_one_that_cannot_be_applied_is_put_off_alone_and_the_others_count_once(
    database: Database, stripe: LocalStripe, asked: bool
) -> None:
    events = seed_at_stripe(database, stripe) if asked else seed(database)
    gateway = stripe.gateway if asked else None
    poisoned = list(events)[2]
    refuse_changes_of(database, poisoned)
    inbox.apply_due(database, gateway, now=NOW)
    bad = events.pop(poisoned)
    first = only(database, InboxEvent, event_id=bad)
    now = NOW
    for pause in inbox.BACKOFF:
        now += pause
        inbox.apply_due(database, gateway, now=now)

    assert (first.state, first.attempts, first.next_attempt_at) == ("failed", 1, NOW + inbox.BACKOFF[0])
    parked = only(database, InboxEvent, event_id=bad)
    assert (parked.state, parked.attempts) == ("parked", inbox.TRIES)
    assert "not this one" in parked.error
    assert done_about(database, bad) == []
    for own, event_id in events.items():
        entry = only(database, InboxEvent, event_id=event_id)
        assert (entry.state, entry.attempts, entry.applied_at) == ("applied", 1, NOW)
        assert len(done_about(database, event_id)) == 1
        assert len(rows(database, SubscriptionChange, subscription_id=own, source="event")) == 1
    assert_unbroken(database)


def test_an_object_that_stripe_is_slow_about_holds_up_no_other(
    database: Database, stripe: LocalStripe, asking_gateway: Gateway
) -> None:
    events = seed_at_stripe(database, stripe, asking.AHEAD + 2)
    slow, *others = events
    slow_id, retrieve = stripe_id_of(database, slow), asking_gateway.subscriptions.retrieve
    meanwhile: list[bool] = []

    def retrieve_slowly(subscription_id: str) -> Any:
        if subscription_id == slow_id:
            meanwhile.append(until(lambda: all(applied(database, events[own]) for own in others)))
        return retrieve(subscription_id)

    asking_gateway.subscriptions.retrieve = retrieve_slowly  # type: ignore[method-assign]
    tried = inbox.apply_due(database, asking_gateway, now=NOW)

    assert (tried, meanwhile) == (len(events), [True])
    assert {row.state for row in rows(database, InboxEvent)} == {"applied"}
    assert {row.status for row in rows(database, Subscription)} == {"active"}


def test_one_that_cannot_even_be_asked_about_is_put_off_alone(
    database: Database, stripe: LocalStripe, asking_gateway: Gateway
) -> None:
    events = seed_at_stripe(database, stripe)
    odd = list(events)[1]
    odd_id, retrieve = stripe_id_of(database, odd), asking_gateway.subscriptions.retrieve

    def retrieve_or_break(subscription_id: str) -> Any:
        if subscription_id == odd_id:
            raise ZeroDivisionError
        return retrieve(subscription_id)

    asking_gateway.subscriptions.retrieve = retrieve_or_break  # type: ignore[method-assign]
    inbox.apply_due(database, asking_gateway, now=NOW)

    assert state_of(database, events.pop(odd)) == "failed"
    assert {state_of(database, event_id) for event_id in events.values()} == {"applied"}


def test_of_two_pictures_asked_for_at_once_the_older_one_is_not_applied_last(
    database: Database, stripe: LocalStripe, asking_gateway: Gateway
) -> None:
    """An invoice brings its subscription along: asked for before that was set to end, it comes after it."""
    stripe.unpaid(database)
    subscription = only(database, Subscription)
    name = str(subscription.stripe_subscription_id)
    [invoice] = [each for each in asking_gateway.invoices.open() if each.subscription_id == name]
    unpaid = told.event(
        "invoice.payment_failed", told.invoice(invoice.id, name, "pi_1", status="open"), day(1)
    )
    inbox.receive(database, unpaid, livemode_expected=False, now=NOW)
    past_due(database, name)
    retrieve_invoice, retrieve = asking_gateway.invoices.retrieve, asking_gateway.subscriptions.retrieve
    of_invoice: list[int] = []
    older = threading.Event()

    def note_who_asks(invoice_id: str) -> Any:
        of_invoice.append(threading.get_ident())
        return retrieve_invoice(invoice_id)

    def retrieve_in_turn(subscription_id: str) -> Any:
        if threading.get_ident() in of_invoice and not older.is_set():
            picture = retrieve(subscription_id)
            older.set()
            until(lambda: only(database, Subscription).canceled_at is not None)
            return picture
        if threading.get_ident() not in of_invoice and older.wait(10):
            stripe.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True})
        return retrieve(subscription_id)

    asking_gateway.invoices.retrieve = note_who_asks  # type: ignore[method-assign]
    asking_gateway.subscriptions.retrieve = retrieve_in_turn  # type: ignore[method-assign]
    inbox.apply_due(database, asking_gateway, now=NOW)

    assert len(of_invoice) == 2
    assert {row.state for row in rows(database, InboxEvent)} == {"applied"}
    assert only(database, Subscription).canceled_at is not None


@pytest.mark.postgres
def test_several_at_once_give_way_to_whoever_holds_one_of_their_rows(on_postgres: Database) -> None:
    database = on_postgres
    events = seed(database)
    held, *others = reversed(events)
    meanwhile: list[bool] = []
    holding = threading.Event()

    def hold() -> None:
        with database.primary.begin() as connection:
            connection.exec_driver_sql(f"SELECT id FROM subscriptions WHERE id = '{held}' FOR UPDATE")
            holding.set()
            meanwhile.append(until(lambda: all(applied(database, events[own]) for own in others)))

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    inbox.apply_due(database, None, now=NOW)
    holder.join()

    assert meanwhile == [True]
    assert {row.state for row in rows(database, InboxEvent)} == {"applied"}
    assert [row.attempts for row in rows(database, InboxEvent)] == [1] * SOME


def applied(database: Database, event_id: str) -> bool:
    return state_of(database, event_id) == "applied"


def until(is_so: Callable[[], bool]) -> bool:
    """Wait until something is so, ten seconds at most; says whether it came to be."""
    gives_up_at = time.monotonic() + 10
    while not is_so():
        if time.monotonic() > gives_up_at:
            return False
        time.sleep(0.02)
    return True
