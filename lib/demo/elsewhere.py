"""What somebody did in Stripe's own dashboard, and no event told us: the drift that a demo begins with.

Only Stripe's side is written, after the company is there. What the old prices and the vanished subscriptions
of `dirt` leave behind comes on top.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.demo.ids import stripe_id
from lib.models import Payment, Refund, Subscription, User, sortable
from lib.payments.sandbox.store import Store

_REFUNDED_CENTS: Final = 1500


def write(database: Database, path: Path) -> int:
    """Add to the local Stripe's file what our rows know nothing of; gives how many objects."""
    store = Store(path)
    try:
        return store.load([*_refund(database), *_second_customer(database), *_code()])
    finally:
        store.close()


def _refund(database: Database) -> Iterator[tuple[str, dict[str, Any]]]:
    """A part of a payment that was given back by hand."""
    statement = (
        select(Payment.stripe_payment_intent_id, Payment.stripe_charge_id)
        .where(
            Payment.status == "succeeded",
            Payment.transaction_type == "subscription",
            Payment.amount_cents > _REFUNDED_CENTS,
            Payment.stripe_charge_id.is_not(None),
            Payment.refund_amount_cents.is_(None),
            Payment.id.not_in(select(Refund.transaction_id)),
        )
        .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
        .offset(5)  # the newest ones are what support asks to have refunded
        .limit(1)
    )
    with database.primary.connect() as connection:
        for intent, charge in connection.execute(statement):
            yield (
                "refund",
                {
                    "id": stripe_id("re", f"by hand:{charge}"),
                    "created": _ago(hours=5),
                    "amount": _REFUNDED_CENTS,
                    "charge": charge,
                    "payment_intent": intent,
                    "status": "succeeded",
                    "reason": "requested_by_customer",
                },
            )


def _second_customer(database: Database) -> Iterator[tuple[str, dict[str, Any]]]:
    """Somebody who pays already was made a customer once more."""
    statement = (
        select(User.id)
        .join(Subscription, Subscription.user_id == User.id)
        .where(Subscription.status == "active", Subscription.stripe_customer_id.is_not(None))
        .order_by(Subscription.id)
        .limit(1)
    )
    with database.primary.connect() as connection:
        for user_id in connection.scalars(statement):
            made = {"id": stripe_id("cus", f"again:{user_id}"), "created": _ago(days=2)}
            yield "customer", made | {"metadata": {"user_id": user_id}}


def _code() -> Iterator[tuple[str, dict[str, Any]]]:
    """A code that works at Stripe and that the app has never heard of."""
    made = {"created": _ago(days=3)}
    yield "coupon", {"id": "by-hand-50", **made, "duration": "once", "percent_off": 50.0, "name": "Friends"}
    yield "promotion_code", {"id": "promo_by_hand", **made, "coupon": "by-hand-50", "code": "FRIENDS50"}


def _ago(**time: int) -> int:
    return int((moments.now() - timedelta(**time)).timestamp())
