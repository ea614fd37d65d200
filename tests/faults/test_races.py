"""Several people, several workers, several processes at one moment: one wins, the others are told."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from lib.core import audit, moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import reading
from lib.jobs.worker import Worker
from lib.models import AuditEntry, Operation, RefundAttempt
from lib.payments import operations
from lib.services import refunds
from lib.services.payments import credit
from tests.factories import make_invoice, make_payment, make_refund, make_staff
from tests.faults import processes
from tests.local_stripe import LocalStripe
from tests.sized import times
from tests.staff import FINANCE, OTHER_FINANCE, do, read

pytestmark = pytest.mark.sized

TRIES = times(6, 100)
PROCESSES = 4


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Do all of these at the same moment; gives what each returned, or the refusal that it met."""
    ready = threading.Barrier(len(actions))

    def start(action: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return action()
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(start, actions))


def refused(results: list[Any]) -> list[Refused]:
    return [each for each in results if isinstance(each, Refused)]


def work_off(database: Database, stripe: LocalStripe) -> None:
    """Let two workers work until nothing is due."""
    url = database.primary.url.render_as_string(hide_password=False)
    workers = [Worker(database, stripe.gateway, processes.settings(url)) for _ in range(2)]
    while operations.due(database, moments.now()):
        at_once(*(worker.tick for worker in workers))


def test_approving_and_denying_at_one_moment_has_one_winner_and_pays_at_most_once(
    database: Database, stripe: LocalStripe
) -> None:
    winners = []
    for _ in range(TRIES):
        refund = make_refund(database, transaction_id=stripe.payment(database), refund_amount_cents=100)
        shown = read(database, FINANCE, refunds.one, refund).digest
        results = at_once(
            lambda refund=refund, shown=shown: do(
                database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair"
            ),
            lambda refund=refund, shown=shown: do(
                database, OTHER_FINANCE, refunds.deny, refund, shown=shown, reason="Unfair"
            ),
        )
        [told] = refused(results)
        assert "while you were looking at it" in str(told)
        winners.append("denied" if results[0] is told else "processed")
        work_off(database, stripe)
        case = read(database, FINANCE, refunds.one, refund)
        paid = stripe.refunds(case.payment.stripe_payment_intent_id)
        assert (case.status, len(paid)) == (winners[-1], int(winners[-1] == "processed"))

    with reading(database, FINANCE) as view:
        attempts = view.session.execute(
            select(RefundAttempt.allowed, func.count()).group_by(RefundAttempt.allowed)
        ).all()
        assert audit.verify(view.session).broken_at is None

    assert {bool(allowed): count for allowed, count in attempts} == {
        allowed: count
        for allowed, count in ((True, winners.count("processed")), (False, winners.count("denied")))
        if count
    }


def test_two_approvals_of_one_refund_queue_one_payment(database: Database, stripe: LocalStripe) -> None:
    for _ in range(times(5, 50)):
        refund = make_refund(database, transaction_id=stripe.payment(database), refund_amount_cents=100)
        shown = read(database, FINANCE, refunds.one, refund).digest
        results = at_once(
            *(
                lambda who=who, refund=refund, shown=shown: do(
                    database, who, refunds.approve, refund, shown=shown, reason="Fair"
                )
                for who in (FINANCE, OTHER_FINANCE)
            )
        )
        assert len(refused(results)) == 1

    with reading(database, FINANCE) as view:
        assert view.session.scalar(select(func.count()).select_from(Operation)) == times(5, 50)


def test_two_refunds_at_one_moment_never_promise_more_than_the_payment(database: Database) -> None:
    for _ in range(times(5, 50)):
        payment = make_payment(database, amount_cents=3000)
        results = at_once(
            *(
                lambda payment=payment, note=note: do(
                    database,
                    FINANCE,
                    refunds.request,
                    payment,
                    amount_cents=2000,
                    reason="duplicate",
                    note=note,
                )
                for note in ("the box", "the month")
            )
        )

        [told] = refused(results)
        assert "left to refund" in str(told)


