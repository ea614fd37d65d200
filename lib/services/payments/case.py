"""One payment with everything that a decision needs, for the page; and what can be done with its invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.listing import Column
from lib.core.work import Digest, View, digest, query
from lib.models import Dispute, Invoice, Payment, Subscription, User, sortable
from lib.payments import operations
from lib.payments.operations import OperationView
from lib.services.payments.balances import TAKEN_BACK, Asked, PaymentLine, line_of, refunds_of
from lib.services.payments.reasons import Reason, reason_of

Wish = Literal["retry", "send", "void", "write_off", "credit_note"]

REFUND_COLUMNS: Final = (
    Column("requested_at", "Asked for", "moment"),
    Column("amount_cents", "Amount", "money"),
    Column("status", "Status", "status"),
    Column("stripe_refund_id", "Stripe refund", "id"),
    Column("id", "Refund", "id"),
)
_CAN: Final[dict[Wish, tuple[tuple[str, ...], str]]] = {
    "retry": (("open",), "Only an open invoice can be collected"),
    "send": (("open", "paid", "uncollectible"), "Only a final invoice can be sent"),
    "void": (("open", "uncollectible"), "Only an open or uncollectible invoice can be voided"),
    "write_off": (("open",), "Only an open invoice can be written off"),
    "credit_note": (("open", "paid"), "Only an open or paid invoice takes a credit note"),
}
_NO_INVOICE: Final = (
    "No invoice of this payment is known here: it was bought once, or Stripe has told of it before this "
    "dashboard listened."
)


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice as Stripe last told of it, at `told_at`. Amounts are minor units of `currency`.

    `creditable_cents`: what a credit note can take off at most, as far as is known here.
    """

    id: str
    digest: Digest
    number: str | None
    status: str
    currency: str
    amount_due_cents: int
    amount_paid_cents: int
    remaining_cents: int
    attempts: int
    next_attempt_at: datetime | None
    told_at: datetime

    @property
    def next_try(self) -> datetime | str | None:
        """When Stripe tries again by itself, or that it does not."""
        return self.next_attempt_at or ("Stripe has given up" if self.status == "open" else None)

    @property
    def creditable_cents(self) -> int:
        """Of an open invoice what it still asks for, of a paid one what was paid."""
        return self.amount_paid_cents if self.status == "paid" else self.remaining_cents

    def remaining_after(self, less_cents: int | None) -> int:
        """What it asks for after a credit note took so much off it."""
        return self.remaining_cents - (less_cents or 0)


@dataclass(frozen=True, slots=True)
class Contested:
    """A dispute of the payment; `waits` while evidence can still be handed in."""

    id: str
    amount_cents: int
    currency: str
    reason: str | None
    status: str
    evidence_due_at: datetime | None

    @property
    def took_it_back(self) -> bool:
        """Whether the bank has the money, for now or for good."""
        return self.status in TAKEN_BACK

    @property
    def waits(self) -> bool:
        """Whether the bank waits for our evidence."""
        return self.status in {"needs_response", "warning_needs_response"}


@dataclass(frozen=True, slots=True)
class PaymentCase:
    """One payment with its payer, its invoice, its refunds and disputes, and what was done about it.

    `reason`: why it failed, None when it did not or nobody knows. `failure`: what the bank or Stripe said.
    `customer_id`: the payer's at Stripe. `why_not`: by wish, why it is impossible now.
    """

    line: PaymentLine
    processed_at: datetime | None
    payment_method: str | None
    description: str | None
    failure: str | None
    reason: Reason | None
    subscription_id: str | None
    customer_id: str | None
    owed: Owed | None
    refunds: tuple[Asked, ...]
    disputes: tuple[Contested, ...]
    operations: tuple[OperationView, ...]
    why_not: dict[Wish, str | None]
    why_not_credit: str | None

    @property
    def id(self) -> str:
        """The payment's id."""
        return self.line.id


