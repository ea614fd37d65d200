"""All payments, newest first: by status, kind, day, amount, and by whose and what id it is."""

from datetime import date
from typing import Any, Final

from sqlalchemy import select

from lib.core import moments, money
from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.models import Dispute, Invoice, Payment, User, sortable
from lib.models.expressions import folded

STATUSES: Final = ("succeeded", "failed", "pending", "refunded", "canceled")
KINDS: Final = ("subscription", "credits", "add_on", "gift", "box", "coaching", "refund")

COLUMNS: Final = (
    Column("created_at", "When", "moment"),
    Column("amount_cents", "Amount", "money"),
    Column("status", "Status", "status"),
    Column("transaction_type", "For", "code"),
    Column("person", "Paid by"),
    Column("refund_amount_cents", "Refunded", "money"),
    Column("failure_reason", "Why it failed", "code"),
    Column("relationship_id", "Couple", "id"),
    Column("stripe_payment_intent_id", "Stripe payment", "id"),
    Column("id", "Payment", "id"),
)


@listing(Permission.PAYMENTS_READ, columns=COLUMNS)
def payments(
    *,
    q: str = "",
    status: str | None = None,
    kind: str | None = None,
    since: date | None = None,
    amount: str = "",
) -> AnySelect:
    """Payments, newest first.

    `q`: a whole e-mail address, or an id: the payment's, its couple's, payer's or subscription's, or Stripe's
    of the payment, charge, invoice or dispute. `since`: the first day (UTC). `amount`: as typed, `30` or
    `20-100`. Raises Invalid for what is no status, kind or amount.
    """
    statement: AnySelect = (
        select(
            Payment.id,
            Payment.created_at,
            Payment.amount_cents,
            Payment.currency,
            Payment.status,
            Payment.transaction_type,
            Payment.user_id,
            User.name.label("person"),
            Payment.refund_amount_cents,
            Payment.failure_reason,
            Payment.relationship_id,
            Payment.stripe_payment_intent_id,
        )
        .outerjoin(User, User.id == Payment.user_id)
        .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
    )
    for name, wanted, column, known in (
        ("Payments", status, Payment.status, STATUSES),
        ("Kinds of payments", kind, Payment.transaction_type, KINDS),
    ):
        if wanted:
            if wanted not in known:
                raise Invalid(f"{name} are {', '.join(known)}, not “{wanted[:40]}”.")
            statement = statement.where(column == wanted)
    if since:
        statement = statement.where(sortable(Payment.created_at) >= moments.day_bounds(since)[0])
    if amount.strip():
        statement = statement.where(Payment.amount_cents.between(*_range(amount)))
    return statement.where(_matching(q.strip())) if q.strip() else statement


def _matching(q: str) -> Any:
    """One kind of id at a time: each is read from an index of its own."""
    if "@" in q:
        return Payment.user_id.in_(select(User.id).where(folded(User.email) == q.lower()))
    columns = {
        "pi_": Payment.stripe_payment_intent_id,
        "ch_": Payment.stripe_charge_id,
        "py_": Payment.stripe_charge_id,
    }
    others: dict[str, AnySelect] = {
        "in_": select(Invoice.payment_id).where(Invoice.stripe_invoice_id == q),
        "dp_": select(Dispute.payment_id).where(Dispute.stripe_dispute_id == q),
        "du_": select(Dispute.payment_id).where(Dispute.stripe_dispute_id == q),
    }
    prefix = q[:3]
    if prefix in columns:
        return columns[prefix] == q
    if prefix in others:
        return Payment.id.in_(others[prefix])
    own = (Payment.id, Payment.user_id, Payment.relationship_id, Payment.subscription_id)
    return Payment.id.in_(select(Payment.id).where(own[0] == q).union(*(_keys(key, q) for key in own[1:])))


def _keys(column: Any, q: str) -> AnySelect:
    return select(Payment.id).where(column == q)


def _range(typed: str) -> tuple[int, int]:
    """The cents of `30` (that amount), `20-100` or `20–100` (from, to)."""
    low, between, high = typed.replace("–", "-").partition("-")
    first = money.parse(low)
    last = money.parse(high) if between else first
    if first > last:
        raise Invalid(f"“{typed.strip()[:40]}” is no range: write the smaller amount first.")
    return first, last
