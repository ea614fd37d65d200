"""What a discount gives: checked before it is made, in words for a reader, and as Stripe is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import moments, money
from lib.core.access import Permission
from lib.core.errors import Invalid, Refused
from lib.core.work import View, Work, query
from lib.models import DiscountTerms, SubscriptionPlan

KINDS: Final = ("percentage", "fixed_amount", "trial_extension")
DURATIONS: Final = ("once", "repeating", "forever")
APPLIES_TO: Final = ("subscription", "all", "credits", "addons")

_MOST: Final[Mapping[str, tuple[int, str]]] = {
    "percentage": (100, "A percentage is from 1 to 100."),
    "fixed_amount": (100_000_00, "An amount off is more than nothing and at most 100,000.00."),
    "trial_extension": (365, "A trial is extended by 1 to 365 days."),
}
_LONGEST_REPEAT: Final = 36  # months
_LONGEST: Final = timedelta(days=5 * 366)  # the longest that Stripe lets a promotion code run


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a code gives and to whom.

    `value`: percent, cents of `currency` or days, by `kind`. `max_uses` counts all redemptions of one code,
    `max_per_customer` those of one couple; None for no limit. `plan_ids`: empty for every plan.
    `valid_until`: its last day (UTC) is included.
    """

    kind: str
    value: int
    applies_to: str = "subscription"
    duration: str = "once"
    duration_in_months: int | None = None
    currency: str = "USD"
    max_uses: int | None = None
    max_per_customer: int | None = None
    first_time_only: bool = False
    plan_ids: Sequence[str] = ()
    valid_from: date
    valid_until: date

    @property
    def begins(self) -> datetime:
        """The first moment at which it can be used."""
        return moments.day_bounds(self.valid_from)[0]

    @property
    def ends(self) -> datetime:
        """The last second at which it can be used."""
        return last_second(self.valid_until)

    @property
    def is_at_stripe(self) -> bool:
        """Whether Stripe has such a thing: it has no longer trials by code."""
        return self.kind != "trial_extension"


def last_second(day: date) -> datetime:
    """The last second of a day in UTC, as codes end."""
    return moments.day_bounds(day)[1] - timedelta(seconds=1)


def check(session: Session, terms: Terms, now: datetime) -> None:
    """Raise Invalid, in a sentence, for terms that make no sense, and Refused for plans not at Stripe."""
    if terms.kind not in KINDS:
        raise Invalid(f"A discount is {', '.join(KINDS)}, not “{terms.kind[:40]}”.")
    most, sentence = _MOST[terms.kind]
    if not 1 <= terms.value <= most:
        raise Invalid(sentence)
    if terms.applies_to not in APPLIES_TO:
        raise Invalid(f"A discount applies to {', '.join(APPLIES_TO)}, not “{terms.applies_to[:40]}”.")
    _check_duration(terms)
    _check_limits(terms)
    _check_dates(terms, now)
    if terms.plan_ids:
        if terms.applies_to not in {"subscription", "all"}:
            raise Invalid("Plans can be chosen only for a discount on subscriptions.")
        products(session, terms.plan_ids)


def _check_duration(terms: Terms) -> None:
    if terms.duration not in DURATIONS:
        raise Invalid(f"A discount lasts {', '.join(DURATIONS)}, not “{terms.duration[:40]}”.")
    if terms.kind == "trial_extension" and terms.duration != "once":
        raise Invalid("A trial is extended once: it neither repeats nor lasts.")
    if terms.duration == "repeating":
        if terms.duration_in_months is None or not 1 <= terms.duration_in_months <= _LONGEST_REPEAT:
            raise Invalid(f"Say for how many months it repeats, from 1 to {_LONGEST_REPEAT}.")
    elif terms.duration_in_months is not None:
        raise Invalid("Only a repeating discount has a number of months.")


