"""One code with everything that a decision needs: what it gives, what became of it, ours against Stripe's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import NotFound, StripeFailed
from lib.core.listing import Column
from lib.core.work import Digest, View, digest, query
from lib.models import (
    DiscountCode,
    DiscountTerms,
    DiscountUsage,
    MadeCode,
    SubscriptionChange,
    SubscriptionPlan,
    sortable,
)
from lib.payments import operations
from lib.payments.events import CouponFacts, PromotionCodeFacts
from lib.payments.gateway import Gateway
from lib.payments.operations import OperationView
from lib.services.discounts.terms import gives

State = Literal["usable", "not_yet", "over", "used_up", "off"]
"""Whether a code can be used now, and if not, why: before or after its dates, at its limit, switched off."""

GIVEN: Final = "What the redemptions took off their first bill, by the app's own rows."
MRR_OFF: Final = (
    "By how much the couples who used it pay less than the list price each month today, by the ledger."
)
NOT_THERE: Final = (
    "No promotion code at Stripe: a longer trial has none, and the app can apply a coupon alone."
)

STRIPE_COLUMNS: Final = (
    Column("code", "Promotion code"),
    Column("active", "Active", "flag"),
    Column("times_redeemed", "Redeemed", "count"),
    Column("max_redemptions", "Limit", "count"),
    Column("expires_at", "Until", "moment"),
    Column("id", "Id", "id"),
)


@dataclass(frozen=True, slots=True)
class Discount:
    """A code with what became of it.

    `value` is percent, minor units or days, by `kind`. `current_uses` is the app's own count, `redemptions`
    counts the rows; `given_cents` is what they took off, in US dollars' minor units as the app keeps them.
    `mrr_off_cents` is what the couples who redeemed it pay less each month today, by the ledger, whichever
    code does it. `terms_known`: it was made here, so that duration, plans and the limit per couple are known.
    `oddities` are sentences. `why_not_...`: why that action is refused now; None when it is possible.
    """

    id: str
    code: str
    kind: str
    value: int
    gives: str
    applies_to: str | None
    plans: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    stripe_coupon_id: str | None
    promotion_code_id: str | None
    batch_id: str | None
    created_by: str | None
    created_at: datetime | None
    state: State
    current_uses: int
    max_uses: int | None
    max_per_customer: int | None
    first_time_only: bool
    terms_known: bool
    redemptions: int
    couples: int
    given_cents: int
    mrr_off_cents: int
    last_used_at: datetime | None
    oddities: tuple[str, ...]
    operations: tuple[OperationView, ...]
    digest: Digest
    why_not_change: str | None
    why_not_switch_off: str | None
    why_not_switch_on: str | None
    why_not_send_again: str | None

    @property
    def left(self) -> int | None:
        """How many times it can still be used."""
        return None if self.max_uses is None else max(0, self.max_uses - self.redemptions)


@query(Permission.DISCOUNTS_READ)
def one(view: View, code_id: str) -> Discount:
    """A code with its redemptions summed up; raises NotFound."""
    row = view.session.get(DiscountCode, code_id)
    if row is None:
        raise NotFound(f"There is no discount code {code_id[:60]}. Go back to the list and choose another.")
    made = view.session.get(MadeCode, code_id)
    terms = None if made is None else view.session.get(DiscountTerms, made.terms_id)
    used_at = sortable(DiscountUsage.used_at)
    redemptions, couples, given, last = view.session.execute(
        select(
            func.count(),
            func.count(DiscountUsage.relationship_id.distinct()),
            func.coalesce(func.sum(DiscountUsage.discount_amount_cents), 0),
            func.max(used_at, type_=DiscountUsage.used_at.type),
        ).where(DiscountUsage.discount_id == code_id)
    ).one()
    used = max(redemptions, row.current_uses or 0)
    steps = tuple(operations.progress(view, "discount_codes", code_id))
    under_way = next(
        (
            f"“{step.title}” is already under way. Wait until Stripe has answered."
            for step in steps
            if step.is_open
        ),
        None,
    )
    return Discount(
        id=row.id,
        code=row.code,
        kind=row.discount_type,
        value=row.discount_value,
        gives=gives(row.discount_type, row.discount_value, terms),
        applies_to=row.applies_to,
        plans=_plans(view.session, terms),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        stripe_coupon_id=row.stripe_coupon_id,
        promotion_code_id=None if made is None else made.promotion_code_id,
        batch_id=made.terms_id if made is not None and made.number else None,
        created_by=row.created_by,
        created_at=row.created_at,
        state=_state(row, used, view.now),
        current_uses=row.current_uses or 0,
        max_uses=row.max_uses,
        max_per_customer=None if terms is None else terms.max_per_customer,
        first_time_only=bool(terms and terms.first_time_only),
        terms_known=terms is not None,
        redemptions=redemptions,
        couples=couples,
        given_cents=int(given),
        mrr_off_cents=_mrr_off(view.session, code_id) if redemptions else 0,
        last_used_at=last,
        oddities=tuple(_oddities(row, redemptions, made)),
        operations=steps,
        digest=digest(row),
        why_not_change=under_way or why_not_change(row, made, terms),
        why_not_switch_off=under_way or why_not_switch(row, used, view.now, on=False),
        why_not_switch_on=under_way or why_not_switch(row, used, view.now, on=True),
        why_not_send_again=under_way or why_not_send_again(row, made, terms),
    )


@query(Permission.DISCOUNTS_READ)
def progress(view: View, code_id: str) -> list[OperationView]:
    """What Stripe said so far, newest operation first: for the page that watches it."""
    return operations.progress(view, "discount_codes", code_id)


def why_not_change(row: DiscountCode, made: MadeCode | None, terms: DiscountTerms | None) -> str | None:
    """Why a code's limits cannot be changed, as a sentence; None when they can."""
    if made is None or terms is None:
        return "It was not made here, so its terms at Stripe are not known. Switch it off and make another."
    if made.number:
        return "It belongs to a batch, whose codes share their terms."
    return None if row.is_active else "It is switched off. Switch it on first."


