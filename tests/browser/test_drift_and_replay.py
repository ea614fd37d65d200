"""Our rows made right by a person in a browser: a drift repaired, an event applied again after a dry run."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from lib.core.access import Role
from lib.jobs import drift, runs
from lib.models import DriftFinding, InboxEvent, Subscription
from lib.payments import reconcile
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser


def running(company: Company, number: int) -> tuple[str, str]:
    """One of the subscriptions that go on: our id and Stripe's."""
    rows = company.rows(
        select(Subscription.id, Subscription.stripe_subscription_id)
        .where(
            Subscription.status == "active",
            Subscription.canceled_at.is_(None),
            Subscription.is_gift.is_(False),
            Subscription.stripe_subscription_id.is_not(None),
        )
        .order_by(Subscription.id)
    )
    key, stripe_id = rows[number]
    return key, stripe_id


def write(company: Company, subscription_id: str, **values: object) -> None:
    """Let our row say something else than Stripe does."""
    with company.database.primary.execution_options(writes=True).begin() as connection:
        connection.execute(update(Subscription).where(Subscription.id == subscription_id).values(**values))


def value(company: Company, column: InstrumentedAttribute[object], subscription_id: str) -> object:
    return company.value(select(column).where(Subscription.id == subscription_id))


def test_a_drift_is_found_shown_and_repaired_as_stripe_says(company: Company, open_desk: OpenDesk) -> None:
    eventually(lambda: runs.latest(company.database, drift.NAME, state="done") is not None)
    subscription, stripe_id = running(company, 0)
    right = value(company, Subscription.price_cents, subscription)
    write(company, subscription, price_cents=1)
    reconcile.walk(company.database, company.gateway, budget=reconcile.Budget(1_000))
    of_it = select(DriftFinding.id).where(
        DriftFinding.stripe_id == stripe_id, DriftFinding.kind == "subscription_price"
    )
    finding = company.value(of_it)
    desk = open_desk(Role.FINANCE)
    desk.open(f"drift?id={finding}", "Drift")
    desk.says("$0.01")
    form = desk.unfold("Repair")
    form.get_by_label("Reason").fill("As Stripe says")
    before = value(company, Subscription.price_cents, subscription)
    desk.submit(form, "Repair")
    desk.says("Repaired")

    assert (before, value(company, Subscription.price_cents, subscription)) == (1, right)


def test_an_event_is_applied_again_after_a_dry_run_and_does_exactly_that(
    company: Company, open_desk: OpenDesk
) -> None:
    subscription, stripe_id = running(company, 1)
    company.gateway.subscriptions.cancel_at_period_end(stripe_id, key=f"ends:{stripe_id}")
    told = (
        select(InboxEvent.event_id)
        .where(InboxEvent.stripe_object_id == stripe_id, InboxEvent.state == "applied")
        .order_by(InboxEvent.received_at.desc())
        .limit(1)
    )
    eventually(lambda: value(company, Subscription.canceled_at, subscription) is not None)
    eventually(lambda: bool(company.rows(told)))
    event = company.value(told)
    write(company, subscription, canceled_at=None)
    desk = open_desk(Role.FINANCE)
    desk.open(f"inbox?id={event}", "Stripe inbox")
    form = desk.unfold("Apply again")
    form.get_by_label("Reason").fill("The row is wrong")
    desk.submit(form, "Apply again")
    desk.says("would change rows of ours")
    desk.says(f"subscriptions/{subscription}")
    rehearsed = value(company, Subscription.canceled_at, subscription)
    form = desk.unfold("Do exactly this")
    desk.submit(form, "Do exactly this")
    eventually(lambda: value(company, Subscription.canceled_at, subscription) is not None)
    desk.says("1 applied")

    assert rehearsed is None