def _check_limits(terms: Terms) -> None:
    if terms.max_uses is not None and terms.max_uses < 1:
        raise Invalid("The limit of all uses is at least 1; leave it empty for none.")
    if terms.max_per_customer is not None:
        if terms.max_per_customer < 1:
            raise Invalid("The limit per couple is at least 1; leave it empty for none.")
        if terms.max_uses is not None and terms.max_per_customer > terms.max_uses:
            raise Invalid("The limit per couple cannot be larger than the limit of all uses.")


def _check_dates(terms: Terms, now: datetime) -> None:
    if terms.valid_until < terms.valid_from:
        raise Invalid("It would end before it begins.")
    if terms.ends <= now:
        raise Invalid("It would be over already: choose a last day that is not past.")
    if terms.ends > now + _LONGEST:
        raise Invalid("A code runs for five years at most.")


def products(session: Session, plan_ids: Sequence[str]) -> list[str]:
    """Stripe's products of some plans, sorted; Invalid for an unknown plan, Refused for one not at Stripe."""
    found = dict(
        session.execute(
            select(SubscriptionPlan.id, SubscriptionPlan.stripe_product_id).where(
                SubscriptionPlan.id.in_(plan_ids)
            )
        ).all()
    )
    for plan_id in plan_ids:
        if plan_id not in found:
            raise Invalid(f"There is no plan “{plan_id[:40]}”.")
        if found[plan_id] is None:
            raise Refused(
                f"The plan {plan_id} has no product at Stripe. Make it there under Catalogue first."
            )
    return sorted({product for product in found.values() if product is not None})


def keep(work: Work, terms: Terms, key: str) -> DiscountTerms:
    """Store what production has no columns for, under the id of the code or the batch."""
    kept = DiscountTerms(
        id=key,
        duration=terms.duration,
        duration_in_months=terms.duration_in_months,
        currency=terms.currency,
        max_per_customer=terms.max_per_customer,
        first_time_only=terms.first_time_only,
        plan_ids=sorted(terms.plan_ids) or None,
        created_at=work.now,
        created_by=work.actor.email,
    )
    work.session.add(kept)
    return kept


def as_coupon(session: Session, terms: Terms, name: str) -> dict[str, Any]:
    """The terms as `Discounts.create_coupon` takes them; `name` shows on invoices, 40 characters at most."""
    off = {"percent_off": terms.value}
    if terms.kind == "fixed_amount":
        off = {"amount_off": terms.value}
    return {
        **off,
        "name": name[:40],
        "currency": terms.currency.lower() if terms.kind == "fixed_amount" else None,
        "duration": terms.duration,
        "duration_in_months": terms.duration_in_months,
        "product_ids": products(session, terms.plan_ids) if terms.plan_ids else [],
    }


class Lasting(Protocol):
    """How long something is taken off, and in which currency: terms, or a row with those columns."""

    @property
    def currency(self) -> str: ...
    @property
    def duration(self) -> str: ...
    @property
    def duration_in_months(self) -> int | None: ...


def gives(kind: str, value: int, terms: Lasting | None) -> str:
    """What a code gives, in words: `20 % off the first bill`, `$5.00 off for 3 months`, `14 more days`."""
    if kind == "trial_extension":
        return f"{value} more days of trial"
    currency = "USD" if terms is None else terms.currency
    off = f"{value} % off" if kind == "percentage" else f"{money.show(value, currency)} off"
    if terms is None:
        return off
    match terms.duration:
        case "once":
            return f"{off} the first bill"
        case "repeating":
            return f"{off} for {terms.duration_in_months} months"
        case _:
            return f"{off} for ever"


@query(Permission.DISCOUNTS_READ)
def plans(view: View) -> dict[str, str]:
    """The plans that a code can be limited to: id to name, in the price list's order."""
    rows = view.session.execute(
        select(SubscriptionPlan.id, SubscriptionPlan.plan_name, SubscriptionPlan.billing_period)
        .where(SubscriptionPlan.is_active.is_(True))
        .order_by(SubscriptionPlan.sort_order, SubscriptionPlan.id)
    )
    return {key: f"{name}, {period}" for key, name, period in rows}