def why_not_switch(row: DiscountCode, used: int, now: datetime, *, on: bool) -> str | None:
    """Why a code cannot be switched on or off, as a sentence; None when it can."""
    if bool(row.is_active) == on:
        return f"It is switched {'on' if on else 'off'} already."
    if not on:
        return None
    if row.valid_until is not None and now >= row.valid_until:
        return "It is over. Make another code."
    if row.max_uses is not None and used >= row.max_uses:
        return "It is used up. Make another code."
    if row.discount_type != "trial_extension" and not row.stripe_coupon_id:
        return "It has no coupon at Stripe yet."
    return None


def why_not_send_again(row: DiscountCode, made: MadeCode | None, terms: DiscountTerms | None) -> str | None:
    """Why a code cannot be sent to Stripe again, as a sentence; None when it can."""
    if row.discount_type == "trial_extension":
        return "A longer trial is ours alone: there is nothing to make at Stripe."
    if made is None or terms is None or made.number:
        return "Only a code that was made here by itself is sent again."
    return "It is at Stripe." if row.stripe_coupon_id else None


@dataclass(frozen=True, slots=True)
class AtStripe:
    """What Stripe says about a code now: its count, its promotion codes, how it differs in sentences."""

    redeemed: int
    codes: tuple[PromotionCodeFacts, ...]
    differences: tuple[str, ...]


