"""The row of a subscription that an operation of ours began.

Until Stripe has begun it there is no row: a card that is declined leaves nothing behind. The answer to the
operation may come first, or the event: both find in the metadata which operation it was, and the row is made
of what was decided there, once, under the id that was given out then.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import (
    DiscountCode,
    DiscountUsage,
    Operation,
    Relationship,
    Subscription,
    SubscriptionPlan,
    User,
    new_id,
)
from lib.payments.events import SubscriptionFacts

START: Final = "subscription_start"


def begun_by_us(work: Work, facts: SubscriptionFacts) -> Subscription | None:
    """Our new row for a subscription, to be followed like any other; None when no operation began it.

    None as well when its row is there under another id of Stripe's, or the couple or the payer is gone.
    """
    operation = work.session.get(Operation, facts.metadata.get("operation_id", ""))
    if operation is None or operation.kind != START:
        return None
    decided = json.loads(operation.params)
    plan = _plan_of_a_living_couple(work.session, decided)
    if plan is None or work.session.get(Subscription, decided["subscription_id"]) is not None:
        return None
    begun_at = facts.created or work.now
    row = Subscription(
        id=decided["subscription_id"],
        relationship_id=decided["relationship_id"],
        plan_id=plan.id,
        user_id=decided["user_id"],
        stripe_customer_id=decided["customer_id"],
        stripe_subscription_id=facts.id,
        status="incomplete",
        billing_period=plan.billing_period,
        price_cents=plan.price_cents,
        currency=plan.currency or "USD",
        trial_end_date=None,
        current_period_start=begun_at,
        current_period_end=begun_at,
        canceled_at=None,
        cancel_reason=None,
        is_gift=False,
        created_at=begun_at,
        updated_at=work.now,
    )
    work.session.add(row)
    _redeem(work, row, decided.get("code_id"))
    return row


def _plan_of_a_living_couple(session: Session, decided: Mapping[str, Any]) -> SubscriptionPlan | None:
    couple = session.get(Relationship, decided["relationship_id"])
    payer = session.get(User, decided["user_id"])
    return session.get(SubscriptionPlan, decided["plan_id"]) if couple and payer else None


def _redeem(work: Work, row: Subscription, code_id: str | None) -> None:
    """Count the code that it began with, for this couple once."""
    code = work.session.get(DiscountCode, code_id) if code_id else None
    if code is None:
        return
    used = work.session.scalar(
        select(DiscountUsage.id).where(
            DiscountUsage.discount_id == code.id, DiscountUsage.relationship_id == row.relationship_id
        )
    )
    if used is not None:
        return
    code.current_uses = (code.current_uses or 0) + 1
    work.session.add(
        DiscountUsage(
            id=new_id(),
            discount_id=code.id,
            user_id=row.user_id,
            relationship_id=row.relationship_id,
            transaction_id=None,
            discount_amount_cents=taken_off(code, row.price_cents),
            used_at=work.now,
        )
    )


def taken_off(code: DiscountCode, cents: int) -> int:
    """What a code takes off one bill of so many cents; a longer trial takes off nothing."""
    match code.discount_type:
        case "percentage":
            return (cents * code.discount_value + 50) // 100
        case "fixed_amount":
            return min(code.discount_value, cents)
        case _:
            return 0
