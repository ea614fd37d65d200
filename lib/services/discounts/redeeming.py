"""Whether a couple may use a code now: its dates and limits, its plans, and who has used it before."""

from datetime import datetime
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from lib.models import DiscountCode, DiscountTerms, DiscountUsage, MadeCode, Payment, Subscription

_PAID: Final = ("succeeded", "refunded")


def why_not_redeem(
    session: Session, code: DiscountCode, subscription: Subscription, now: datetime
) -> str | None:
    """Why a code cannot be applied to a subscription now, as a sentence; None when it can.

    Of a code that was not made here the terms are known only at Stripe, which checks them; a couple uses it
    once.
    """
    if why := why_not_usable(session, code, now):
        return why
    if code.applies_to not in {"subscription", "all", None}:
        return f"The code {code.code} is for {code.applies_to}, not for subscriptions."
    made = session.get(MadeCode, code.id)
    terms = None if made is None else session.get(DiscountTerms, made.terms_id)
    if terms is not None and terms.plan_ids and subscription.plan_id not in terms.plan_ids:
        return f"The code {code.code} is not for this plan."
    by_couple = select(func.count()).where(
        DiscountUsage.discount_id == code.id, DiscountUsage.relationship_id == subscription.relationship_id
    )
    used = session.execute(by_couple).scalar_one()
    limit = 1 if terms is None else terms.max_per_customer
    if limit is not None and used >= limit:
        times = "once" if used == 1 else f"{used:,} times"
        return f"The couple has used the code {code.code} {times}, which is its limit per couple."
    if terms is None or not terms.first_time_only:
        return None
    has_paid = exists().where(
        Payment.relationship_id == subscription.relationship_id, Payment.status.in_(_PAID)
    )
    if session.scalar(select(has_paid)):
        return f"The code {code.code} is for a first purchase only, and this couple has paid before."
    return None


def why_not_usable(session: Session, code: DiscountCode, now: datetime) -> str | None:
    """Why nobody can use a code now; None when somebody may."""
    if not code.is_active:
        return f"The code {code.code} is switched off."
    if code.valid_from is not None and now < code.valid_from:
        return f"The code {code.code} is not valid yet."
    if code.valid_until is not None and now >= code.valid_until:
        return f"The code {code.code} is over."
    counted = select(func.count()).where(DiscountUsage.discount_id == code.id)
    used = max(session.execute(counted).scalar_one(), code.current_uses or 0)
    if code.max_uses is not None and used >= code.max_uses:
        return f"The code {code.code} is used up."
    return None
