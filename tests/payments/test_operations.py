"""The outbox against a local Stripe: done once, whatever goes wrong on the way."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import Work, job, reading, working
from lib.models import Operation, Payment, Refund
from lib.payments import operations, rows
from lib.payments.gateway import Gateway
from lib.services import refunds
from tests import local_stripe
from tests.factories import make_payment
from tests.local_stripe import LocalStripe
from tests.payments.outbox import LATER, approved, change, intent, operation, refund_row, work_off
from tests.staff import FINANCE, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_an_approved_refund_is_paid_once_and_our_rows_follow(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)

    work_off(database, stripe)
    work_off(database, stripe)

    [paid] = stripe.refunds(intent(database, payment))
    row = refund_row(database, queued.object_id)
    assert (row.status, row.stripe_refund_id, paid.amount) == ("processed", paid.id, 1000)
    assert paid.metadata == {"refund_id": row.id, "operation_id": queued.id}
    done = operation(database, queued.id)
    assert (done.state, done.open_key, done.lease_owner, done.attempts) == ("done", None, None, 1)
    assert [call["idempotency_key"] for call in stripe.writes(queued.id)] == [f"refund:{queued.id}"]


def test_two_equal_partial_refunds_of_one_payment_are_both_paid(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    for _ in range(2):
        approved(database, payment, 1000)

    work_off(database, stripe)

    assert [each.amount for each in stripe.refunds(intent(database, payment))] == [1000, 1000]
    with reading(database, FINANCE) as view:
        assert view.session.get_one(Payment, payment).refund_amount_cents == 2000


@pytest.mark.parametrize("fault", ["drop_after", "500", "drop_before", "invalid_json"])
def test_after_an_unknown_outcome_stripe_is_asked_before_anything_is_sent_again(
    database: Database, stripe: LocalStripe, fault: str
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    stripe.goes_wrong(fault)

    work_off(database, stripe)
    between = operation(database, queued.id)
    work_off(database, stripe, moments.now() + LATER)

    assert between.state == "unknown"
    assert between.error_message.endswith("look at Stripe before sending it again.")
    assert operation(database, queued.id).state == "done"
    assert len(stripe.refunds(intent(database, payment))) == 1
    happened = fault in {"drop_after", "invalid_json"}
    assert len(stripe.writes(queued.id)) == (1 if happened else 2)
    assert refund_row(database, queued.object_id).status == "processed"


def test_an_unknown_outcome_stays_unknown_while_stripe_cannot_be_asked(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    stripe.goes_wrong("drop_after")
    work_off(database, stripe)
    stripe.goes_wrong("drop_before", method="GET", times=20)

    moment = moments.now()
    for _ in range(operations.TRIES + 2):
        moment += LATER
        work_off(database, stripe, moment)

    still = operation(database, queued.id)
    assert (still.state, still.attempts) == ("unknown", operations.TRIES + 3)
    assert still.next_attempt_at - moment == timedelta(minutes=15)
    [step] = read(database, FINANCE, refunds.progress, queued.object_id)
    assert step.status.startswith("No answer came from Stripe.")
    assert len(stripe.writes(queued.id)) == 1


def test_a_429_is_tried_again_with_the_same_key_and_longer_pauses(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    stripe.goes_wrong("429", times=8)
    start = moments.now()

    work_off(database, stripe, start)
    first = operation(database, queued.id)
    work_off(database, stripe, start + timedelta(seconds=1))
    work_off(database, stripe, start + timedelta(seconds=2))
    second = operation(database, queued.id)
    work_off(database, stripe, start + LATER)

    assert (first.state, first.next_attempt_at - start) == ("prepared", timedelta(seconds=2))
    assert (second.attempts, second.next_attempt_at - start) == (2, timedelta(seconds=6))
    assert operation(database, queued.id).state == "done"
    assert {call["idempotency_key"] for call in stripe.writes(queued.id)} == {f"refund:{queued.id}"}


def test_after_enough_tries_it_has_failed_and_can_be_tried_again(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    stripe.goes_wrong("429", times=1000)
    moment = moments.now()
    for _ in range(operations.TRIES):
        work_off(database, stripe, moment)
        moment += LATER
    failed = operation(database, queued.id)
    stripe.goes_right()

    shown = read(database, FINANCE, refunds.one, queued.object_id)
    again = do(
        database, FINANCE, refunds.try_again, queued.object_id, shown=shown.digest, reason="Stripe is back"
    )
    work_off(database, stripe)

    assert (failed.state, failed.open_key) == ("failed", None)
    assert "slow down" in failed.error_message
    assert (shown.status, shown.can_try_again) == ("approved", True)
    assert operation(database, again.id).state == "done"
    assert len(stripe.refunds(intent(database, payment))) == 1


def test_what_stripe_refuses_has_failed_at_once_with_stripes_sentence(
    database: Database, stripe: LocalStripe
) -> None:
    queued = approved(database, make_payment(database, stripe_payment_intent_id="pi_of_another_account"))

    work_off(database, stripe)

    failed = operation(database, queued.id)
    assert (failed.state, failed.error_code) == ("failed", "resource_missing")
    assert "another Stripe account" in failed.error_message
    assert refund_row(database, queued.object_id).status == "approved"


def test_trying_again_never_pays_twice_when_stripe_had_paid_after_all(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    operations.run(database, stripe.gateway, queued.id, "worker 1")
    change(database, queued.id, state="failed", open_key=None, answer=None)

    shown = read(database, FINANCE, refunds.one, queued.object_id).digest
    again = do(
        database, FINANCE, refunds.try_again, queued.object_id, shown=shown, reason="It failed, I think"
    )
    work_off(database, stripe)

    assert operation(database, again.id).state == "done"
    assert len(stripe.refunds(intent(database, payment))) == 1
    assert stripe.writes(again.id) == []


def test_a_refund_that_the_bank_sent_back_is_paid_anew(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    work_off(database, stripe)
    [first] = stripe.refunds(intent(database, payment))
    stripe.sends_back(first.id)
    with working(database, operations.WORKER) as work:
        learn(work, stripe, first.id)

    case = read(database, FINANCE, refunds.one, queued.object_id)
    do(database, FINANCE, refunds.try_again, case.id, shown=case.digest, reason="New card")
    work_off(database, stripe)

    assert (case.status, case.can_try_again) == ("approved", True)
    made = stripe.refunds(intent(database, payment))
    assert sorted(each.status or "" for each in made) == ["failed", "succeeded"]
    row = refund_row(database, case.id)
    assert row.status == "processed"
    assert row.stripe_refund_id == next(each.id for each in made if each.status == "succeeded")


@job
def learn(work: Work, stripe: LocalStripe, refund_id: str) -> None:
    facts = stripe.gateway.refunds.retrieve(refund_id)
    rows.follow_refund(work, facts, source="event", source_id="evt_test")


def test_an_operation_belongs_to_one_worker_until_its_lease_ends(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    now = moments.now()
    until = now + timedelta(minutes=2)
    change(database, queued.id, state="sending", lease_owner="dead", lease_until=until, next_attempt_at=until)

    assert operations.due(database, now) == []
    operations.run(database, stripe.gateway, queued.id, "worker 2", now=now)
    assert operation(database, queued.id).lease_owner == "dead"
    work_off(database, stripe, until)

    assert operation(database, queued.id).state == "done"
    assert len(stripe.refunds(intent(database, payment))) == 1


def test_an_answer_that_comes_after_the_lease_was_lost_changes_nothing(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)

    slow = Gateway(local_stripe.KEY, api_base=stripe.url)

    def create_while_another_takes_over(**facts):
        answer = stripe.gateway.refunds.create(**facts)
        operations.run(database, stripe.gateway, queued.id, "worker 2", now=moments.now() + LATER)
        operations.settle(database, stripe.gateway, queued.id)
        return answer

    slow.refunds.create = create_while_another_takes_over
    operations.run(database, slow, queued.id, "worker 1")

    assert operation(database, queued.id).state == "done"
    assert len(stripe.refunds(intent(database, payment))) == 1


def test_settling_twice_changes_nothing(database: Database, stripe: LocalStripe) -> None:
    queued = approved(database, stripe.payment(database))
    work_off(database, stripe)
    before = operation(database, queued.id)

    operations.settle(database, stripe.gateway, queued.id, now=moments.now() + LATER)

    assert operation(database, queued.id).settled_at == before.settled_at


def test_an_operation_whose_rows_are_gone_is_done_and_says_so(
    database: Database, stripe: LocalStripe
) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment)
    operations.run(database, stripe.gateway, queued.id, "worker 1")
    with database.primary.begin() as connection:
        connection.execute(delete(Refund))
        connection.execute(delete(Payment))

    operations.settle(database, stripe.gateway, queued.id)

    settled = operation(database, queued.id)
    assert settled.state == "done"
    assert "not here any more" in settled.error_message


def test_one_that_cannot_be_settled_makes_room_for_others(database: Database, stripe: LocalStripe) -> None:
    queued = approved(database, stripe.payment(database))
    now = moments.now()
    operations.run(database, stripe.gateway, queued.id, "worker 1", now=now)
    assert operations.due(database, now) == [queued.id]

    operations.postpone(database, queued.id, now=now)

    assert operations.due(database, now) == []
    assert operations.due(database, now + timedelta(minutes=1)) == [queued.id]


def test_what_was_changed_behind_our_back_is_not_sent(database: Database, stripe: LocalStripe) -> None:
    payment = stripe.payment(database)
    queued = approved(database, payment, 1000)
    change(database, queued.id, params=queued.params.replace("1000", "3000"))

    work_off(database, stripe)

    failed = operation(database, queued.id)
    assert (failed.state, failed.open_key) == ("failed", None)
    assert "changed it in the database" in failed.error_message
    assert stripe.refunds(intent(database, payment)) == []


def test_a_second_open_operation_on_one_object_is_refused(database: Database, stripe: LocalStripe) -> None:
    queued = approved(database, stripe.payment(database))

    with (
        pytest.raises(Refused, match="“Refund at Stripe” is already under way"),
        working(database, operations.WORKER) as work,
    ):
        prepare_another(work, queued)


@job
def prepare_another(work: Work, queued: Operation) -> None:
    operations.prepare(
        work,
        "refund",
        object_type=queued.object_type,
        object_id=queued.object_id,
        relationship_id=None,
        params={},
        reason="Twice",
    )
