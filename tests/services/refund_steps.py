"""The steps of a refund as people take them, and what is kept of them."""

from sqlalchemy import select

from lib.core.database import Database
from lib.core.work import reading
from lib.models import Operation, Refund, RefundAttempt
from lib.services import refunds
from tests.staff import FINANCE, SUPPORT, do, read


def ask(database: Database, payment: str, cents: int = 1000, actor=SUPPORT, **over: str) -> str:
    given = {"reason": "requested_by_customer"} | over
    return do(database, actor, refunds.request, payment, amount_cents=cents, **given)


def approve(database: Database, refund: str, actor=FINANCE) -> Operation:
    shown = read(database, actor, refunds.one, refund).digest
    return do(database, actor, refunds.approve, refund, shown=shown, reason="Fair")


def deny(database: Database, refund: str, actor=FINANCE) -> None:
    shown = read(database, actor, refunds.one, refund).digest
    do(database, actor, refunds.deny, refund, shown=shown, reason="Used it for a year")


def row(database: Database, refund: str) -> Refund:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Refund, refund)


def attempts(database: Database) -> list[RefundAttempt]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(RefundAttempt).order_by(RefundAttempt.id)))
