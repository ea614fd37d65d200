"""What the coupons on a subscription take off a year: by our codes, and by what staff gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.money import annualised
from lib.models import DiscountCode, DiscountTerms, Goodwill, MadeCode, Subscription
from lib.payments.events import DiscountFacts, SubscriptionFacts


@dataclass(frozen=True, slots=True)
class TakenOff:
    """Annualised cents off: `goodwill` by free months, `discount` by everything else.

    `forever`: how much of the discount is by coupons without an end.
    """

    discount: int = 0
    goodwill: int = 0
    forever: int = 0


def taken_off(
    session: Session, row: Subscription, facts: SubscriptionFacts, moment: datetime
) -> TakenOff | None:
    """What the running coupons take off a year; None when one of them is neither a code of ours nor a gift.

    One that is good for a single bill is told as if it lasted: for as long as it stands on the subscription.
    """
    running = [
        discount
        for discount in (*facts.discounts, *(each for item in facts.items for each in item.discounts))
        if discount.end is None or discount.end > moment
    ]
    if not running:
        return TakenOff()
    codes, given = _known(session, running)
    endless = _endless(session, running, codes)
    left, free, forever = row.price_cents, 0, 0
    for discount in running:
        if discount.coupon_id in given:
            gift = given[discount.coupon_id]
            off = min(_given(gift, left), left)
            free += off if gift.kind == "free_months" else 0
            forever += off if gift.kind == "comp" else 0
        elif discount.coupon_id in codes:
            off = off_by_code(codes[discount.coupon_id], left)
            forever += off if discount.coupon_id in endless else 0
        else:
            return None
        left -= off
    goodwill = annualised(free, row.billing_period)
    return TakenOff(
        annualised(row.price_cents - left, row.billing_period) - goodwill,
        goodwill,
        annualised(forever, row.billing_period),
    )


def _known(
    session: Session, running: list[DiscountFacts]
) -> tuple[dict[str | None, DiscountCode], dict[str | None, Goodwill]]:
    coupons = sorted({discount.coupon_id for discount in running if discount.coupon_id is not None})
    # The codes of a batch, up to 100,000, share their coupon and take off the same: one of them says so.
    codes = (
        session.scalars(select(DiscountCode).where(DiscountCode.stripe_coupon_id == coupon).limit(1)).first()
        for coupon in coupons
    )
    given = session.scalars(select(Goodwill).where(Goodwill.stripe_coupon_id.in_(coupons)))
    return {code.stripe_coupon_id: code for code in codes if code}, {
        each.stripe_coupon_id: each for each in given
    }


def _endless(
    session: Session, running: list[DiscountFacts], codes: Mapping[str | None, DiscountCode]
) -> set[str | None]:
    """The coupons that last for ever: as Stripe said, or by the terms that a code was made with here."""
    said = {discount.coupon_id for discount in running if discount.duration == "forever"}
    ours = {code.id: coupon for coupon, code in codes.items()}
    made = session.scalars(
        select(MadeCode.discount_id)
        .join(DiscountTerms, DiscountTerms.id == MadeCode.terms_id)
        .where(MadeCode.discount_id.in_(ours), DiscountTerms.duration == "forever")
    )
    return said | {ours[code_id] for code_id in made}


def off_by_code(code: DiscountCode, cents: int) -> int:
    """What a code takes off a bill of so many cents, at most all of it; a longer trial takes off nothing."""
    if code.discount_type == "percentage":
        return min((cents * code.discount_value + 50) // 100, cents)
    return min(code.discount_value, cents) if code.discount_type == "fixed_amount" else 0


def _given(gift: Goodwill, cents: int) -> int:
    if gift.percent_off is not None:
        return (cents * gift.percent_off + 50) // 100
    return gift.amount_off_cents or 0
