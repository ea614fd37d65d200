"""A subscription at Stripe beside our row; add-ons and customers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from lib.payments.events import SubscriptionFacts, SubscriptionItemFacts
from lib.payments.gateway.listed import ListedCustomer
from lib.payments.reconcile.finding import GRACE, Finding, amount, moment
from lib.payments.reconcile.ours import LIVING, OurAddon, OurPrice, OurSubscription
from lib.payments.rows import STATUSES

PAYING: Final = ("active", "past_due")
_SAME_MOMENT: Final = timedelta(minutes=1)
_PERIODS: Final = {("month", 1): "monthly", ("month", 12): "annual", ("year", 1): "annual"}


def subscription(
    facts: SubscriptionFacts, row: OurSubscription, prices: Mapping[str, OurPrice], now: datetime
) -> list[Finding]:
    """What differs between a subscription of ours and Stripe's; each class at most once."""
    return [
        *_status(facts, row, now),
        *_period(facts, row, now),
        *_billing(facts, row, prices),
        *_ending(facts, row),
        *_collection(facts, row),
        *_customer(facts, row),
    ]


def unknown(facts: SubscriptionFacts, prices: Mapping[str, OurPrice]) -> Iterator[Finding]:
    """A subscription at Stripe that no row of ours is about, unless it is over."""
    if facts.status in {"canceled", "incomplete_expired", "incomplete"}:
        return
    item = facts.items[0] if facts.items else None
    known = prices.get(item.price_id or "") if item else None
    yield Finding(
        kind="subscription_unknown",
        ours=None,
        theirs=f"{known.name if known else 'Unknown plan'}, {facts.status}",
        stripe_id=facts.id,
        money_cents=_billed(item) if item else None,
        currency=_code(facts.currency),
        since=facts.created,
    )


def gone(row: OurSubscription) -> Iterator[Finding]:
    """A row whose subscription Stripe does not know, unless it is over here too."""
    if row.status in LIVING:
        yield _of(row, "subscription_gone", row.status, None, money_cents=row.price_cents)


def addon(facts: SubscriptionFacts, row: OurAddon) -> Iterator[Finding]:
    """An add-on whose subscription runs on one side only."""
    runs = STATUSES.get(facts.status or "", "active") in LIVING
    if runs != (row.status != "canceled"):
        yield Finding(
            kind="addon_status",
            ours=row.status,
            theirs=facts.status,
            stripe_id=facts.id,
            object_type="user_addons",
            object_id=row.id,
            relationship_id=row.relationship_id,
            money_cents=row.price_cents,
            currency=_code(facts.currency),
            since=facts.ended_at,
        )


def customer(
    listed: ListedCustomer, user_id: str | None, known: Sequence[OurSubscription]
) -> Iterator[Finding]:
    """A customer that no subscription of ours names.

    `user_id`: the person of ours that it is, None for nobody; `known`: that person's subscriptions.
    """
    others = sorted({row.customer_id for row in known if row.customer_id not in {None, listed.id}})
    if user_id is None:
        yield Finding(
            kind="customer_unknown", ours=None, theirs="A customer", stripe_id=listed.id, since=listed.created
        )
    elif others:
        yield Finding(
            kind="customer_duplicated",
            ours=", ".join(str(other) for other in others),
            theirs=listed.id,
            stripe_id=listed.id,
            object_type="users",
            object_id=user_id,
            relationship_id=known[0].relationship_id,
            since=listed.created,
        )


def customer_gone(row: OurSubscription) -> Iterator[Finding]:
    """A customer that Stripe does not know, if a subscription that is not over names it."""
    if row.status in LIVING:
        yield Finding(
            kind="customer_gone",
            ours=row.customer_id,
            theirs=None,
            stripe_id=row.customer_id,
            object_type="subscriptions",
            object_id=row.id,
            relationship_id=row.relationship_id,
            money_cents=row.price_cents,
            currency=_code(row.currency),
        )


def _status(facts: SubscriptionFacts, row: OurSubscription, now: datetime) -> Iterator[Finding]:
    theirs = STATUSES.get(facts.status or "", row.status)
    trial_over = row.status == "trialing" and row.trial_end is not None and row.trial_end < now - GRACE
    if theirs != row.status:
        overdue = row.status == "active" and row.period_end is not None and row.period_end < now - GRACE
        kind = "subscription_status"
        if trial_over or overdue:
            kind = "trialing_past_end" if trial_over else "active_past_period"
        at_stake = (theirs in PAYING) != (row.status in PAYING)
        yield _of(
            row,
            kind,
            row.status,
            facts.status,
            money_cents=row.price_cents if at_stake else None,
            since=facts.ended_at or (row.trial_end if trial_over else row.period_end if overdue else None),
        )
    elif trial_over and facts.trial_end is not None and facts.trial_end < now - GRACE:
        yield _of(
            row,
            "trialing_past_end",
            f"until {moment(row.trial_end)}",
            f"until {moment(facts.trial_end)}",
            money_cents=row.price_cents,
            since=row.trial_end,
            why_not="Stripe says the same: its own trial is over and was not ended. Look at it there.",
        )


