"""A batch switched off as a whole: here at once, at Stripe each code once, whoever is killed meanwhile."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import NotFound, Refused, StripeFailed
from lib.core.work import reading, working
from lib.jobs import batch_switch_offs, code_batches
from lib.models import DiscountCode
from lib.services import discounts
from lib.services.discounts import SwitchOffCase
from tests.jobs.batches import with_coupon
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

WORKER = system("worker")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def made(database: Database, stripe: LocalStripe, wanted: int, *, at_stripe: bool = True) -> str:
    """A batch whose codes are all there."""
    key = with_coupon(database, stripe, wanted, at_stripe=at_stripe)
    while discounts_of(database, key).state != "done":
        code_batches.work_off(database, stripe.gateway, "maker", moments.now(), sleep=lambda _: None)
    return key


def discounts_of(database: Database, key: str) -> discounts.Batch:
    batch: discounts.Batch = read(database, FINANCE, discounts.batch, key)
    return batch


def case(database: Database, key: str) -> SwitchOffCase:
    found: SwitchOffCase = read(database, FINANCE, discounts.switch_off_case, key)
    return found


def switch_off(database: Database, key: str, **over: Any) -> str:
    given = {"codes": case(database, key).codes, "reason": "Leaked"} | over
    run: str = do(database, FINANCE, discounts.switch_batch_off, key, **given)
    return run


def work_off(database: Database, stripe: LocalStripe, now: datetime | None = None) -> int:
    return batch_switch_offs.work_off(
        database, stripe.gateway, "worker", now or moments.now(), sleep=lambda _: None
    )


def on_here(database: Database, key: str) -> int:
    with reading(database, FINANCE) as view:
        return sum(row.is_active for row in discounts.of_batch.stream(view, batch_id=key))


def on_there(stripe: LocalStripe, key: str) -> int:
    return sum(each.active for each in stripe.gateway.discounts.codes(coupon_id=f"bt-{key}"))


def test_every_code_is_off_here_first_and_then_at_stripe(database: Database, stripe: LocalStripe) -> None:
    key = made(database, stripe, 130)
    shown = case(database, key)
    switch_off(database, key)
    first, between = work_off(database, stripe), (on_here(database, key), on_there(stripe, key))
    rest = [work_off(database, stripe) for _ in range(3)]
    newest = case(database, key).newest

    assert (shown.codes, shown.at_stripe, shown.why_not) == (130, 130, None)
    assert (first, between, rest) == (130, (0, 130), [100, 30, 0])
    assert on_there(stripe, key) == 0
    assert newest is not None
    assert (newest.state, newest.here, newest.there, newest.refused) == ("done", 130, 130, 0)
    assert newest.done == newest.total_steps


def test_codes_without_promotion_codes_need_no_stripe(database: Database, stripe: LocalStripe) -> None:
    key = made(database, stripe, 1_500, at_stripe=False)
    switch_off(database, key)
    done = [batch_switch_offs.work_off(database, None, "worker", moments.now()) for _ in range(3)]
    newest = case(database, key).newest

    assert (done, on_here(database, key)) == ([1000, 500, 0], 0)
    assert newest is not None
    assert newest.state == "done"


def test_what_was_off_before_is_left_alone(database: Database, stripe: LocalStripe) -> None:
    key = made(database, stripe, 4)
    with database.primary.begin() as connection:
        first = connection.exec_driver_sql("SELECT MIN(id) FROM discount_codes").scalar()
        connection.execute(update(DiscountCode).where(DiscountCode.id == first).values(is_active=False))
    switch_off(database, key)
    while work_off(database, stripe):
        pass

    assert (on_here(database, key), on_there(stripe, key)) == (0, 1)


def test_a_worker_that_was_killed_sends_no_code_as_another_request(
    database: Database, stripe: LocalStripe
) -> None:
    key = made(database, stripe, 5)
    run = switch_off(database, key)
    work_off(database, stripe)
    now = moments.now()
    with working(database, WORKER, now=now) as work:
        claimed = batch_switch_offs.claim(work, run, "killed")
    assert claimed is not None
    for promotion_code in list(claimed.codes.values())[:3]:
        # Sent, and never recorded.
        stripe.gateway.discounts.switch(promotion_code, False, key=f"batch_switch_off:{run}:{promotion_code}")
    held = work_off(database, stripe, now)
    taken_over = work_off(database, stripe, now + code_batches.LEASE)
    there = case(database, key).newest

    assert (held, taken_over, on_there(stripe, key)) == (0, 5, 0)
    assert there is not None
    assert there.there == 5


def test_what_stripe_answered_before_it_fell_silent_is_kept(database: Database, stripe: LocalStripe) -> None:
    key = made(database, stripe, 4)
    switch_off(database, key)
    work_off(database, stripe)
    naps: list[float] = []

    def fail_after_two(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            stripe.goes_wrong("drop_after", path="/v1/promotion_codes/*")

    with pytest.raises(StripeFailed):
        batch_switch_offs.work_off(database, stripe.gateway, "worker", moments.now(), sleep=fail_after_two)
    kept = case(database, key).newest
    while work_off(database, stripe):
        pass
    work_off(database, stripe)
    after = case(database, key).newest

    assert kept is not None
    assert after is not None
    assert (kept.there, after.there, after.state, on_there(stripe, key)) == (2, 4, "done", 0)


def test_a_code_that_stripe_does_not_have_is_said_of_its_row_alone(
    database: Database, stripe: LocalStripe
) -> None:
    key = made(database, stripe, 3)
    with database.primary.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE admin_discount_codes SET promotion_code_id = 'promo_gone' WHERE number = 2"
        )
    switch_off(database, key)
    while work_off(database, stripe):
        pass
    with reading(database, FINANCE) as view:
        rows = list(discounts.of_batch.stream(view, batch_id=key))
    newest = case(database, key).newest

    assert [row.switch_off_refusal is None for row in rows] == [True, False, True]
    assert newest is not None
    assert (newest.refused, newest.there) == (1, 3)


def test_it_is_stopped_and_goes_on_where_it_was(database: Database, stripe: LocalStripe) -> None:
    key = made(database, stripe, 130)
    run = switch_off(database, key)
    work_off(database, stripe)
    work_off(database, stripe)
    do(database, FINANCE, discounts.stop_switch_off, run, reason="Wait")
    stopped = work_off(database, stripe)
    do(database, FINANCE, discounts.resume_switch_off, run, reason="On")
    resumed = work_off(database, stripe)

    assert (stopped, resumed, on_there(stripe, key)) == (0, 30, 0)
    with pytest.raises(Refused, match="was not stopped"):
        do(database, FINANCE, discounts.resume_switch_off, run, reason="On")
    work_off(database, stripe)
    with pytest.raises(Refused, match="not under way"):
        do(database, FINANCE, discounts.stop_switch_off, run, reason="Late")


def test_it_is_refused_when_the_count_that_was_shown_is_another_one(
    database: Database, stripe: LocalStripe
) -> None:
    key = made(database, stripe, 3, at_stripe=False)

    with pytest.raises(Refused, match="3 are now"):
        switch_off(database, key, codes=2)
    assert on_here(database, key) == 3


def test_it_is_refused_while_codes_are_made_and_while_it_is_under_way(
    database: Database, stripe: LocalStripe
) -> None:
    key = with_coupon(database, stripe, 3)
    with pytest.raises(Refused, match="still being made"):
        switch_off(database, key)
    code_batches.work_off(database, stripe.gateway, "maker", moments.now())
    switch_off(database, key)

    with pytest.raises(Refused, match="already"):
        switch_off(database, key)
    work_off(database, stripe)
    with pytest.raises(Refused, match="None of its codes is on"):
        switch_off(database, key)
    with pytest.raises(NotFound):
        case(database, "nothing")


def test_a_batch_that_was_switched_off_makes_no_more_codes(database: Database, stripe: LocalStripe) -> None:
    key = with_coupon(database, stripe, 1_500)
    code_batches.work_off(database, stripe.gateway, "maker", moments.now())
    do(database, FINANCE, discounts.stop_batch, key, reason="Leaked")
    switch_off(database, key)

    with pytest.raises(Refused, match="no more codes"):
        do(database, FINANCE, discounts.resume_batch, key, reason="On")


def test_two_workers_at_once_switch_each_row_off_once(database_url: str, stripe: LocalStripe) -> None:
    database = Database(database_url)
    key = made(database, stripe, 50, at_stripe=False)
    run = switch_off(database, key)
    with working(database, WORKER) as first:
        done = batch_switch_offs.switch_off_here(first, run)
    with working(database, WORKER) as second:
        again = batch_switch_offs.switch_off_here(second, run)
    database.dispose()

    assert (done, again) == (50, 0)
