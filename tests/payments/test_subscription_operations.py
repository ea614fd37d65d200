"""Everything that is asked of Stripe about a subscription: done once, found again, and told in our rows."""

from collections.abc import Iterator

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.services.subscriptions import ends, plan_changes
from tests.local_stripe import LocalStripe
from tests.payments.subscription_wishes import (
    EVERY,
    FRIDAY,
    LATER,
    WISHES,
    Wish,
    change_in_the_dashboard,
    desk_of,
)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@EVERY
def test_it_is_done_once_and_stripe_shows_it(database: Database, stripe: LocalStripe, wish: Wish) -> None:
    desk = desk_of(database, stripe, wish)
    given = wish.given(desk)
    before = desk.changes

    queued = desk.ask(wish.action, **given)
    desk.work_off()
    desk.work_off(LATER)

    done = desk.operation(queued)
    assert (done.state, done.error_message, done.attempts) == ("done", None, 1)
    assert wish.shows(desk.theirs)
    assert desk.changes - before == 1


@EVERY
@pytest.mark.parametrize("fault", ["drop_after", "invalid_json", "drop_before", "500"])
def test_after_an_unknown_outcome_it_is_found_or_sent_again_and_never_done_twice(
    database: Database, stripe: LocalStripe, wish: Wish, fault: str
) -> None:
    desk = desk_of(database, stripe, wish)
    given = wish.given(desk)
    before = desk.changes
    queued = desk.ask(wish.action, **given)
    stripe.goes_wrong(fault, method="POST", path="/v1/subscriptions/*")

    desk.work_off()
    between = desk.operation(queued)
    desk.work_off(LATER)

    happened = fault in {"drop_after", "invalid_json"}
    assert between.state == "unknown"
    assert desk.operation(queued).state == "done"
    assert desk.changes - before == (1 if happened else 2)
    assert wish.shows(desk.theirs)


@pytest.mark.parametrize("name", sorted(WISHES.keys() - {"cancel on a date"}))
def test_what_stripe_refuses_has_failed_with_its_sentence(
    database: Database, stripe: LocalStripe, name: str
) -> None:
    desk = desk_of(database, stripe, WISHES[name])
    queued = desk.ask(WISHES[name].action, **WISHES[name].given(desk))
    stripe.gateway.subscriptions.cancel(desk.stripe_id, key=f"in Stripe's dashboard: {desk.stripe_id}")

    desk.work_off()

    failed = desk.operation(queued)
    assert (failed.state, failed.open_key) == ("failed", None)
    assert (
        "canceled" in failed.error_message
        or "No such" in failed.error_message
        or "paused" in (failed.error_message)
    )


def test_an_end_on_a_date_counts_as_done_when_it_has_ended_meanwhile(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    queued = desk.ask(ends.cancel_on, last_day=FRIDAY)
    stripe.gateway.subscriptions.cancel(desk.stripe_id, key=f"in Stripe's dashboard: {desk.stripe_id}")

    desk.work_off()

    assert desk.operation(queued).state == "done"
    assert desk.ours.status == "canceled"


def test_a_change_that_somebody_undid_at_stripe_is_not_made_again(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    queued = desk.ask(plan_changes.change, plan_id="dearer", settlement="now", moment=moments.now())
    stripe.goes_wrong("drop_after", method="POST", path="/v1/subscriptions/*")
    desk.work_off()
    change_in_the_dashboard(stripe, desk.stripe_id)
    before = desk.changes

    desk.work_off(LATER)

    assert desk.operation(queued).state == "done"
    assert desk.changes == before
    assert desk.ours.price_cents == 3000
