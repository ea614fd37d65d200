"""What a couple or a person paid, and how much of each payment can still be given back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.work import View, query
from lib.models import Dispute, Payment, Refund, User, sortable

SHOWN: Final = 50
TAKEN_BACK: Final = ("needs_response", "under_review", "lost")
_COUNTED: Final = frozenset({"pending", "approved", "processed"})
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
class Asked:
    """A refund of a payment, whatever became of it."""

    id: str
    amount_cents: int
    currency: str
    status: str
    requested_at: datetime | None
    stripe_refund_id: str | None

    @property
    def is_at_stripe(self) -> bool:
        """Whether Stripe has heard of it, so that its own figure may hold it already."""
        return self.status == "processed" or self.stripe_refund_id is not None


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment for the desk that refunds it; `why_not` is empty when something of it can be given back."""

    id: str
    created_at: datetime | None
    transaction_type: str
    amount_cents: int
    currency: str
    status: str
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


def balance_of(payment: Payment, refunds: Iterable[Asked], *, without: str | None = None) -> Balance:
    """The balance of a payment with these refunds; `without`: the one being decided, which is not counted."""
    counted = [each for each in refunds if each.id != without and each.status in _COUNTED]
    at_stripe = sum(each.amount_cents for each in counted if each.is_at_stripe)
    gone = payment.refund_amount_cents
    if payment.status == "refunded" and gone is None:
        gone = payment.amount_cents
    return Balance(
        payment.amount_cents,
        # Stripe's cumulative figure also holds refunds that were made in its own dashboard.
        refunded_cents=max(gone or 0, at_stripe),
        promised_cents=sum(each.amount_cents for each in counted if not each.is_at_stripe),
    )


def refunds_of(session: Session, payment_ids: Iterable[str]) -> dict[str, list[Asked]]:
    """The refunds of each payment, oldest first, in one statement."""
    rows = session.execute(
        select(
            Refund.transaction_id,
            Refund.id,
            Refund.refund_amount_cents,
            Refund.status,
            Refund.requested_at,
            Refund.stripe_refund_id,
            Payment.currency,
        )
        .join(Payment, Payment.id == Refund.transaction_id)
        .where(Refund.transaction_id.in_(payment_ids))
        .order_by(sortable(Refund.requested_at), Refund.id)
    )
    found: dict[str, list[Asked]] = {}
    for payment_id, key, cents, status, at, stripe_id, currency in rows:
        asked = Asked(key, cents, currency or "USD", status, at, stripe_id)
        found.setdefault(payment_id, []).append(asked)
    return found


def why_not_refundable(payment: Payment, left_cents: int, *, disputed: bool) -> str | None:
    """Why nothing of a payment can be given back, as a sentence; None when something can."""
    if payment.transaction_type == "refund":
        return "This is itself a refund; a refund cannot be refunded."
    if payment.status != "succeeded":
        return _NOT_PAID.get(
            payment.status, f"This payment is {payment.status}; only one that succeeded can be given back."
        )
    if payment.stripe_payment_intent_id is None and payment.stripe_charge_id is None:
        return "This payment has no Stripe payment, so Stripe cannot give it back."
    if disputed:
        return "The bank has taken this payment back in a dispute, so Stripe refunds nothing of it."
    if left_cents <= 0:
        return "Nothing of this payment is left to refund: all of it was given back, or is asked for already."
    return None


def is_disputed(session: Session, payment_id: str) -> bool:
    """Whether a bank has taken a payment back, for now or for good; an inquiry has taken nothing yet."""
    return bool(session.scalar(select(disputed_payment(payment_id))))


def disputed_payment(payment_id: Any) -> ColumnElement[bool]:
    """The same as a condition, for a column with the payment's id."""
    return exists().where(Dispute.payment_id == payment_id, Dispute.status.in_(TAKEN_BACK))


def _newest() -> Select[Payment, str, bool]:
    return (
        select(Payment, User.name, disputed_payment(Payment.id))
        .outerjoin(User, User.id == Payment.user_id)
        .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
        .limit(SHOWN)
    )


def _lines(view: View, statement: Select[Payment, str, bool]) -> list[PaymentLine]:
    found = view.session.execute(statement).all()
    with view.revealing({payment.user_id for payment, *_ in found}) as revealed:
        if revealed:
            found = view.session.execute(statement).all()
    refunds = refunds_of(view.session, [payment.id for payment, *_ in found]) if found else {}
    return [
        line_of(payment, person, refunds.get(payment.id, []), disputed=disputed)
        for payment, person, disputed in found
    ]


def line_of(payment: Payment, person: str | None, refunds: Sequence[Asked], *, disputed: bool) -> PaymentLine:
    """A payment with the name of who paid (as the reader may see it) and its refunds."""
    money = balance_of(payment, refunds)
    return PaymentLine(
        id=payment.id,
        created_at=payment.created_at,
        transaction_type=payment.transaction_type,
        amount_cents=payment.amount_cents,
        currency=payment.currency or "USD",
        status=payment.status,
        refunded_cents=money.refunded_cents,
        promised_cents=money.promised_cents,
        left_cents=money.left_cents if payment.status == "succeeded" else 0,
        why_not=why_not_refundable(payment, money.left_cents, disputed=disputed),
        user_id=payment.user_id,
        person=person,
        relationship_id=payment.relationship_id,
        stripe_payment_intent_id=payment.stripe_payment_intent_id,
        stripe_charge_id=payment.stripe_charge_id,
    )
