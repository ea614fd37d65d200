"""Batches of codes: made in chunks, once, whoever is killed and whatever Stripe answers."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Invalid, Refused, StripeFailed
from lib.core.work import reading, working
from lib.jobs import code_batches
from lib.models import DiscountCode, MadeCode
from lib.payments import operations
from lib.services import discounts
from lib.services.discounts import Batch
from tests.factories import make_plan
from tests.jobs.batches import asked_for, with_coupon
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

WORKER = system("worker")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def one(database: Database, key: str) -> Batch:
    found: Batch = read(database, FINANCE, discounts.batch, key)
    return found


def work_off(
    database: Database, stripe: LocalStripe, now: datetime | None = None, naps: list[float] | None = None
) -> int:
    nap = (lambda _: None) if naps is None else naps.append
    return code_batches.work_off(database, stripe.gateway, "worker", now or moments.now(), sleep=nap)


def codes(database: Database, key: str) -> list[Any]:
    with reading(database, FINANCE) as view:
        return list(discounts.of_batch.stream(view, batch_id=key))


def test_the_rows_of_a_batch_are_made_in_chunks_each_of_another_text(
    database: Database, stripe: LocalStripe
) -> None:
    key = with_coupon(database, stripe, 2_500)
    chunks = [work_off(database, stripe) for _ in range(4)]
    made = codes(database, key)
    batch = one(database, key)

    assert chunks == [1000, 1000, 500, 0]
    assert (batch.state, batch.made, batch.sent, batch.done, batch.total_steps) == (
        "done",
        2500,
        0,
        2500,
        2500,
    )
    assert len({row.code for row in made}) == 2500
    assert all(row.code.startswith("FAIR-") and len(row.code) == 13 for row in made)
    assert {row.max_uses for row in made} == {1}


def test_nothing_is_made_before_the_coupon_is_at_stripe(database: Database, stripe: LocalStripe) -> None:
    key = asked_for(database, 10)
    before = work_off(database, stripe)
    for waiting in operations.due(database, moments.now()):
        operations.run(database, stripe.gateway, waiting, "worker")
        operations.settle(database, stripe.gateway, waiting)
    after = work_off(database, stripe)
    coupon = stripe.gateway.discounts.coupon(f"bt-{key}")

    assert (before, after) == (0, 10)
    assert {row.stripe_coupon_id for row in rows(database)} == {coupon.id}


def rows(database: Database) -> list[DiscountCode]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(DiscountCode)))


def test_a_batch_whose_coupon_stripe_refuses_has_failed(database: Database, stripe: LocalStripe) -> None:
    plan = make_plan(database, stripe_product_id="prod_that_is_gone")
    key = asked_for(database, 10, plan_ids=[plan])
    for waiting in operations.due(database, moments.now()):
        operations.run(database, stripe.gateway, waiting, "worker")
        operations.settle(database, stripe.gateway, waiting)
    work_off(database, stripe)

    assert one(database, key).state == "failed"
    assert "prod_that_is_gone" in str(one(database, key).error)


def test_longer_trials_need_no_stripe(database: Database, stripe: LocalStripe) -> None:
    key = asked_for(
        database,
        3,
        kind="trial_extension",
        value=14,
        duration="once",
        duration_in_months=None,
        at_stripe=True,
    )
    done = code_batches.work_off(database, None, "worker", moments.now())

    assert (done, one(database, key).state, one(database, key).stripe_coupon_id) == (3, "done", None)


def test_each_code_gets_a_promotion_code_when_asked_for(database: Database, stripe: LocalStripe) -> None:
    key = with_coupon(database, stripe, 130, at_stripe=True)
    naps: list[float] = []
    done = [work_off(database, stripe, naps=naps) for _ in range(5)]
    there = {each.id: each.code for each in stripe.gateway.discounts.codes(coupon_id=f"bt-{key}")}

    assert done == [130, 100, 30, 0, 0]
    assert (one(database, key).state, one(database, key).sent) == ("done", 130)
    assert {row.promotion_code_id: row.code for row in codes(database, key)} == there
    assert len(naps) == 130
    assert max(naps) <= 1 / discounts.PER_SECOND


def test_a_worker_that_was_killed_while_sending_makes_no_code_twice(
    database: Database, stripe: LocalStripe
) -> None:
    key = with_coupon(database, stripe, 5, at_stripe=True)
    work_off(database, stripe)
    now = moments.now()
    with working(database, WORKER, now=now) as work:
        claimed = code_batches.claim(work, key, "killed")
    assert claimed is not None
    for discount_id, text in list(claimed.codes.items())[:3]:
        # Sent, and never recorded.
        stripe.gateway.discounts.create_code(
            coupon_id=claimed.coupon_id,
            code=text,
            max_redemptions=1,
            metadata={"discount_id": discount_id},
            key=f"of the worker that was killed {text}",
        )
    held = work_off(database, stripe, now)
    taken_over = work_off(database, stripe, now + code_batches.LEASE)
    there = list(stripe.gateway.discounts.codes(coupon_id=claimed.coupon_id))

    assert (held, taken_over) == (0, 5)
    assert {row.promotion_code_id for row in codes(database, key)} == {each.id for each in there}
    assert len(there) == 5


def test_what_was_sent_before_stripe_fell_silent_is_kept(database: Database, stripe: LocalStripe) -> None:
    key = with_coupon(database, stripe, 4, at_stripe=True)
    work_off(database, stripe)
    naps: list[float] = []

    def fail_after_two(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            stripe.goes_wrong("drop_after", path="/v1/promotion_codes")

    with pytest.raises(StripeFailed):
        code_batches.work_off(database, stripe.gateway, "worker", moments.now(), sleep=fail_after_two)
    kept = one(database, key).sent
    work_off(database, stripe)
    work_off(database, stripe)

    assert (kept, one(database, key).sent, one(database, key).state) == (2, 4, "done")
    assert len(list(stripe.gateway.discounts.codes(coupon_id=f"bt-{key}"))) == 4


def test_a_text_that_somebody_else_has_at_stripe_is_said_of_its_row_alone(
    database: Database, stripe: LocalStripe
) -> None:
    key = with_coupon(database, stripe, 2, at_stripe=True)
    work_off(database, stripe)
    text = codes(database, key)[0].code
    other = secrets.token_hex(6)
    gateway = stripe.gateway
    gateway.discounts.create_coupon(other, name="x", percent_off=5, duration="once", metadata={}, key=other)
    gateway.discounts.create_code(coupon_id=other, code=text, metadata={}, key=f"c{other}")
    work_off(database, stripe)
    work_off(database, stripe)
    first, second = codes(database, key)

    assert "already exists" in first.refusal
    assert second.promotion_code_id is not None
    assert one(database, key).state == "done"


def test_a_batch_is_stopped_and_goes_on_where_it_was(database: Database, stripe: LocalStripe) -> None:
    key = with_coupon(database, stripe, 1_500)
    work_off(database, stripe)
    do(database, FINANCE, discounts.stop_batch, key, reason="Wrong prefix?")
    stopped = work_off(database, stripe)
    do(database, FINANCE, discounts.resume_batch, key, reason="It was right")
    resumed = work_off(database, stripe)

    assert (stopped, resumed, one(database, key).state) == (0, 500, "done")
    with pytest.raises(Refused, match="not under way"):
        do(database, FINANCE, discounts.stop_batch, key, reason="Again")
    with pytest.raises(Refused, match="was not stopped"):
        do(database, FINANCE, discounts.resume_batch, key, reason="Again")


def test_two_workers_at_once_make_each_row_once(database_url: str, stripe: LocalStripe) -> None:
    database = Database(database_url)
    key = with_coupon(database, stripe, 50)
    with working(database, WORKER) as first:
        made = code_batches.make(first, key)
    with working(database, WORKER) as second:
        again = code_batches.make(second, key)
    with reading(database, FINANCE) as view:
        numbers = view.session.execute(
            select(func.count(), func.max(MadeCode.number)).where(MadeCode.terms_id == key)
        ).one()
    database.dispose()

    assert (made, again, tuple(numbers)) == (50, 0, (50, 50))


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"wanted": 0}, "from 1 to 100,000"),
        ({"wanted": 100_001}, "from 1 to 100,000"),
        ({"prefix": "A"}, "2 to 12"),
        ({"prefix": "A-B"}, "2 to 12"),
        ({"title": " "}, "a name"),
        ({"value": 101}, "1 to 100"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(database: Database, over: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        asked_for(database, **{"wanted": 5} | over)


def test_the_time_at_stripe_follows_from_the_rate() -> None:
    assert discounts.time_at_stripe(100_000) == timedelta(seconds=5_000)
    assert discounts.time_at_stripe(1) == timedelta(seconds=1)


def test_batch_codes_do_not_bury_the_list_of_codes(database: Database, stripe: LocalStripe) -> None:
    with_coupon(database, stripe, 5)
    work_off(database, stripe)
    with reading(database, FINANCE) as view:
        listed = discounts.codes.page(view).rows
        found = discounts.codes.page(view, q="fair").rows

    assert (len(listed), len(found)) == (0, 5)
