"""The facts about a payment that a recommendation stands on: age, use, credits, box, earlier refunds."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, false, func, select
from sqlalchemy.orm import Session

from lib.core.listing import AnyRow
from lib.models import AiCredit, AnalyticsEvent, Payment, Refund, Relationship, sortable
from lib.models.types import read_moment
from lib.services.refund_policy import Facts

_MONTH: Final = timedelta(days=30)
_YEAR: Final = timedelta(days=365)
_TWIN_WITHIN: Final = timedelta(days=3)
# What a person does in the app; the rest happens to them.
_USE: Final = ("user_action", "feature_usage", "engagement", "partner")


def facts_of(session: Session, payment: Payment, now: datetime, *, without: str | None = None) -> Facts:
    """What the rule looks at, for a payment now; `without` is the refund being decided. One statement."""
    partner = _partner(payment)
    counts = session.execute(
        select(
            _active_days(payment.user_id, now).label("payer"),
            partner.label("partner_id"),
            _active_days(partner, now).label("partner"),
            _earlier_refunds(payment, now, without).label("earlier"),
            _twins(payment).label("twins"),
            *_credits(payment),
        )
    ).one()
    days = (counts.payer, counts.partner) if counts.partner_id else (counts.payer,)
    bought, used = _credits_used(counts)
    details: Any = payment.details if isinstance(payment.details, dict) else {}
    return Facts(
        at=now,
        paid_at=payment.processed_at or payment.created_at,
        paid_for=payment.transaction_type,
        active_days=tuple(int(number) for number in days),
        credits_bought=bought,
        credits_used=used,
        shipped_at=read_moment(details["shipped_at"]) if details.get("shipped_at") else None,
        earlier_refunds=int(counts.earlier),
        twins=int(counts.twins),
    )


def _partner(payment: Payment) -> Any:
    """The other one of the couple; NULL where there is nobody else."""
    first, second = Relationship.user_1_id, Relationship.user_2_id
    other = case((first == payment.user_id, second), else_=first)
    return (
        select(func.nullif(other, payment.user_id))
        .where(Relationship.id == payment.relationship_id)
        .scalar_subquery()
    )


def _active_days(user_id: Any, now: datetime) -> Any:
    return (
        select(func.count(func.date(AnalyticsEvent.created_at).distinct()))
        .where(
            AnalyticsEvent.user_id == user_id,
            AnalyticsEvent.event_category.in_(_USE),
            sortable(AnalyticsEvent.created_at) > now - _MONTH,
        )
        .scalar_subquery()
    )


def _earlier_refunds(payment: Payment, now: datetime, without: str | None) -> Any:
    """Refunds of the couple, or of the person where the payment has no couple."""
    whose = (
        Refund.relationship_id == payment.relationship_id
        if payment.relationship_id
        else Refund.user_id == payment.user_id
    )
    return (
        select(func.count())
        .select_from(Refund)
        .where(
            whose,
            Refund.id != (without or ""),
            Refund.status.in_(("approved", "processed")),
            sortable(Refund.requested_at) > now - _YEAR,
        )
        .scalar_subquery()
    )


def _twins(payment: Payment) -> Any:
    when = payment.created_at
    near: ColumnElement[bool] = (
        false()
        if when is None
        else sortable(Payment.created_at).between(when - _TWIN_WITHIN, when + _TWIN_WITHIN)
    )
    return (
        select(func.count())
        .select_from(Payment)
        .where(
            Payment.user_id == payment.user_id,
            Payment.id != payment.id,
            Payment.transaction_type == payment.transaction_type,
            Payment.amount_cents == payment.amount_cents,
            Payment.status == "succeeded",
            near,
        )
        .scalar_subquery()
    )


def _credits(payment: Payment) -> tuple[Any, ...]:
    """What the payment bought, the balance before that, and what was used since."""
    intent = payment.stripe_payment_intent_id
    bought = and_(
        AiCredit.stripe_payment_id == intent,
        AiCredit.transaction_type == "purchase",
        AiCredit.stripe_payment_id.is_not(None),
    )
    since = payment.created_at
    used = and_(
        AiCredit.relationship_id == payment.relationship_id,
        AiCredit.transaction_type == "usage",
        false() if since is None else sortable(AiCredit.created_at) >= since,
    )
    before = select(func.max(AiCredit.credits_balance - AiCredit.credits_amount)).where(bought)
    return (
        _sum_of_credits(bought).label("bought"),
        func.coalesce(before.scalar_subquery(), 0).label("before"),
        (-_sum_of_credits(used)).label("used"),
    )


def _sum_of_credits(which: ColumnElement[bool]) -> Any:
    return select(func.coalesce(func.sum(AiCredit.credits_amount), 0)).where(which).scalar_subquery()


def _credits_used(counts: AnyRow) -> tuple[int, int]:
    """Credits bought, and used: older ones are used first, so only what goes beyond them is of these."""
    bought, used = int(counts.bought), int(counts.used)
    if not bought:
        return 0, used
    return bought, min(bought, max(0, used - int(counts.before)))