def _period(facts: SubscriptionFacts, row: OurSubscription, now: datetime) -> Iterator[Finding]:
    theirs, status = facts.current_period_end, STATUSES.get(facts.status or "", row.status)
    if theirs is None or row.period_end is None:
        return
    past = row.status == status == "active" and row.period_end < now - GRACE
    differs = abs(theirs - row.period_end) > _SAME_MOMENT
    if differs and (past or status == row.status):
        kind = "active_past_period" if past else "subscription_period"
        yield _of(
            row,
            kind,
            f"until {moment(row.period_end)}",
            f"until {moment(theirs)}",
            money_cents=row.price_cents if past else None,
            since=row.period_end if past else None,
        )
    elif past:
        yield _of(
            row,
            "active_past_period",
            f"until {moment(row.period_end)}",
            f"until {moment(theirs)}",
            money_cents=row.price_cents,
            since=row.period_end,
            why_not="Stripe says the same: it has not renewed it. Look at its invoices there.",
        )


def _billing(
    facts: SubscriptionFacts, row: OurSubscription, prices: Mapping[str, OurPrice]
) -> Iterator[Finding]:
    """Plan, rhythm and price, by the first item whose price is a plan's, as our row follows it."""
    if not facts.items:
        return
    known = _plan_of(facts.items, prices)
    if known is None:
        if row.status in LIVING:
            item = facts.items[0]
            yield _of(
                row,
                "subscription_price_unknown",
                amount(row.price_cents, row.currency),
                f"{amount(_billed(item), item.currency) or 'unknown amount'} by {item.price_id}",
                money_cents=row.price_cents,
            )
        return
    item, plan = known
    rhythm = _PERIODS.get((item.interval or "", item.interval_count or 1), plan.billing_period)
    if (plan.id, rhythm) != (row.plan_id, row.billing_period):
        yield _of(
            row,
            "subscription_plan",
            f"{_name(row.plan_id, prices)}, {row.billing_period}",
            f"{plan.name}, {rhythm}",
            money_cents=_difference(_billed(item), row.price_cents),
        )
        return
    ours = amount(row.price_cents, row.currency)
    theirs = amount(row.price_cents if _billed(item) is None else _billed(item), facts.currency)
    if ours != theirs:
        yield _of(
            row, "subscription_price", ours, theirs, money_cents=_difference(_billed(item), row.price_cents)
        )


def _ending(facts: SubscriptionFacts, row: OurSubscription) -> Iterator[Finding]:
    status = STATUSES.get(facts.status or "", row.status)
    ends = bool(facts.cancel_at_period_end) or facts.cancel_at is not None
    unsaid = facts.cancel_at_period_end is None and facts.cancel_at is None
    if unsaid or status == "canceled" or row.status == "canceled" or ends == (row.canceled_at is not None):
        return
    ending = "set to cancel"
    yield _of(
        row,
        "subscription_ending",
        "goes on" if ends else ending,
        ending if ends else "goes on",
        money_cents=row.price_cents,
        since=facts.canceled_at or row.canceled_at,
    )


def _collection(facts: SubscriptionFacts, row: OurSubscription) -> Iterator[Finding]:
    """Whether its bills are paused. Of one that is over, or of another status here, that says nothing."""
    paused = facts.pause_behavior is not None
    if (
        row.status not in LIVING
        or STATUSES.get(facts.status or "") != row.status
        or paused == row.bills_paused
    ):
        return
    theirs = (facts.pause_behavior or "").replace("_", " ")
    yield _of(
        row,
        "subscription_collection",
        "billed" if paused else "bills paused",
        f"bills paused: {theirs}" if paused else "billed",
        money_cents=row.price_cents,
    )


def _customer(facts: SubscriptionFacts, row: OurSubscription) -> Iterator[Finding]:
    if facts.customer_id is None or facts.customer_id == row.customer_id:
        return
    yield _of(
        row,
        "subscription_customer",
        row.customer_id,
        facts.customer_id,
        why_not=None
        if row.customer_id is None
        else "Stripe never moves a subscription, so one of the two was mistyped. Find out who pays.",
    )


def _of(row: OurSubscription, kind: str, ours: str | None, theirs: str | None, **more: Any) -> Finding:
    return Finding(
        kind=kind,
        ours=ours,
        theirs=theirs,
        stripe_id=row.stripe_id,
        object_type="subscriptions",
        object_id=row.id,
        relationship_id=row.relationship_id,
        currency=_code(row.currency),
        **more,
    )


def _plan_of(
    items: Sequence[SubscriptionItemFacts], prices: Mapping[str, OurPrice]
) -> tuple[SubscriptionItemFacts, OurPrice] | None:
    for item in items:
        plan = prices.get(item.price_id or "")
        if plan is not None and plan.object_type == "subscription_plans":
            return item, plan
    return None


def _billed(item: SubscriptionItemFacts) -> int | None:
    if item.unit_amount is None:
        return None
    return item.unit_amount * (1 if item.quantity is None else item.quantity)


def _difference(theirs: int | None, ours: int) -> int | None:
    return None if theirs is None else abs(theirs - ours)


def _name(plan_id: str, prices: Mapping[str, OurPrice]) -> str:
    return next((each.name for each in prices.values() if each.id == plan_id), plan_id)


def _code(currency: str | None) -> str:
    return (currency or "USD").upper()