def test_one_persons_approvals_at_one_moment_stay_within_the_limit(database: Database) -> None:
    make_staff(database, "finance", id=FINANCE.id)
    asked = [
        make_refund(
            database,
            transaction_id=make_payment(database, amount_cents=30_000),
            refund_amount_cents=30_000,
        )
        for _ in range(2)
    ]
    digests = [read(database, FINANCE, refunds.one, each).digest for each in asked]

    results = at_once(
        *(
            lambda each=each, shown=shown: do(
                database, FINANCE, refunds.approve, each, shown=shown, reason="Fair"
            )
            for each, shown in zip(asked, digests, strict=True)
        )
    )

    [told] = refused(results)
    assert "beyond your limit" in str(told)


def test_credit_and_a_refund_of_one_person_at_one_moment_stay_within_one_limit(database: Database) -> None:
    make_staff(database, "finance", id=FINANCE.id)
    payment = make_payment(database, amount_cents=30_000)
    refund = make_refund(database, transaction_id=payment, refund_amount_cents=30_000)
    shown = read(database, FINANCE, refunds.one, refund).digest
    invoice = make_invoice(database)
    given = {"direction": "add", "amount_cents": 30_000, "credit_cents": 0, "reason": "Fair"}

    results = at_once(
        lambda: do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair"),
        lambda: do(database, FINANCE, credit.change_balance, invoice, **given),
    )

    [told] = refused(results)
    assert "beyond your limit" in str(told)


def test_four_processes_of_one_person_never_approve_more_than_the_limit(
    database: Database, database_url: str
) -> None:
    make_staff(database, "finance", id=FINANCE.id)
    # Of a payment each: who approves holds the payment too, and would wait for the others there.
    parts = [
        [
            make_refund(
                database,
                transaction_id=make_payment(database, amount_cents=15_000),
                refund_amount_cents=15_000,
            )
            for _ in range(times(3, 12))
        ]
        for _ in range(PROCESSES)
    ]
    approvers = processes.start_at_once(
        processes.approver, *((database_url, FINANCE.id, *each) for each in parts)
    )
    ended = [each.ended(timeout=240) for each in approvers]

    tried = select(RefundAttempt.allowed, RefundAttempt.amount_cents, RefundAttempt.used_cents)
    with reading(database, FINANCE) as view:
        attempts = view.session.execute(tried).all()
        queued = view.session.scalar(select(func.count()).select_from(Operation))
    allowed = sorted((each.used_cents, each.amount_cents) for each in attempts if each.allowed)
    assert ended == [(0, "")] * PROCESSES
    assert len(attempts) == PROCESSES * times(3, 12)
    # Each one that was allowed saw all that were allowed before it: $500.00 hold three of these.
    assert [used for used, _ in allowed] == [sum(cents for _, cents in allowed[:n]) for n in range(3)]
    assert queued == 3


def test_two_workers_never_do_the_same_thing(database: Database, stripe: LocalStripe) -> None:
    queued = []
    for _ in range(times(6, 40)):
        refund = make_refund(database, transaction_id=stripe.payment(database), refund_amount_cents=100)
        shown = read(database, FINANCE, refunds.one, refund).digest
        queued.append(do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair").id)

    work_off(database, stripe)

    assert [len(stripe.writes(each)) for each in queued] == [1] * len(queued)
    with reading(database, FINANCE) as view:
        assert set(view.session.scalars(select(Operation.state))) == {"done"}


def test_the_audit_chain_stays_whole_with_four_processes_writing_at_once(
    database: Database, database_url: str
) -> None:
    each = times(25, 500)
    writers = processes.start_at_once(processes.writer, *[(database_url, each)] * PROCESSES)
    ended = [writer.ended(timeout=240) for writer in writers]

    assert ended == [(0, "")] * PROCESSES
    with reading(database, FINANCE) as view:
        verdict = audit.verify(view.session)
        entries = select(func.count()).select_from(AuditEntry)
        done = view.session.scalar(entries.where(AuditEntry.outcome == "done"))
    assert (verdict.broken_at, verdict.entries, done) == (None, PROCESSES * each, PROCESSES * each)
