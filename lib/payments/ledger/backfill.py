"""Chains for subscriptions that have none: all of them in bulk, or one before its first recorded change."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, func, insert, select
from sqlalchemy.orm import Session

from lib.core.work import Work, job
from lib.models import CohortMember, DiscountUsage, Payment, Subscription, SubscriptionChange, sortable
from lib.payments.ledger.history import Known, history_of
from lib.payments.ledger.states import newest

CHUNK: Final = 2_000

# Not the class: the ORM would insert row by row, to learn each number.
_LEDGER = cast(Table, SubscriptionChange.__table__)
_PAID_AT: Final = sortable(func.coalesce(Payment.processed_at, Payment.created_at)).label("paid_at")
_COLUMNS: Final = (
    "id relationship_id plan_id status billing_period price_cents currency is_gift created_at updated_at "
    "trial_end_date current_period_start current_period_end canceled_at cancel_reason"
).split()

_ONE_OF: Final = (
    Payment.subscription_id.between(bindparam("first"), bindparam("last")),
    Payment.transaction_type == "subscription",
)
_FAILED: Final = (Payment.status == "failed").label("failed")
_PAID: Final = (
    select(Payment.subscription_id, _FAILED, func.min(_PAID_AT.element), func.max(_PAID_AT.element))
    .where(*_ONE_OF, Payment.status.in_(("succeeded", "refunded", "failed")))
    .group_by(Payment.subscription_id, _FAILED)
)
_DISCOUNTED: Final = (
    select(Payment.subscription_id, _PAID_AT, func.sum(DiscountUsage.discount_amount_cents))
    .join(DiscountUsage, DiscountUsage.transaction_id == Payment.id)
    .where(*_ONE_OF, Payment.status.in_(("succeeded", "refunded")))
    .group_by(Payment.subscription_id, Payment.id, _PAID_AT)
    .order_by(Payment.subscription_id, _PAID_AT)
)

_CAME: Final = (
    select(Subscription.id, func.min(CohortMember.joined_via))
    .join(CohortMember, CohortMember.relationship_id == Subscription.relationship_id)
    .where(
        Subscription.id.between(bindparam("first"), bindparam("last")), CohortMember.joined_via.is_not(None)
    )
    .group_by(Subscription.id)
)


@job
def backfill(work: Work, *, chunk: int = CHUNK) -> int:
    """Work out the chain of every subscription that has none; gives how many rows were added.

    Safe to run again: a subscription with rows is left alone. Constant memory; the subscriptions are read
    `chunk` at a time in the order of their ids. One without a readable date is counted as left out.
    """
    last, added = "", 0
    while found := _without_chain(work.session, last, chunk):
        rows = []
        for known in _with_payments(work.session, found):
            chain = _rows(known, work.now)
            work.count("subscriptions" if chain else "left_out")
            rows += chain
        if rows:
            work.session.execute(insert(_LEDGER), rows)
        added += len(rows)
        last = found[-1]["id"]
    work.count("subscription_changes", added)
    return added


def begin(work: Work, subscription: Subscription) -> None:
    """Give a subscription without a chain the one that its rows tell, before something about it changes.

    Otherwise its first recorded change would stand for its whole past, and the backfill would leave it alone.
    """
    if newest(work.session, subscription.id) is not None:
        return
    row = {name: getattr(subscription, name) for name in _COLUMNS}
    for known in _with_payments(work.session, [row]):
        work.session.add_all(SubscriptionChange(**values) for values in _rows(known, work.now))


def _rows(known: Known, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "subscription_id": known.id,
            "effective_at": link.effective_at,
            "recorded_at": now,
            "cause": link.cause,
            "source": "backfill",
            "source_id": None,
            **link.state.columns(),
        }
        for link in history_of(known, now)
    ]


def _without_chain(session: Session, after: str, limit: int) -> list[dict[str, Any]]:
    recorded = select(SubscriptionChange.seq).where(SubscriptionChange.subscription_id == Subscription.id)
    columns = [getattr(Subscription, name) for name in _COLUMNS]
    statement = (
        select(*columns)
        .where(Subscription.id > after, ~recorded.exists())
        .order_by(Subscription.id)
        .limit(limit)
    )
    return [dict(zip(_COLUMNS, row, strict=True)) for row in session.execute(statement)]


def _with_payments(session: Session, found: Sequence[dict[str, Any]]) -> Iterator[Known]:
    """The subscriptions with what their payments say and how they came: three statements in all."""
    first, last = found[0]["id"], found[-1]["id"]
    dates: dict[str | None, dict[str, Any]] = defaultdict(dict)
    for key, failed, earliest, latest in session.execute(_PAID, {"first": first, "last": last}):
        known = dates[key]
        if failed:
            known["last_failed"] = latest
        else:
            known["first_paid"], known["last_paid"] = earliest, latest
    discounts: dict[str | None, list[tuple[datetime, int]]] = defaultdict(list)
    for key, paid, cents in session.execute(_DISCOUNTED, {"first": first, "last": last}):
        if paid is not None:
            discounts[key].append((paid, cents))
    came = {key: via for key, via in session.execute(_CAME, {"first": first, "last": last})}  # noqa: C416
    for subscription in found:
        key = subscription["id"]
        yield Known(
            **subscription,
            **dates.get(key, {}),
            discounts=discounts.get(key, ()),
            acquired_via=came.get(key) or "",
        )