@query(Permission.PAYMENTS_READ)
def case(view: View, payment_id: str) -> PaymentCase:
    """A payment with all that belongs to it; raises NotFound. Its payer counts as opened."""
    payment = get(view.session, payment_id)
    view.note_opening("users", payment.user_id)
    with view.revealing([payment.user_id]) as revealed:
        if revealed:
            view.session.refresh(payment)
        person = view.session.scalar(select(User.name).where(User.id == payment.user_id))
    invoice = invoice_of(view.session, payment)
    refunds = refunds_of(view.session, [payment.id]).get(payment.id, [])
    steps = tuple(operations.progress(view, "payment_transactions", newest_try(payment, invoice)))
    under_way = next((step.title for step in steps if step.is_open), None)
    customer = customer_of(view.session, payment, invoice)
    contested = _disputes(view.session, payment)
    return PaymentCase(
        line=line_of(payment, person, refunds, disputed=any(each.took_it_back for each in contested)),
        processed_at=payment.processed_at,
        payment_method=payment.payment_method,
        description=payment.description,
        failure=payment.failure_reason,
        reason=reason_of(payment.failure_reason) if payment.status in {"failed", "canceled"} else None,
        subscription_id=payment.subscription_id,
        customer_id=customer,
        owed=_owed(invoice) if invoice is not None else None,
        refunds=tuple(refunds),
        disputes=contested,
        operations=steps,
        why_not={wish: why_not(wish, invoice, under_way) for wish in _CAN},
        why_not_credit=None if customer else "This person is no customer at Stripe that is known here.",
    )


@query(Permission.PAYMENTS_READ)
def progress(view: View, payment_id: str) -> Sequence[OperationView]:
    """What Stripe said so far, newest operation first: for the page that watches it."""
    payment = get(view.session, payment_id)
    key = newest_try(payment, invoice_of(view.session, payment))
    return operations.progress(view, "payment_transactions", key)


def get(session: Session, payment_id: str) -> Payment:
    """The payment; raises NotFound."""
    payment = session.get(Payment, payment_id)
    if payment is None:
        raise NotFound(f"There is no payment “{payment_id[:40]}”.")
    return payment


def invoice_of(session: Session, payment: Payment) -> Invoice | None:
    """The invoice that a payment is of, or was a try to pay."""
    named = payment.details.get("stripe_invoice_id") if isinstance(payment.details, dict) else None
    if named is not None and (found := session.get(Invoice, str(named))) is not None:
        return found
    return session.scalars(
        select(Invoice)
        .where(Invoice.payment_id == payment.id)
        .order_by(Invoice.told_at.desc(), Invoice.stripe_invoice_id)
        .limit(1)
    ).one_or_none()


def newest_try(payment: Payment, invoice: Invoice | None) -> str:
    """The payment that operations are about: of several tries of one invoice the newest, so one at a time."""
    return invoice.payment_id if invoice is not None else payment.id


def customer_of(session: Session, payment: Payment, invoice: Invoice | None) -> str | None:
    """The payer's customer at Stripe: the invoice's, the subscription's, or of the newest they have."""
    if invoice is not None and invoice.stripe_customer_id:
        return invoice.stripe_customer_id
    return session.scalar(
        select(Subscription.stripe_customer_id)
        .where(
            Subscription.user_id == payment.user_id,
            Subscription.stripe_customer_id.is_not(None),
        )
        .order_by(
            (Subscription.id == payment.subscription_id).desc(), sortable(Subscription.created_at).desc()
        )
        .limit(1)
    )


def why_not(wish: Wish, invoice: Invoice | None, under_way: str | None) -> str | None:
    """Why a wish cannot be granted now, as a sentence; None when it can."""
    if under_way:
        return f"“{under_way}” is already under way. Wait until Stripe has answered."
    if invoice is None:
        return _NO_INVOICE
    statuses, rule = _CAN[wish]
    return None if invoice.status in statuses else f"{rule}; this one is {invoice.status}."


def _owed(invoice: Invoice) -> Owed:
    return Owed(
        id=invoice.stripe_invoice_id,
        digest=digest(invoice),
        number=invoice.number,
        status=invoice.status,
        currency=invoice.currency,
        amount_due_cents=invoice.amount_due_cents,
        amount_paid_cents=invoice.amount_paid_cents,
        remaining_cents=invoice.amount_remaining_cents,
        attempts=invoice.attempt_count,
        next_attempt_at=invoice.next_attempt_at,
        told_at=invoice.told_at,
    )


def _disputes(session: Session, payment: Payment) -> tuple[Contested, ...]:
    rows = session.scalars(
        select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.opened_at.desc())
    )
    return tuple(
        Contested(
            row.stripe_dispute_id,
            row.amount_cents,
            row.currency,
            row.reason,
            row.status,
            row.evidence_due_at,
        )
        for row in rows
    )
