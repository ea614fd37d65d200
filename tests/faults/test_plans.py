"""Plans carried out by workers that are two, are killed, or hear no from Stripe: each step once."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select, update

from lib.core import audit
from lib.core.database import Database
from lib.core.work import reading
from lib.jobs.worker import Worker
from lib.models import ActionPlan, AiCredit, Operation, Refund, Subscription, UserAddon
from lib.services import refunds, subscriptions
from lib.services.plans import case, plan
from tests.faults import processes
from tests.faults.test_races import at_once
from tests.local_stripe import LocalStripe
from tests.services.test_plans import Home, approve, one, rest
from tests.sized import times
from tests.staff import FINANCE, SUPPORT, do, read

pytestmark = pytest.mark.sized

PATIENCE = 60  # seconds, for a machine that does other things at the same time


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def home(database: Database, stripe: LocalStripe) -> Home:
    """A couple whose payment, subscription and add-on Stripe knows."""
    return at_stripe(database, stripe)


def at_stripe(database: Database, stripe: LocalStripe) -> Home:
    home = Home(database)
    of_them = {"user_id": home.payer, "relationship_id": home.couple}
    home.subscription = stripe.subscription(database, **of_them)
    home.payment = stripe.payment(database, **of_them)
    apart = stripe.subscription(database)
    billed_apart = read(database, SUPPORT, subscriptions.one, apart).stripe_subscription_id
    with database.primary.begin() as connection:
        # Stripe bills the add-on by a subscription of its own, of which our subscriptions know nothing.
        connection.execute(delete(Subscription).where(Subscription.id == apart))
        connection.execute(
            update(UserAddon)
            .where(UserAddon.id == home.addon)
            .values(stripe_subscription_id=billed_apart, billing_period="monthly")
        )
    return home


def worker(database: Database, stripe: LocalStripe) -> Worker:
    url = database.primary.url.render_as_string(hide_password=False)
    return Worker(database, stripe.gateway, processes.settings(url), lease=processes.SHORT_LEASE)


def work_until_it_rests(database: Database, stripe: LocalStripe, plan_id: str) -> case.PlanCase:
    """Let a worker work until the plan is not running any more."""
    at_work, gives_up_at = worker(database, stripe), time.monotonic() + PATIENCE
    while one(database, plan_id).state == "running":
        assert time.monotonic() < gives_up_at, "the plan never rests"
        at_work.look_after_money() or time.sleep(0.05)
    return one(database, plan_id)


def approved(database: Database, home: Home, **over: object) -> str:
    plan_id = home.propose(**over)
    approve(database, plan_id)
    return plan_id


def rows(database: Database, statement):
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(statement))


def expect_all_done_once(database: Database, stripe: LocalStripe, home: Home, done: case.PlanCase) -> None:
    assert (done.state, [step.state for step in done.steps]) == ("done", ["done"] * 4)
    [refund] = rows(database, select(Refund).where(Refund.id == done.refund_id))
    found = read(database, FINANCE, refunds.one, refund.id)
    assert [each.id for each in stripe.refunds(found.payment.stripe_payment_intent_id)] == [
        refund.stripe_refund_id
    ]
    assert (refund.status, found.payment.refunded_cents) == ("processed", 3000)
    assert read(database, SUPPORT, subscriptions.one, home.subscription).status == "canceled"
    [addon] = rows(database, select(UserAddon).where(UserAddon.id == home.addon))
    assert (addon.status, addon.canceled_at is not None) == ("canceled", True)
    assert stripe.gateway.subscriptions.retrieve(addon.stripe_subscription_id).status == "canceled"
    movements = rows(
        database,
        select(AiCredit).where(AiCredit.relationship_id == home.couple).order_by(AiCredit.created_at),
    )
    assert [(each.credits_amount, each.credits_balance) for each in movements] == [(30, 30), (-30, 0)]
    assert [each.state for each in rows(database, select(Operation))] == ["done"] * 3


def test_a_plan_is_carried_out_step_by_step(database: Database, stripe: LocalStripe, home: Home) -> None:
    plan_id = approved(database, home)

    done = work_until_it_rests(database, stripe, plan_id)

    expect_all_done_once(database, stripe, home, done)
    assert [step.said for step in done.steps] == [
        "Done at Stripe.",
        "30 AI credits were taken back.",
        "It has ended, at Stripe too.",
        "Stripe has paid it back.",
    ]


def test_two_workers_take_each_step_once(database: Database, stripe: LocalStripe, home: Home) -> None:
    plan_id = approved(database, home)
    both = [worker(database, stripe) for _ in range(2)]

    gives_up_at = time.monotonic() + PATIENCE
    while one(database, plan_id).state == "running":
        assert time.monotonic() < gives_up_at, "the plan never rests"
        at_once(*(each.tick for each in both))

    expect_all_done_once(database, stripe, home, one(database, plan_id))


@pytest.mark.parametrize("n", range(times(1, 12)))
@pytest.mark.parametrize("moment", ["before Stripe", "before storing", "before settling"])
def test_a_worker_killed_in_the_middle_of_a_plan_is_followed_by_one_that_goes_on(
    database: Database, stripe: LocalStripe, home: Home, moment: processes.Moment, n: int
) -> None:
    plan_id = approved(database, home)

    url = database.primary.url.render_as_string(hide_password=False)
    code, said = processes.run(processes.worker_that_dies, url, stripe.url, moment, n % 3 + 1)
    done = work_until_it_rests(database, stripe, plan_id)

    assert (code, said) == (-9, "")
    expect_all_done_once(database, stripe, home, done)
    with reading(database, FINANCE) as view:
        assert audit.verify(view.session).broken_at is None


def test_a_step_that_stripe_refuses_stops_the_plan_which_can_be_continued(
    database: Database, stripe: LocalStripe, home: Home
) -> None:
    plan_id, known = approved_with_an_addon_that_stripe_does_not_know(database, home)

    stopped = work_until_it_rests(database, stripe, plan_id)
    bill_addon_by(database, home, known)
    rest(database, plan.go_on, plan_id)
    done = work_until_it_rests(database, stripe, plan_id)

    assert (stopped.state, [step.state for step in stopped.steps]) == (
        "stopped",
        ["done", "done", "failed", "planned"],
    )
    assert stopped.stopped_because.startswith("Step 3 was not done: ")
    assert (done.state, done.stopped_because, done.steps[2].state) == ("done", None, "done")
    assert len(stripe.refunds(intent(database, done))) == 1
    assert len(rows(database, select(AiCredit).where(AiCredit.relationship_id == home.couple))) == 2


def test_a_plan_that_stopped_is_given_up_and_its_refund_is_not_promised_any_more(
    database: Database, stripe: LocalStripe, home: Home
) -> None:
    plan_id, _ = approved_with_an_addon_that_stripe_does_not_know(database, home)
    work_until_it_rests(database, stripe, plan_id)

    rest(database, plan.give_up, plan_id)

    given_up = one(database, plan_id)
    [refund] = rows(database, select(Refund).where(Refund.id == given_up.refund_id))
    assert [step.state for step in given_up.steps] == ["done", "done", "skipped", "skipped"]
    assert (given_up.state, refund.status) == ("given_up", "denied")
    assert "given up: Talked to them" in refund.notes
    assert stripe.refunds(intent(database, given_up)) == []
    assert rows(database, select(ActionPlan.open_key)) == [None]


def approved_with_an_addon_that_stripe_does_not_know(database: Database, home: Home) -> tuple[str, str]:
    """An approved plan that will stop at its third step; gives the id with which it would not."""
    [known] = rows(database, select(UserAddon.stripe_subscription_id).where(UserAddon.id == home.addon))
    bill_addon_by(database, home, "sub_nobody_knows")
    return approved(database, home), known


def bill_addon_by(database: Database, home: Home, stripe_subscription_id: str) -> None:
    with database.primary.begin() as connection:
        connection.execute(
            update(UserAddon)
            .where(UserAddon.id == home.addon)
            .values(stripe_subscription_id=stripe_subscription_id)
        )


def test_what_somebody_else_did_meanwhile_is_not_done_again(
    database: Database, stripe: LocalStripe, home: Home
) -> None:
    plan_id = approved(database, home, cancel="at_period_end")
    shown = read(database, SUPPORT, subscriptions.one, home.subscription).digest
    do(database, SUPPORT, subscriptions.cancel_now, home.subscription, shown=shown, reason="They called")

    done = work_until_it_rests(database, stripe, plan_id)

    assert (done.state, done.steps[0].said) == ("done", "It had ended already.")


def intent(database: Database, found: case.PlanCase) -> str:
    return read(database, FINANCE, refunds.one, found.refund_id).payment.stripe_payment_intent_id
