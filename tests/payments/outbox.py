"""One turn of a worker over the outbox, and an operation as it is then: shared by the tests of operations."""

from datetime import datetime, timedelta

from sqlalchemy import update

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading, working
from lib.models import Operation, Payment, Refund
from lib.payments import operations, outcomes
from lib.payments.outcomes import Outcome
from lib.services import refunds
from tests.factories import make_refund
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

LATER = timedelta(hours=1)


def approved(database: Database, payment: str, cents: int = 1000) -> Operation:
    """The queued operation of a refund that finance has just approved."""
    refund = make_refund(database, transaction_id=payment, refund_amount_cents=cents)
    shown = read(database, FINANCE, refunds.one, refund).digest
    return do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair")


def work_off(database: Database, stripe: LocalStripe, now: datetime | None = None) -> None:
    """One turn of a worker over the operations."""
    moment = now or moments.now()
    for operation_id in operations.due(database, moment):
        operations.run(database, stripe.gateway, operation_id, "worker 1", now=moment)
        operations.settle(database, stripe.gateway, operation_id, now=moment)


def dies_with_the_answer(
    database: Database, stripe: LocalStripe, operation_id: str, now: datetime
) -> Outcome | None:
    """A worker lets Stripe do it, and dies before it has stored anything; None if it was not its turn."""
    with working(database, operations.WORKER, now=now) as work:
        claim = operations.claim(work, operation_id, "killed", operations.LEASE)
    if claim is None:
        return None
    return outcomes.at_stripe(
        stripe.gateway, claim.sending, ask_first=claim.ask_first, in_doubt=claim.in_doubt
    )


def operation(database: Database, key: str) -> Operation:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Operation, key)


def refund_row(database: Database, key: str) -> Refund:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Refund, key)


def intent(database: Database, payment: str) -> str:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Payment, payment).stripe_payment_intent_id


def change(database: Database, operation_id: str, **values: object) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(Operation).where(Operation.id == operation_id).values(**values))
