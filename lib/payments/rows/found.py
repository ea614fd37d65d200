"""Which row of ours an object of Stripe's is about, and what an action changed in such rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import Payment, Subscription, sortable

Changes = Mapping[str, Mapping[str, list[Any]]]
"""What changed: `{"table/id": {"column": [before, after]}}`."""

FOLLOWING: Final = (
    "admin_discount_batches",
    "admin_discount_codes",
    "discount_codes",
    "discount_usage",
    "admin_invoices",
    "admin_disputes",
    "payment_transactions",
    "refunds",
    "subscription_addons",
    "subscription_changes",
    "subscription_plans",
    "subscriptions",
    "user_addons",
)
PAID: Final = ("succeeded", "refunded")
_SUBSCRIPTION: Final = select(Subscription).where(
    Subscription.stripe_subscription_id == bindparam("stripe_id")
)


def find_subscription(session: Session, stripe_subscription_id: str | None) -> Subscription | None:
    """Our subscription for `sub_…`."""
    if stripe_subscription_id is None:
        return None
    return session.scalars(_SUBSCRIPTION, {"stripe_id": stripe_subscription_id}).one_or_none()


def find_payment(session: Session, payment_intent_id: str | None, charge_id: str | None) -> Payment | None:
    """Our payment for `pi_…`; for `ch_…` where no row carries the payment intent.

    Charges from before payment intents have nothing else, and production's column is not unique: the oldest
    row counts.
    """
    if payment_intent_id is not None:
        payment = session.scalars(
            select(Payment).where(Payment.stripe_payment_intent_id == payment_intent_id)
        ).one_or_none()
        if payment is not None:
            return payment
    if charge_id is None:
        return None
    return session.scalars(
        select(Payment)
        .where(Payment.stripe_charge_id == charge_id)
        .order_by(sortable(Payment.created_at), Payment.id)
        .limit(1)
    ).one_or_none()


def last_outcomes(
    session: Session, subscription: Subscription, *, besides: Payment | None = None
) -> tuple[datetime | None, datetime | None]:
    """When a payment for the subscription last succeeded, and when one last failed for good so far.

    `besides` leaves one payment out, whose row may be newer in memory than in the database.
    """
    settled = sortable(func.coalesce(Payment.processed_at, Payment.created_at))
    statement = (
        select(Payment.status, func.max(settled))
        .where(
            Payment.subscription_id == subscription.id,
            Payment.transaction_type == "subscription",
            Payment.status.in_([*PAID, "failed"]),
        )
        .group_by(Payment.status)
    )
    if besides is not None:
        statement = statement.where(Payment.id != besides.id)
    newest = {status: moment for status, moment in session.execute(statement) if moment is not None}
    succeeded = [newest[status] for status in PAID if status in newest]
    return max(succeeded, default=None), newest.get("failed")


def noted(work: Work) -> Changes:
    """Flush, and give what this action has changed so far in the rows that follow Stripe."""
    assert work.draft is not None, "rows follow Stripe inside an action"
    work.session.flush()
    return {
        where: fields
        for where, fields in work.draft.changes.items()
        if fields and where.partition("/")[0] in FOLLOWING
    }
