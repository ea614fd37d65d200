"""The way down from a figure of money: the payments whose sum it is."""

from datetime import date
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import day_bounds
from lib.metrics import money_in, money_rows
from lib.models import Payment, User
from lib.services.refunds import REASONS

DETAILS: Final = (*(kind for kind, *_ in money_in.KINDS), *REASONS, money_rows.OTHER)
"""What couples pay for, and why it goes back, by the app's codes."""


@listing(
    Permission.PAYMENTS_READ,
    columns=(
        Column("moved_at", "When", "moment"),
        Column("cents", "Amount", "money"),
        Column("what", "What", "status"),
        Column("detail", "For, or why", "code"),
        Column("person", "Paid by"),
        Column("failure_reason", "Why it failed", "code"),
        Column("amount_cents", "Of payment", "money"),
        Column("status", "Payment is", "status"),
        Column("relationship_id", "Couple", "id"),
        Column("payment_id", "Payment", "id"),
    ),
)
def payments_behind(
    *,
    what: str,
    since: date,
    until: date,
    detail: str | None = None,
    currency: str = "USD",
    zone: str = "UTC",
) -> AnySelect:
    """The payments behind one figure of money in the days from `since` to `until`, newest first.

    `what` is one of `money_rows.WHATS`; `detail` what was paid for or why it went back, all of it when None.
    Days are those of `zone`. Raises Invalid for what is neither.
    """
    if detail is not None and detail not in DETAILS:
        raise Invalid(f"Nothing is paid for, or given back because of, “{detail[:40]}”.")
    found = money_rows.rows(what, day_bounds(since, zone)[0], day_bounds(until, zone)[1])
    statement = (
        select(
            found.c.moved_at,
            found.c.cents,
            found.c.currency,
            found.c.what,
            found.c.detail,
            User.name.label("person"),
            Payment.failure_reason,
            Payment.amount_cents,
            Payment.status,
            Payment.relationship_id,
            found.c.payment_id,
        )
        .select_from(found)
        .outerjoin(Payment, Payment.id == found.c.payment_id)
        .outerjoin(User, User.id == Payment.user_id)
        .where(found.c.currency == currency)
        .order_by(found.c.moved_at.desc(), found.c.payment_id.desc())
    )
    return statement.where(found.c.detail == detail) if detail else statement
