"""What puts a couple on the work list, each reason as a statement over the rows that are there.

    past_due            a bill could not be collected
    card_expiring       the card runs out within 45 days
    set_to_cancel       the subscription ends with its period
    trial_without_card  a trial ends within 14 days, and no card is known
    gift_ending         a gift ends within 30 days, and the couple has no subscription of its own
    falling_engagement  both partners' engagement of 7 days is less than half of that of the 21 before
    one_sided           in 28 days one partner came at least 4 times, the other not once

What is at stake is exact: annualised cents as the ledger has them. For what pays today it is what the house
policy counts; for a trial what it would pay; for a gift the price of its plan.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Insert, Select, case, func, insert, literal, null, or_, select
from sqlalchemy.orm import aliased

from lib.metrics.policies import HOUSE, counted
from lib.models import (
    CardOnFile,
    CoupleAtRisk,
    EngagementScore,
    Invoice,
    Payment,
    Relationship,
    Subscription,
    SubscriptionChange,
    UserSession,
    sortable,
)
from lib.models.types import Moment

REASONS: Final = (
    "past_due",
    "card_expiring",
    "set_to_cancel",
    "trial_without_card",
    "gift_ending",
    "falling_engagement",
    "one_sided",
)
WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "past_due": "A bill could not be collected.",
        "card_expiring": "The card on file runs out before long, so the next bill may fail.",
        "set_to_cancel": "The subscription ends with its period.",
        "trial_without_card": "The trial ends soon, and Stripe has told of no card.",
        "gift_ending": "The gift ends soon, and the couple has no subscription of its own.",
        "falling_engagement": "In the last 7 days the two did less than half of what they used to in a week.",
        "one_sided": "In 28 days one partner kept coming, the other did not come at all.",
    }
)
SOON: Final = timedelta(days=7)
CARD_WITHIN: Final = timedelta(days=45)
TRIAL_WITHIN: Final = timedelta(days=14)
GIFT_WITHIN: Final = timedelta(days=30)
RECENT, EARLIER = timedelta(days=7), timedelta(days=28)
POINTS_AT_LEAST: Final = 300
"""Engagement points in the 21 earlier days; who did less than that had little to lose."""
VISITS_AT_LEAST: Final = 4

_LIVE: Final = ("active", "past_due", "trialing")
_COLUMNS: Final = (
    "id",
    "relationship_id",
    "reason",
    "subscription_id",
    "object_id",
    "currency",
    "arr_cents",
    "since",
    "due_at",
    "urgent",
    "before",
    "after",
    "computed_at",
)


def statements(now: datetime) -> Iterator[Insert]:
    """The statements that fill an empty `admin_couples_at_risk`, as of a moment."""
    for found in (
        _past_due(now),
        _card_expiring(now),
        _set_to_cancel(now),
        _trial_without_card(now),
        _gift_ending(now),
        _falling_engagement(now),
        _one_sided(now),
    ):
        yield insert(CoupleAtRisk).from_select(list(_COLUMNS), found)


def _row(
    reason: str,
    now: datetime,
    *,
    arr_cents: Any,
    since: Any,
    due_at: Any,
    couple: Any = Subscription.relationship_id,
    subscription: Any = Subscription.id,
    currency: Any = None,
    about: Any = None,
    before: Any = None,
    after: Any = None,
) -> Select[*tuple[Any, ...]]:
    """One row of the list; without `due_at` nothing is due, and only what is past due is urgent then."""
    urgent: Any = literal(reason == "past_due")
    if due_at is not None and reason != "past_due":
        urgent = due_at <= now + SOON
    return select(
        subscription + f":{reason}",
        couple,
        literal(reason),
        subscription,
        subscription if about is None else func.coalesce(about, subscription),
        _upper(Subscription.currency) if currency is None else currency,
        func.coalesce(arr_cents, 0),
        since,
        literal(None, Moment()) if due_at is None else due_at,
        urgent,
        null() if before is None else before,
        null() if after is None else after,
        literal(now, Moment()),
    )


def _past_due(now: datetime) -> Select[*tuple[Any, ...]]:
    owed = (
        select(Invoice)
        .join(Payment, Payment.id == Invoice.payment_id)
        .where(Payment.subscription_id == Subscription.id, Invoice.status == "open")
        .order_by(Invoice.issued_at.desc(), Invoice.stripe_invoice_id)
        .limit(1)
        .correlate(Subscription)
    )
    since = func.coalesce(
        owed.with_only_columns(Invoice.issued_at).scalar_subquery(),
        sortable(Subscription.current_period_start),
    )
    return _row(
        "past_due",
        now,
        arr_cents=_worth(counted(HOUSE)),
        since=since,
        due_at=owed.with_only_columns(Invoice.next_attempt_at).scalar_subquery(),
        about=owed.with_only_columns(Invoice.payment_id).scalar_subquery(),
    ).where(Subscription.status == "past_due")


def _card_expiring(now: datetime) -> Select[*tuple[Any, ...]]:
    return (
        _row(
            "card_expiring",
            now,
            arr_cents=_worth(counted(HOUSE)),
            since=CardOnFile.told_at,
            due_at=CardOnFile.good_until,
        )
        .join(CardOnFile, CardOnFile.stripe_customer_id == Subscription.stripe_customer_id)
        .where(
            Subscription.status.in_(("active", "past_due")),
            Subscription.is_gift.is_not(True),
            Subscription.canceled_at.is_(None),
            CardOnFile.good_until <= now + CARD_WITHIN,
        )
    )


def _set_to_cancel(now: datetime) -> Select[*tuple[Any, ...]]:
    would_pay = _worth(SubscriptionChange.net_arr_cents)
    return _row(
        "set_to_cancel",
        now,
        arr_cents=case((Subscription.status == "trialing", would_pay), else_=_worth(counted(HOUSE))),
        since=sortable(Subscription.canceled_at),
        due_at=sortable(Subscription.current_period_end),
    ).where(
        Subscription.status.in_(_LIVE),
        Subscription.is_gift.is_not(True),
        Subscription.canceled_at.is_not(None),
    )


def _trial_without_card(now: datetime) -> Select[*tuple[Any, ...]]:
    ends = sortable(Subscription.trial_end_date)
    card = select(CardOnFile.card_id).where(CardOnFile.stripe_customer_id == Subscription.stripe_customer_id)
    # Where Stripe tells of no cards at all, a missing one means nothing.
    any_card = select(aliased(CardOnFile, name="any_card").card_id)
    return _row(
        "trial_without_card",
        now,
        arr_cents=_worth(SubscriptionChange.net_arr_cents),
        since=sortable(Subscription.created_at),
        due_at=ends,
    ).where(
        Subscription.status == "trialing",
        Subscription.canceled_at.is_(None),
        ends.between(now, now + TRIAL_WITHIN),
        ~card.exists(),
        any_card.exists(),
    )


def _gift_ending(now: datetime) -> Select[*tuple[Any, ...]]:
    ends, own = sortable(Subscription.current_period_end), aliased(Subscription, name="own")
    goes_on = select(own.id).where(
        own.relationship_id == Subscription.relationship_id,
        own.is_gift.is_not(True),
        own.status.in_(_LIVE),
    )
    return _row(
        "gift_ending",
        now,
        arr_cents=_worth(SubscriptionChange.list_arr_cents),
        since=sortable(Subscription.created_at),
        due_at=ends,
    ).where(
        Subscription.is_gift.is_(True),
        Subscription.status.in_(_LIVE),
        ends.between(now, now + GIFT_WITHIN),
        ~goes_on.exists(),
    )


def _falling_engagement(now: datetime) -> Select[*tuple[Any, ...]]:
    score, today = EngagementScore, now.date()
    recently = score.score_date >= today - RECENT
    points = (
        select(
            score.relationship_id,
            func.sum(case((recently, score.engagement_score), else_=0)).label("recent"),
            func.sum(case((~recently, score.engagement_score), else_=0)).label("earlier"),
        )
        .where(score.score_date >= today - EARLIER, score.score_date < today)
        .group_by(score.relationship_id)
        .cte("points")
    )
    paying = _paying()
    return (
        _row(
            "falling_engagement",
            now,
            arr_cents=paying.c.arr_cents,
            since=literal(now - RECENT, Moment()),
            due_at=None,
            couple=paying.c.relationship_id,
            subscription=paying.c.subscription_id,
            currency=paying.c.currency,
            # Three weeks as one, so that the two numbers compare.
            before=points.c.earlier // 3,
            after=points.c.recent,
        )
        .select_from(paying)
        .join(points, points.c.relationship_id == paying.c.relationship_id)
        # recent / 7 < half of earlier / 21
        .where(points.c.earlier >= POINTS_AT_LEAST, points.c.recent * 6 < points.c.earlier)
    )


def _one_sided(now: datetime) -> Select[*tuple[Any, ...]]:
    visit, couple = UserSession, Relationship
    of_first = func.sum(case((visit.user_id == couple.user_1_id, 1), else_=0))
    of_second = func.sum(case((visit.user_id == couple.user_2_id, 1), else_=0))
    visits = (
        select(visit.relationship_id, (of_first + of_second).label("number"))
        .join(couple, couple.id == visit.relationship_id)
        .where(visit.session_start >= now - EARLIER, couple.user_1_id != couple.user_2_id)
        .group_by(visit.relationship_id)
        .having(or_(of_first == 0, of_second == 0))
        .cte("visits")
    )
    paying = _paying()
    return (
        _row(
            "one_sided",
            now,
            arr_cents=paying.c.arr_cents,
            since=literal(now - EARLIER, Moment()),
            due_at=None,
            couple=paying.c.relationship_id,
            subscription=paying.c.subscription_id,
            currency=paying.c.currency,
            before=visits.c.number,
            after=literal(0),
        )
        .select_from(paying)
        .join(visits, visits.c.relationship_id == paying.c.relationship_id)
        .where(visits.c.number >= VISITS_AT_LEAST)
    )


def _paying() -> CTE:
    """Couples with what they pay, together, and the first of their subscriptions."""
    worth = func.coalesce(_worth(counted(HOUSE)), 0)
    each = (
        select(
            Subscription.relationship_id,
            Subscription.id,
            _upper(Subscription.currency).label("currency"),
            worth.label("worth"),
        )
        .where(Subscription.status.in_(("active", "past_due")), Subscription.is_gift.is_not(True))
        .subquery()
    )
    return (
        select(
            each.c.relationship_id,
            each.c.currency,
            func.min(each.c.id).label("subscription_id"),
            func.sum(each.c.worth).label("arr_cents"),
        )
        .where(each.c.worth > 0)
        .group_by(each.c.relationship_id, each.c.currency)
        .cte("paying")
    )


def _worth(amount: Any) -> ColumnElement[int]:
    """An amount of the newest entry in the ledger of a subscription."""
    entry = SubscriptionChange
    newest: ColumnElement[int] = (
        select(amount)
        .where(entry.subscription_id == Subscription.id)
        .order_by(entry.effective_at.desc(), entry.seq.desc())
        .limit(1)
        .correlate(Subscription)
        .scalar_subquery()
    )
    return newest


def _upper(currency: Any) -> Any:
    return func.upper(func.coalesce(currency, "USD"))
