"""Whether a code can be used for a new subscription, and what it gives there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core.errors import NotFound, Refused
from lib.models import DiscountCode, DiscountUsage
from lib.models.expressions import folded


@dataclass(frozen=True, slots=True)
class StartCode:
    """A code that can be used: a coupon at Stripe, or days of trial, which Stripe has no coupon for."""

    id: str
    coupon_id: str | None
    trial_days: int


def code_for(session: Session, typed: str, couple_id: str, now: datetime) -> StartCode:
    """The code that was typed, in any case of letters.

    Raises NotFound without such a code, Refused when it is switched off, out of its dates, used up, not for
    subscriptions, used by the couple before, or has no coupon at Stripe.
    """
    text = typed.strip()
    found = session.scalars(
        select(DiscountCode).where(folded(DiscountCode.code) == text.lower()).limit(1)
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no code “{text[:40]}”.")
    uses, theirs = session.execute(
        select(
            func.count(),
            func.count().filter(DiscountUsage.relationship_id == couple_id),
        ).where(DiscountUsage.discount_id == found.id)
    ).one()
    if why := _why_not(found, max(uses, found.current_uses or 0), theirs, now):
        raise Refused(f"The code {found.code} {why}.")
    extends = found.discount_type == "trial_extension"
    return StartCode(
        found.id, None if extends else found.stripe_coupon_id, found.discount_value if extends else 0
    )


def _why_not(code: DiscountCode, uses: int, theirs: int, now: datetime) -> str | None:
    if not code.is_active:
        return "is switched off"
    if not code.valid_from <= now < code.valid_until:
        return "is not valid now: see its dates"
    if code.max_uses is not None and uses >= code.max_uses:
        return "is used up"
    if code.applies_to not in (None, "all", "subscription"):
        return f"is for {code.applies_to}, not for subscriptions"
    if theirs:
        return "was used by this couple before"
    if code.discount_type != "trial_extension" and not code.stripe_coupon_id:
        return "names no coupon at Stripe, so Stripe would take nothing off for it"
    return None
