"""A discount code put on a subscription by staff, and any discount taken off it again.

Our rows know a code's dates, its limits, and the terms of one that was made here. What only Stripe knows of
its promotion code Stripe checks when it is put on, and its preview shows what it comes to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.work import Digest, View, Work, action, query
from lib.models import DiscountCode, Goodwill, Operation, Subscription
from lib.models.expressions import folded
from lib.payments import ledger
from lib.payments.gateway import Gateway
from lib.payments.rows import off_by_code
from lib.services.discounts.redeeming import why_not_redeem
from lib.services.subscriptions import goodwill
from lib.services.subscriptions.asking import Answer, Reduction, bill_of
from lib.services.subscriptions.case import arr_of
from lib.services.subscriptions.wishes import get, prepare


@dataclass(frozen=True, slots=True)
class CodeOffer:
    """What a code would do to a subscription. Cents of `currency`.

    `bill_cents` is a bill at the list price, `off_cents` what the code takes off it. `trial_until`: for a
    code that makes the trial longer. `why_not`: why it cannot be used; then the rest says nothing.
    """

    code: str
    gives: str = ""
    bill_cents: int = 0
    off_cents: int = 0
    currency: str = "USD"
    mrr_before_cents: int = 0
    mrr_after_cents: int = 0
    trial_until: datetime | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A discount that is on the subscription, in words."""

    id: str
    title: str
    until: datetime | None


@query(Permission.DISCOUNTS_APPLY)
def offer(view: View, subscription_id: str, typed: str) -> CodeOffer:
    """What a code, in any case of letters, would do; raises NotFound without such a subscription only."""
    subscription = get(view.session, subscription_id)
    try:
        code = _usable(view.session, subscription, typed, view.now)
    except (NotFound, Refused) as error:
        return CodeOffer(typed.strip(), why_not=str(error))
    currency = (subscription.currency or "USD").upper()
    price = subscription.price_cents
    off = off_by_code(code, price)
    before = arr_of(subscription, ledger.newest(view.session, subscription.id))
    return CodeOffer(
        code=code.code,
        gives=_gives(code, currency),
        bill_cents=price,
        off_cents=off,
        currency=currency,
        mrr_before_cents=money.monthly(before),
        mrr_after_cents=money.monthly(before * (price - off) // price if price else 0),
        trial_until=_longer_trial(code, subscription),
    )


@query(Permission.SUBSCRIPTIONS_READ)
def running(view: View, reductions: Sequence[Reduction]) -> list[Running]:
    """The discounts that Stripe has on a subscription, by the names that our rows have for them."""
    coupons = [each.coupon_id for each in reductions if each.coupon_id]
    if not reductions:
        return []
    # The codes of a batch share their coupon: one of them, out of up to 100,000, says what it gives.
    found = (
        view.session.scalars(
            select(DiscountCode).where(DiscountCode.stripe_coupon_id == coupon).limit(1)
        ).first()
        for coupon in sorted(set(coupons))
    )
    codes = [code for code in found if code is not None]
    given = view.session.scalars(select(Goodwill).where(Goodwill.stripe_coupon_id.in_(coupons)))
    names = {code.stripe_coupon_id: f"{code.code}: {_gives(code, 'USD')}" for code in codes}
    names |= {each.stripe_coupon_id: goodwill.in_words(each) for each in given}
    return [
        Running(each.id, names.get(each.coupon_id, f"Coupon {each.coupon_id} (made at Stripe)"), each.until)
        for each in reductions
    ]


def preview(gateway: Gateway, stripe_subscription_id: str, code: str) -> Answer:
    """The next bill with a code on it, as Stripe works it out; raises StripeFailed."""
    there = gateway.subscriptions.retrieve(stripe_subscription_id).discounts
    wanted = [{"discount": each.id} for each in there if each.id]
    wanted.append({"promotion_code": gateway.reductions.promotion_code_id(code)})
    return Answer(bill_of(gateway.previews.with_discounts(stripe_subscription_id, wanted)))


def preview_without(gateway: Gateway, stripe_subscription_id: str, discount_id: str) -> Answer:
    """The next bill without one of the discounts, as Stripe works it out; raises StripeFailed."""
    there = gateway.subscriptions.retrieve(stripe_subscription_id).discounts
    kept = [{"discount": each.id} for each in there if each.id and each.id != discount_id]
    return Answer(bill_of(gateway.previews.with_discounts(stripe_subscription_id, kept)))


@action(Permission.DISCOUNTS_APPLY, about="subscriptions")
def apply(work: Work, subscription_id: str, *, code: str, shown: Digest, reason: str) -> Operation:
    """Put a code on a subscription, from the next bill on; one that makes a trial longer does that.

    Raises NotFound without such a code. Refused when it is switched off, out of its dates, used up, not for
    subscriptions, was used by the couple before, or names no coupon at Stripe; and when the subscription
    changed since it was shown, makes no bills, is set to cancel, or while another operation is under way.
    """
    subscription = get(work.session, subscription_id)
    found = _usable(work.session, subscription, code, work.now)
    longer = _longer_trial(found, subscription)
    if longer is not None:
        return prepare(
            work,
            "extend_trial",
            subscription,
            shown=shown,
            reason=reason,
            moment=longer.isoformat(),
            discount_id=found.id,
            off_cents=0,
        )
    return prepare(
        work,
        "apply_code",
        subscription,
        shown=shown,
        reason=reason,
        code=found.code,
        coupon_id=found.stripe_coupon_id,
        discount_id=found.id,
        off_cents=off_by_code(found, subscription.price_cents),
    )


@action(Permission.DISCOUNTS_APPLY, about="subscriptions")
def remove(work: Work, subscription_id: str, *, discount_id: str, shown: Digest, reason: str) -> Operation:
    """Take the discount `di_…` off a subscription, from the next bill on; the others stay.

    Raises Refused when the subscription changed since it was shown, has ended, or while another operation on
    it is under way.
    """
    subscription = get(work.session, subscription_id)
    return prepare(
        work, "remove_discount", subscription, shown=shown, reason=reason, stripe_discount_id=discount_id
    )


def _usable(session: Session, subscription: Subscription, typed: str, now: datetime) -> DiscountCode:
    text = typed.strip()
    code = session.scalars(
        select(DiscountCode).where(folded(DiscountCode.code) == text.lower()).limit(1)
    ).one_or_none()
    if code is None:
        raise NotFound(f"There is no code “{text[:40]}”.")
    if why := why_not_redeem(session, code, subscription, now) or _why_not_here(code, subscription):
        raise Refused(why)
    return code


def _why_not_here(code: DiscountCode, subscription: Subscription) -> str | None:
    if code.discount_type == "trial_extension":
        over = f"The code {code.code} makes a trial longer, and this one is over."
        return None if subscription.status == "trialing" else over
    if not code.stripe_coupon_id:
        return f"The code {code.code} names no coupon at Stripe, so Stripe would take nothing off for it."
    return None


def _longer_trial(code: DiscountCode, subscription: Subscription) -> datetime | None:
    end = goodwill.trial_end(subscription)
    if code.discount_type != "trial_extension" or end is None:
        return None
    return end + timedelta(days=code.discount_value)


def _gives(code: DiscountCode, currency: str) -> str:
    match code.discount_type:
        case "percentage":
            return f"{code.discount_value} % off"
        case "fixed_amount":
            return f"{money.show(code.discount_value, currency)} off"
        case _:
            return f"{code.discount_value} more days of trial"
