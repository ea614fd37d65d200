"""A subscription of ours follows Stripe's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import Subscription, SubscriptionPlan
from lib.payments import ledger
from lib.payments.events import SubscriptionFacts, SubscriptionItemFacts
from lib.payments.ledger import Source
from lib.payments.rows.addons import follow_addon
from lib.payments.rows.begun import begun_by_us
from lib.payments.rows.found import Changes, find_subscription, last_outcomes, noted
from lib.payments.rows.reductions import taken_off

STATUSES: Final[Mapping[str, str]] = {
    "active": "active",
    "trialing": "trialing",
    "past_due": "past_due",
    "paused": "paused",
    "incomplete": "incomplete",
    "canceled": "canceled",
    # Production's CHECK knows neither of these two. Unpaid: the retries are used up, it still stands.
    "unpaid": "past_due",
    # The first payment never came within 23 hours, and Stripe has given it up.
    "incomplete_expired": "canceled",
}
"""Stripe's status of a subscription -> the one that production's CHECK has room for."""

_PERIODS: Final = {("month", 1): "monthly", ("month", 12): "annual", ("year", 1): "annual"}
_PLANS: Final = select(SubscriptionPlan).where(
    SubscriptionPlan.stripe_price_id.in_(bindparam("prices", expanding=True))
)
_INVOLUNTARY: Final = {"payment_failed", "payment_disputed"}


def follow_subscription(
    work: Work,
    facts: SubscriptionFacts,
    *,
    source: Source,
    source_id: str | None,
    at: datetime | None = None,
    as_of: datetime | None = None,
) -> Changes | None:
    """Make our subscription say what Stripe's does, and add to the ledger when its state differs.

    `at`: since when it is so, for the ledger; the action's own time by default. The end of a subscription
    counts from the moment that Stripe names.
    `as_of`: the facts are an old picture, taken then. Payments of a later time say more about `active` and
    `past_due` than the picture does. None: the facts are how things stand now.

    A subscription that will end with its period stays `active`, with `canceled_at` filled, as in production.
    Stripe's pause of collection changes no row but the ledger's: the status stays `active` there as well.
    One that an operation of ours began gets its row here, and that of an add-on changes the add-on's.
    None when no row of ours has this id.
    """
    row = find_subscription(work.session, facts.id)
    if row is not None:
        ledger.begin(work, row)
    else:
        row = begun_by_us(work, facts)
    if row is None:
        return follow_addon(work, facts, at=at)
    moment = at or work.now
    was = row.status
    status = _status(work.session, row, facts, as_of)
    _follow_plan(work.session, row, facts)
    _follow_dates(row, facts, status, moment)
    row.status = status
    ended = row.status == "canceled"
    off = taken_off(work.session, row, facts, moment)
    ledger.record(
        work,
        row,
        effective_at=(facts.ended_at or moment) if ended else moment,
        source=source,
        source_id=source_id,
        cause=_cause(facts, was) if ended else None,
        collection_paused=facts.pause_behavior is not None,
        discount_arr_cents=off.discount if off else None,
        goodwill_arr_cents=off.goodwill if off else None,
        forever_arr_cents=off.forever if off else None,
    )
    return noted(work)


def _status(session: Session, row: Subscription, facts: SubscriptionFacts, as_of: datetime | None) -> str:
    """The status in production's words; one that Stripe has come up with since is left as it was."""
    status = STATUSES.get(facts.status or "", row.status)
    if as_of is None or status not in {"active", "past_due"}:
        return status
    succeeded, failed = last_outcomes(session, row)
    if failed is not None and failed > max(as_of, succeeded or as_of):
        return "past_due"
    if succeeded is not None and succeeded > max(as_of, failed or as_of):
        return "active"
    return status


def _follow_plan(session: Session, row: Subscription, facts: SubscriptionFacts) -> None:
    """Plan, price and period by the price's id; a price that is not in our list changes none of them."""
    found = _known_item(session, facts.items)
    if found is not None:
        item, plan = found
        if item.unit_amount is not None:
            row.price_cents = item.unit_amount * (1 if item.quantity is None else item.quantity)
        elif row.plan_id != plan.id:
            row.price_cents = plan.price_cents
        row.plan_id = plan.id
        row.billing_period = _PERIODS.get(
            (item.interval or "", item.interval_count or 1), plan.billing_period
        )
    if facts.currency and (row.currency or "").lower() != facts.currency.lower():
        row.currency = facts.currency.upper()
    if row.stripe_customer_id is None and facts.customer_id is not None:
        row.stripe_customer_id = facts.customer_id


def _known_item(
    session: Session, items: tuple[SubscriptionItemFacts, ...]
) -> tuple[SubscriptionItemFacts, SubscriptionPlan] | None:
    prices = {item.price_id for item in items if item.price_id is not None}
    if not prices:
        return None
    plans = {plan.stripe_price_id: plan for plan in session.scalars(_PLANS, {"prices": sorted(prices)})}
    return next(((item, plans[item.price_id]) for item in items if item.price_id in plans), None)


def _follow_dates(row: Subscription, facts: SubscriptionFacts, status: str, moment: datetime) -> None:
    row.current_period_start = facts.current_period_start or row.current_period_start
    row.current_period_end = facts.current_period_end or row.current_period_end
    row.trial_end_date = facts.trial_end or row.trial_end_date
    if status == "canceled" or facts.cancel_at_period_end or facts.cancel_at is not None:
        row.canceled_at = facts.canceled_at or row.canceled_at or facts.ended_at or moment
        # What staff or the app wrote says more than Stripe's word.
        row.cancel_reason = row.cancel_reason or (
            facts.cancellation_comment or facts.cancellation_feedback or facts.cancellation_reason
        )
    elif facts.cancel_at_period_end is False:
        row.canceled_at = None
        row.cancel_reason = None


def _cause(facts: SubscriptionFacts, was: str) -> ledger.Cause:
    """Whether the couple wanted it to end. Older shapes give no reason; then unpaid ones count as lost."""
    if facts.cancellation_reason is not None:
        return "involuntary" if facts.cancellation_reason in _INVOLUNTARY else "voluntary"
    lost = facts.status == "incomplete_expired" or was in {"past_due", "incomplete"}
    return "involuntary" if lost else "voluntary"
