"""Cancelling and keeping through the outbox: found by the state that the subscription is in."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import Operation, Subscription, SubscriptionChange
from lib.payments import answers
from lib.services import subscriptions
from tests.local_stripe import LocalStripe
from tests.payments.outbox import LATER, approved, intent, operation, work_off
from tests.staff import SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def stripes(database: Database, stripe: LocalStripe, subscription: str):
    with reading(database, SUPPORT) as view:
        row = view.session.get_one(Subscription, subscription)
        return row, stripe.gateway.subscriptions.retrieve(row.stripe_subscription_id)


def ask(database: Database, action, subscription: str) -> Operation:
    shown = read(database, SUPPORT, subscriptions.one, subscription).digest
    return do(database, SUPPORT, action, subscription, shown=shown, reason="They asked")


def test_a_subscription_is_set_to_cancel_kept_and_cancelled(database: Database, stripe: LocalStripe) -> None:
    subscription = stripe.subscription(database)

    ask(database, subscriptions.cancel_at_period_end, subscription)
    work_off(database, stripe)
    ours, theirs = stripes(database, stripe, subscription)
    assert (ours.status, ours.canceled_at is not None, theirs.cancel_at_period_end) == ("active", True, True)

    ask(database, subscriptions.keep, subscription)
    work_off(database, stripe)
    ours, theirs = stripes(database, stripe, subscription)
    assert (ours.status, ours.canceled_at, theirs.cancel_at_period_end) == ("active", None, False)

    ask(database, subscriptions.cancel_now, subscription)
    work_off(database, stripe)
    ours, theirs = stripes(database, stripe, subscription)
    assert (ours.status, theirs.status) == ("canceled", "canceled")
    with reading(database, SUPPORT) as view:
        sources = view.session.scalars(
            select(SubscriptionChange.source_id).where(SubscriptionChange.source == "action")
        )
        done = view.session.scalars(select(Operation.id).where(Operation.state == "done"))
        assert set(sources) == set(done)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
@pytest.mark.parametrize(
    "action", [subscriptions.cancel_at_period_end, subscriptions.cancel_now], ids=["at the end", "now"]
)
def test_an_unknown_cancellation_is_found_by_the_subscriptions_state(
    database: Database, stripe: LocalStripe, action, fault: str
) -> None:
    subscription = stripe.subscription(database)
    queued = ask(database, action, subscription)
    stripe.goes_wrong(fault, method="*", path="/v1/subscriptions/*")

    work_off(database, stripe)
    between = operation(database, queued.id)
    work_off(database, stripe, moments.now() + LATER)

    ours, theirs = stripes(database, stripe, subscription)
    assert between.state == "unknown"
    assert operation(database, queued.id).state == "done"
    assert len(stripe.writes(theirs.id)) == (1 if fault == "drop_after" else 2)
    assert ours.canceled_at is not None


def test_a_subscription_that_was_cancelled_at_stripe_meanwhile_counts_as_done(
    database: Database, stripe: LocalStripe
) -> None:
    subscription = stripe.subscription(database)
    queued = ask(database, subscriptions.cancel_now, subscription)
    row, _ = stripes(database, stripe, subscription)
    stripe.gateway.subscriptions.cancel(row.stripe_subscription_id, key="in Stripe's dashboard")

    work_off(database, stripe)

    assert operation(database, queued.id).state == "done"
    assert stripes(database, stripe, subscription)[0].status == "canceled"


def test_stripes_answer_is_the_same_after_it_was_stored(database: Database, stripe: LocalStripe) -> None:
    subscription = stripe.subscription(database)
    _, facts = stripes(database, stripe, subscription)
    payment = stripe.payment(database)
    approved(database, payment)
    work_off(database, stripe)
    [refund] = stripe.refunds(intent(database, payment))

    assert answers.from_text(answers.to_text(facts)) == facts
    assert answers.from_text(answers.to_text(refund)) == refund
