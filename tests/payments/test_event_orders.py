"""Events of one life, in order, in any order, and in either generation of shapes: our rows end the same."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.models import (
    InboxEvent,
    Payment,
    Refund,
    StripeObject,
    StripeWebhook,
    Subscription,
    SubscriptionChange,
)
from lib.payments import inbox
from tests.payments.lives import life, seed
from tests.payments.told import NOW, START, business, day, only, rows, tell, work_off
from tests.sized import times

SAMPLE = times(20, 1)
"""One order in so many is tried; with FULL=1 all 720 are, which takes a minute and a half."""
LIFE = ("created", "updated", "payment_failed", "payment_succeeded", "deleted", "refunded")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_a_life_told_in_order_ends_canceled_and_refunded(database: Database) -> None:
    seed(database)
    for event in life().values():
        inbox.receive(database, event, livemode_expected=False, now=NOW)
        work_off(database)

    subscription = only(database, Subscription)
    assert (subscription.status, subscription.plan_id, subscription.price_cents) == (
        "canceled",
        "plan_more",
        4000,
    )
    assert subscription.canceled_at == day(5)
    payment = only(database, Payment)
    assert (payment.status, payment.amount_cents, payment.refund_amount_cents) == ("refunded", 3000, 3000)
    assert (payment.stripe_payment_intent_id, payment.stripe_charge_id) == ("pi_1", "ch_of_pi_1")
    assert only(database, Refund).status == "processed"
    chain = rows(database, SubscriptionChange)
    assert [(row.status, row.net_arr_cents) for row in chain] == [
        ("active", 36_000),
        ("active", 48_000),
        ("past_due", 48_000),
        ("active", 48_000),
        ("canceled", 48_000),
    ]
    assert [row.effective_at for row in chain] == [START, day(2), day(3), day(4), day(5)]
    assert chain[-1].cause == "voluntary"


@pytest.mark.sized
@pytest.mark.parametrize("first", LIFE)
def test_every_order_of_a_life_ends_in_the_same_rows(database: Database, first: str) -> None:
    rest = [name for name in LIFE if name != first]
    seed(database)
    untouched = _tables(database)
    for event in life().values():
        tell(database, event)
    in_order = business(database)
    ends = []
    for order in list(itertools.permutations(rest))[::SAMPLE]:
        _restore(database, untouched)
        events = life()
        for number, name in enumerate((first, *order)):
            tell(database, events[name], NOW + timedelta(seconds=number))
        # Only what waits for its row is left: two tries are enough.
        for minutes in (5, 30):
            inbox.apply_due(database, None, now=NOW + timedelta(minutes=minutes))
        ends.append(((first, *order), business(database)))

    assert [order for order, end in ends if end != in_order] == []


def _tables(database: Database) -> list[tuple[Any, list[dict[str, Any]]]]:
    models = (SubscriptionChange, StripeObject, InboxEvent, StripeWebhook, Refund, Payment, Subscription)
    return [(model, [dict(row._mapping) for row in rows(database, model)]) for model in models]


def _restore(database: Database, tables: list[tuple[Any, list[dict[str, Any]]]]) -> None:
    with database.primary.begin() as connection:
        for model, _ in tables:
            connection.execute(model.__table__.delete())
        for model, lines in tables:
            if lines:
                connection.execute(model.__table__.insert(), lines)


@pytest.mark.parametrize("old", [False, True], ids=["since basil", "before basil"])
def test_both_generations_of_shapes_end_in_the_same_rows(database: Database, old: bool) -> None:
    seed(database)
    for event in life(old=old).values():
        tell(database, event)

    subscription, payment = only(database, Subscription), only(database, Payment)
    assert (subscription.status, subscription.current_period_end) == ("canceled", day(30))
    assert (payment.status, payment.stripe_payment_intent_id) == ("refunded", "pi_1")
    assert only(database, Refund).stripe_refund_id == "re_1"
