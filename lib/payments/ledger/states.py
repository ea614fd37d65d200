"""The state of a subscription, and adding it to the ledger when it is another than before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Self

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, aliased

from lib.core.money import annualised
from lib.core.work import Work
from lib.models import CohortMember, Subscription, SubscriptionChange

Source = Literal["action", "event", "backfill"]
Cause = Literal["voluntary", "involuntary"]

_NEWEST: Final = (
    select(SubscriptionChange)
    .where(SubscriptionChange.subscription_id == bindparam("subscription_id"))
    .order_by(SubscriptionChange.effective_at.desc(), SubscriptionChange.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class State:
    """What a policy may look at; two equal states need no second row. Amounts are annualised cents.

    `goodwill_arr_cents`: how much of what is taken off is free months that staff gave; `forever_arr_cents`:
    how much of it is coupons without an end. `acquired_via`: how the couple came, empty where nobody knows.
    """

    relationship_id: str
    status: str
    plan_id: str
    billing_period: str
    currency: str
    list_arr_cents: int
    net_arr_cents: int
    is_gift: bool
    collection_paused: bool
    set_to_cancel: bool
    goodwill_arr_cents: int = 0
    forever_arr_cents: int = 0
    acquired_via: str = ""

    @classmethod
    def of_row(cls, row: SubscriptionChange) -> Self:
        """The state that a row of the ledger holds."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    def columns(self) -> dict[str, Any]:
        """The state as columns of a row of the ledger."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def state_of(
    subscription: Subscription,
    *,
    discount_arr_cents: int = 0,
    goodwill_arr_cents: int = 0,
    forever_arr_cents: int = 0,
    collection_paused: bool = False,
    acquired_via: str = "",
) -> State:
    """The state of a subscription as its row stands.

    `discount_arr_cents`: what running discounts take off a year, `forever_arr_cents` how much of it has no
    end, `goodwill_arr_cents` what free months take off. `collection_paused`: whether Stripe holds back its
    invoices. `acquired_via`: how the couple came. None of them is on the row.
    """
    price = annualised(subscription.price_cents, subscription.billing_period)
    return State(
        relationship_id=subscription.relationship_id,
        status=subscription.status,
        plan_id=subscription.plan_id,
        billing_period=subscription.billing_period,
        currency=(subscription.currency or "USD").upper(),
        list_arr_cents=price,
        net_arr_cents=max(price - discount_arr_cents - goodwill_arr_cents, 0),
        goodwill_arr_cents=goodwill_arr_cents,
        forever_arr_cents=min(forever_arr_cents, price),
        is_gift=bool(subscription.is_gift),
        collection_paused=collection_paused,
        acquired_via=acquired_via,
        set_to_cancel=subscription.status != "canceled" and subscription.canceled_at is not None,
    )


def newest(session: Session, subscription_id: str) -> SubscriptionChange | None:
    """The last row of a subscription's chain, one that this transaction has yet to write included."""
    pending = [
        row
        for row in session.new
        if isinstance(row, SubscriptionChange) and row.subscription_id == subscription_id
    ]
    if pending:  # in the order in which they were added: a chain never goes back in time
        return pending[-1]
    return session.scalars(_NEWEST, {"subscription_id": subscription_id}).one_or_none()


def newest_of(session: Session, subscription_ids: Sequence[str]) -> dict[str, SubscriptionChange]:
    """The last row of the chain of each subscription, by its id, as it is stored. One statement."""
    earlier = aliased(SubscriptionChange)
    last = (
        select(earlier.seq)
        .where(earlier.subscription_id == SubscriptionChange.subscription_id)
        .order_by(earlier.effective_at.desc(), earlier.seq.desc())
        .limit(1)
        .correlate(SubscriptionChange)
        .scalar_subquery()
    )
    rows = session.scalars(
        select(SubscriptionChange).where(
            SubscriptionChange.subscription_id.in_(subscription_ids), SubscriptionChange.seq == last
        )
    )
    return {row.subscription_id: row for row in rows}


def record(
    work: Work,
    subscription: Subscription,
    *,
    effective_at: datetime,
    source: Source,
    source_id: str | None = None,
    cause: Cause | None = None,
    collection_paused: bool | None = None,
    discount_arr_cents: int | None = None,
    goodwill_arr_cents: int | None = None,
    forever_arr_cents: int | None = None,
) -> SubscriptionChange | None:
    """Add the subscription's present state to its chain, unless the chain ends with that state.

    `cause` is kept with the end of a subscription only. The others are as in `state_of`; None leaves them as
    the chain has them, what is taken off in proportion to the price.
    """
    last = newest(work.session, subscription.id)
    price = annualised(subscription.price_cents, subscription.billing_period)
    if discount_arr_cents is None:
        discount_arr_cents = _in_proportion(last, price, _discount_of(last))
    if goodwill_arr_cents is None:
        goodwill_arr_cents = _in_proportion(last, price, last.goodwill_arr_cents if last else 0)
    if forever_arr_cents is None:
        forever_arr_cents = _in_proportion(last, price, last.forever_arr_cents if last else 0)
    if collection_paused is None:
        collection_paused = last is not None and last.collection_paused
    state = state_of(
        subscription,
        discount_arr_cents=discount_arr_cents,
        goodwill_arr_cents=goodwill_arr_cents,
        forever_arr_cents=forever_arr_cents,
        collection_paused=collection_paused,
        acquired_via=last.acquired_via if last else acquired_via(work.session, subscription.relationship_id),
    )
    if last is not None and State.of_row(last) == state:
        return None
    row = SubscriptionChange(
        subscription_id=subscription.id,
        effective_at=effective_at if last is None else max(effective_at, last.effective_at),
        recorded_at=work.now,
        cause=cause if state.status == "canceled" else None,
        source=source,
        source_id=source_id,
        **state.columns(),
    )
    work.session.add(row)
    return row


def acquired_via(session: Session, relationship_id: str) -> str:
    """How a couple came to the app, as the app's cohorts have it; empty where they do not say."""
    via = session.scalar(
        select(func.min(CohortMember.joined_via)).where(CohortMember.relationship_id == relationship_id)
    )
    return via or ""


def _discount_of(last: SubscriptionChange | None) -> int:
    return 0 if last is None else last.list_arr_cents - last.net_arr_cents - last.goodwill_arr_cents


def _in_proportion(last: SubscriptionChange | None, price: int, taken_off: int) -> int:
    """What was taken off the former price, as the same part of this one."""
    if last is None or last.list_arr_cents == 0:
        return 0
    return price * taken_off // last.list_arr_cents
