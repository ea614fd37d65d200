"""Payments: what a couple or a person paid, and how much of each payment can still be given back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.work import View, query
from lib.models import Payment, Refund, User, sortable

SHOWN: Final = 50
_NOT_PAID: Final = {
    "pending": "This payment is still pending: no money has come in that could be given back.",
    "failed": "This payment failed: no money has come in that could be given back.",
    "canceled": "This payment was canceled: no money has come in that could be given back.",
    "refunded": "This payment has been given back in full already.",
}


@dataclass(frozen=True, slots=True)
class Balance:
    """Where the money of one payment is, in minor units.

    `refunded_cents` has gone back, or is on its way at Stripe. `promised_cents` is asked for or approved, and
    Stripe has not been heard about it yet.
    """

    amount_cents: int
    refunded_cents: int = 0
    promised_cents: int = 0

    @property
    def left_cents(self) -> int:
        """What a new refund may ask for at most."""
        return max(0, self.amount_cents - self.refunded_cents - self.promised_cents)


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment for the desk that refunds it; `why_not` is empty when something of it can be given back."""

    id: str
    created_at: datetime | None
    transaction_type: str
    amount_cents: int
    currency: str
    status: str
    refund_amount_cents: int | None
    refunded_cents: int
    promised_cents: int
    left_cents: int
    why_not: str | None
    user_id: str
    person: str | None
    relationship_id: str | None
    stripe_payment_intent_id: str | None
    stripe_charge_id: str | None


@query(Permission.REFUNDS_READ)
def of_couple(view: View, relationship_id: str) -> list[PaymentLine]:
    """A couple's newest payments, at most 50."""
    return _lines(view, _newest().where(Payment.relationship_id == relationship_id))


@query(Permission.REFUNDS_READ)
def of_person(view: View, user_id: str) -> list[PaymentLine]:
    """A person's newest payments, at most 50."""
    return _lines(view, _newest().where(Payment.user_id == user_id))


@query(Permission.REFUNDS_READ)
def one(view: View, payment_id: str) -> PaymentLine:
    """One payment; raises NotFound."""
    found = _lines(view, _newest().where(Payment.id == payment_id))
    if not found:
        raise NotFound(f"There is no payment “{payment_id[:40]}”.")
    return found[0]


def balances(
    session: Session, payments: Iterable[Sequence[Any]], *, without: str | None = None
) -> dict[str, Balance]:
    """The balance of each payment (id, amount, refunded, status), in one statement.

    `without`: a refund that is not counted, because it is the one being decided.
    """
    given = {row[0]: row for row in payments}
    counted: list[ColumnElement[bool]] = [
        Refund.transaction_id.in_(given),
        Refund.status.in_(("pending", "approved", "processed")),
    ]
    if without is not None:
        counted.append(Refund.id != without)
    at_stripe = ((Refund.status == "processed") | Refund.stripe_refund_id.is_not(None)).label("at_stripe")
    sums = session.execute(
        select(Refund.transaction_id, at_stripe, func.sum(Refund.refund_amount_cents))
        .where(*counted)
        .group_by(Refund.transaction_id, at_stripe)
    )
    known: dict[tuple[str, bool], int] = {(key, bool(stripe)): int(cents) for key, stripe, cents in sums}
    return {
        key: Balance(
            amount,
            # Stripe's cumulative figure also holds refunds that were made in its own dashboard.
            refunded_cents=amount
            if status == "refunded" and refunded is None
            else max(refunded or 0, known.get((key, True), 0)),
            promised_cents=known.get((key, False), 0),
        )
        for key, amount, refunded, status in given.values()
    }


def balance(session: Session, payment: Payment, *, without: str | None = None) -> Balance:
    """The balance of one payment; see `balances`."""
    row = (payment.id, payment.amount_cents, payment.refund_amount_cents, payment.status)
    return balances(session, [row], without=without)[payment.id]


def why_not_refundable(
    transaction_type: str, status: str, stripe_ids: Sequence[str | None], left_cents: int
) -> str | None:
    """Why nothing of a payment can be given back, as a sentence; None when something can."""
    if transaction_type == "refund":
        return "This is itself a refund; a refund cannot be refunded."
    if status != "succeeded":
        return _NOT_PAID.get(status, f"This payment is {status}; only one that succeeded can be given back.")
    if not any(stripe_ids):
        return "This payment has no Stripe payment, so Stripe cannot give it back."
    if left_cents <= 0:
        return "Nothing of this payment is left to refund: all of it was given back, or is asked for already."
    return None


def _newest() -> Select[Payment, str]:
    return (
        select(Payment, User.name)
        .outerjoin(User, User.id == Payment.user_id)
        .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
        .limit(SHOWN)
    )


def _lines(view: View, statement: Select[Payment, str]) -> list[PaymentLine]:
    people = set(view.session.scalars(statement.with_only_columns(Payment.user_id)))
    with view.revealing(people):
        found = view.session.execute(statement).all()
    facts = [(each.id, each.amount_cents, each.refund_amount_cents, each.status) for each, _ in found]
    sums = balances(view.session, facts) if facts else {}
    return [_line(payment, person, sums[payment.id]) for payment, person in found]


def _line(payment: Payment, person: str | None, money: Balance) -> PaymentLine:
    stripe_ids = (payment.stripe_payment_intent_id, payment.stripe_charge_id)
    return PaymentLine(
        id=payment.id,
        created_at=payment.created_at,
        transaction_type=payment.transaction_type,
        amount_cents=payment.amount_cents,
        currency=payment.currency or "USD",
        status=payment.status,
        refund_amount_cents=payment.refund_amount_cents,
        refunded_cents=money.refunded_cents,
        promised_cents=money.promised_cents,
        left_cents=money.left_cents if payment.status == "succeeded" else 0,
        why_not=why_not_refundable(payment.transaction_type, payment.status, stripe_ids, money.left_cents),
        user_id=payment.user_id,
        person=person,
        relationship_id=payment.relationship_id,
        stripe_payment_intent_id=payment.stripe_payment_intent_id,
        stripe_charge_id=payment.stripe_charge_id,
    )
