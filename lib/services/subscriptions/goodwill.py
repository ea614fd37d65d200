"""Goodwill: a longer trial, free months, and a subscription for nothing.

Free months are a coupon made for this one subscription: on a monthly plan 100 % off the next bill, or off
the bills of the next n months; on an annual plan n twelfths off the next bill, because 100 % off there would
be a whole free year. The trial's end is not moved for it: that would make a paying couple one that tries. The
ledger keeps what was given apart from what a code takes off, so a policy can count it as if it had been paid
(the house policy does). A subscription for nothing is a price of nothing, to any policy.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid, Refused
from lib.core.moments import day_bounds
from lib.core.work import Digest, Work, action
from lib.models import Goodwill, Operation, Relationship, Subscription, new_id
from lib.services.subscriptions import allowances
from lib.services.subscriptions.wishes import get, prepare

MOST_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class FreeMonths:
    """What free months come to: `worth_cents` in all, off the next `bills` bills, each worth `bill_cents`."""

    months: int
    bills: int
    bill_cents: int
    worth_cents: int
    currency: str


def worth(price_cents: int, billing_period: str, currency: str, months: int) -> FreeMonths:
    """What free months come to at a price; raises Invalid for a number of months that is not 1 to 12."""
    if not 1 <= months <= MOST_MONTHS:
        raise Invalid(f"Give 1 to {MOST_MONTHS} months.")
    if billing_period == "annual":
        return FreeMonths(months, 1, price_cents, (price_cents * months + 6) // 12, currency)
    return FreeMonths(months, months, price_cents, price_cents * months, currency)


@action(Permission.SUBSCRIPTIONS_GIVE, about="subscriptions")
def free_months(work: Work, subscription_id: str, *, months: int, shown: Digest, reason: str) -> Operation:
    """Let the next bills cost nothing, or less by what `months` months cost.

    Raises Invalid for a number of months that is not 1 to 12. Refused when they are more than the actor's
    role may give to the couple within a year (what is under way counts), when the subscription changed since
    it was shown, makes no bills, is set to cancel, or while another operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    currency = (subscription.currency or "USD").upper()
    gift = worth(subscription.price_cents, subscription.billing_period, currency, months)
    # Held until the action ends: two subscriptions of a couple cannot be given the same months at one moment.
    work.session.get(Relationship, subscription.relationship_id, with_for_update=True)
    allowances.check_months(work.session, work.actor, subscription.relationship_id, months, work.now)
    return _give(work, "free_months", subscription, _coupon(gift, subscription), months, shown, reason)


@action(Permission.DISCOUNTS_WRITE, about="subscriptions")
def comp(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Let every bill from now on cost nothing, until the discount is removed. Finance only.

    Raises Refused when the subscription changed since it was shown, makes no bills, is set to cancel, or
    while another operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    coupon = {"duration": "forever", "percent_off": 100, "name": "Free of charge"}
    return _give(work, "comp", subscription, coupon, None, shown, reason)


@action(Permission.SUBSCRIPTIONS_GIVE, about="subscriptions")
def extend_trial(
    work: Work, subscription_id: str, *, last_day: date, shown: Digest, reason: str
) -> Operation:
    """Let the trial end later, with a day counted in UTC: the first bill is made after it.

    Raises Refused for a day that is not after the trial's present end or further away than the actor's role
    may go; and when the subscription changed since it was shown, is not in its trial, is set to cancel, or
    while another operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    moment = day_bounds(last_day)[1]
    if moment <= (trial_end(subscription) or work.now):
        raise Refused("The trial lasts longer than that already. Choose a later day.")
    days = allowances.allowance_of(work.actor).trial_days
    if (moment - work.now).days > days:
        raise Refused(f"Your role ({work.actor.role}) may let a trial last {days} more days at most.")
    return prepare(work, "extend_trial", subscription, shown=shown, reason=reason, moment=moment.isoformat())


def trial_end(subscription: Subscription) -> datetime | None:
    """When the trial ends; old rows have it as the end of their period only."""
    return subscription.trial_end_date or subscription.current_period_end


def _coupon(gift: FreeMonths, subscription: Subscription) -> dict[str, Any]:
    """The coupon by which Stripe takes that much off, without its id."""
    name = f"{allowances.counted(gift.months)} free"
    if subscription.billing_period == "annual" and gift.months < MOST_MONTHS:
        return {
            "duration": "once",
            "amount_off": gift.worth_cents,
            "currency": gift.currency,
            "name": name,
        }
    if gift.bills == 1:
        return {"duration": "once", "percent_off": 100, "name": name}
    return {"duration": "repeating", "months": gift.bills, "percent_off": 100, "name": name}


def _give(
    work: Work,
    wish: Literal["free_months", "comp"],
    subscription: Subscription,
    coupon: dict[str, Any],
    months: int | None,
    shown: Digest,
    reason: str,
) -> Operation:
    goodwill_id = new_id()
    coupon_id = f"goodwill-{goodwill_id}"
    operation = prepare(
        work,
        wish,
        subscription,
        shown=shown,
        reason=reason,
        goodwill_id=goodwill_id,
        coupon={"id": coupon_id, **coupon},
    )
    work.session.add(
        Goodwill(
            id=goodwill_id,
            kind=wish,
            subscription_id=subscription.id,
            relationship_id=subscription.relationship_id,
            months=months,
            percent_off=coupon.get("percent_off"),
            amount_off_cents=coupon.get("amount_off"),
            currency=(subscription.currency or "USD").upper(),
            stripe_coupon_id=coupon_id,
            operation_id=operation.id,
            given_by=work.actor.id,
            given_at=work.now,
        )
    )
    return operation


def in_words(gift: Goodwill) -> str:
    """What was given: `1 month free`, `$24.08 off the next bill`, `Free of charge`."""
    if gift.kind == "comp":
        return "Free of charge"
    if gift.amount_off_cents is not None:
        return f"{money.show(gift.amount_off_cents, gift.currency)} off the next bill"
    return f"{allowances.counted(gift.months or 0)} free"