def at_stripe(gateway: Gateway, code: Discount) -> AtStripe | None:
    """Ask Stripe about a code, two requests; None for one without a coupon there. Raises StripeFailed."""
    if code.stripe_coupon_id is None:
        return None
    try:
        coupon = gateway.discounts.coupon(code.stripe_coupon_id)
    except StripeFailed as failure:
        if failure.code != "resource_missing":
            raise
        gone = f"Stripe does not know the coupon {code.stripe_coupon_id}, so it takes nothing off."
        return AtStripe(0, (), (gone,))
    codes = tuple(gateway.discounts.codes(code=code.code, coupon_id=coupon.id))
    # The codes of a batch share their coupon, which counts the redemptions of all of them.
    shared = code.batch_id is not None
    redeemed = sum(each.times_redeemed or 0 for each in codes) if shared else coupon.times_redeemed or 0
    return AtStripe(redeemed, codes, tuple(_differences(code, coupon, codes, redeemed)))


def _differences(
    code: Discount, coupon: CouponFacts, codes: tuple[PromotionCodeFacts, ...], redeemed: int
) -> list[str]:
    found = []
    if redeemed != code.redemptions:
        found.append(f"Redemptions by Stripe's count: {redeemed:,}; by our rows: {code.redemptions:,}.")
    off = coupon.percent_off if code.kind == "percentage" else coupon.amount_off
    if off != code.value:
        shown = f"{code.value} %" if code.kind == "percentage" else money.show(code.value)
        theirs = "–" if off is None else f"{off:g} %" if code.kind == "percentage" else money.show(int(off))
        found.append(f"Stripe takes off {theirs}; here it is {shown}.")
    if codes:
        active = any(each.active for each in codes)
        if active and code.state in {"off", "over", "used_up"}:
            found.append("At Stripe the code can still be used; here it cannot.")
        if not active and code.state == "usable":
            found.append("At Stripe the code cannot be used any more; here it can.")
    return found


def _plans(session: Session, terms: DiscountTerms | None) -> tuple[str, ...]:
    if terms is None or not terms.plan_ids:
        return ()
    return tuple(
        session.scalars(
            select(SubscriptionPlan.plan_name)
            .where(SubscriptionPlan.id.in_(terms.plan_ids))
            .order_by(SubscriptionPlan.sort_order, SubscriptionPlan.id)
        )
    )


def _mrr_off(session: Session, code_id: str) -> int:
    """What recurs at list price less what recurs, of the couples who redeemed a code, monthly."""
    change = SubscriptionChange
    redeemers = select(DiscountUsage.relationship_id).where(DiscountUsage.discount_id == code_id)
    newest = func.row_number().over(
        partition_by=change.subscription_id, order_by=(change.effective_at.desc(), change.seq.desc())
    )
    states = (
        select(
            change.status,
            change.is_gift,
            change.collection_paused,
            (change.list_arr_cents - change.net_arr_cents).label("off"),
            newest.label("newest"),
        )
        .where(change.relationship_id.in_(redeemers))
        .subquery()
    )
    off = session.scalar(
        select(func.sum(states.c.off)).where(
            states.c.newest == 1,
            states.c.status.in_(("active", "past_due")),
            states.c.is_gift.is_(False),
            states.c.collection_paused.is_(False),
        )
    )
    return money.monthly(int(off or 0))


def _state(row: DiscountCode, used: int, now: datetime) -> State:
    if not row.is_active:
        return "off"
    if row.valid_until is not None and now >= row.valid_until:
        return "over"
    if row.max_uses is not None and used >= row.max_uses:
        return "used_up"
    return "not_yet" if row.valid_from is not None and now < row.valid_from else "usable"


def _oddities(row: DiscountCode, redemptions: int, made: MadeCode | None) -> list[str]:
    found = []
    if (row.current_uses or 0) != redemptions:
        found.append(f"The app counts {row.current_uses or 0:,} uses; there are {redemptions:,} redemptions.")
    if row.max_uses is not None and redemptions > row.max_uses:
        found.append(f"It was used {redemptions:,} times, and its limit is {row.max_uses:,}.")
    if row.is_active and row.discount_type != "trial_extension" and not row.stripe_coupon_id:
        found.append("It names no coupon at Stripe, so Stripe takes nothing off for it.")
    if made is not None and made.refusal:
        found.append(f"Stripe did not take this code: {made.refusal}")
    return found
