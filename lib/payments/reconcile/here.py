"""What our rows alone say, without Stripe: states that cannot be, customers twice, two who pay."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from lib.models import Subscription, sortable
from lib.payments.reconcile import ours
from lib.payments.reconcile.compare.subscriptions import PAYING
from lib.payments.reconcile.finding import GRACE, Finding, moment

_NOT_AT_STRIPE = "It has no subscription at Stripe to follow. End it, or start one for the couple."


def impossible(session: Session, after: str, now: datetime, limit: int) -> list[tuple[str, list[Finding]]]:
    """Subscriptions without one at Stripe whose time is over, in the order of their ids.

    Those that Stripe bills are compared with it instead. A gift or a grant ends by itself in the app.
    """
    over = now - GRACE
    rows = ours.subscriptions(
        session,
        and_(
            Subscription.id > after,
            Subscription.stripe_subscription_id.is_(None),
            or_(
                and_(Subscription.status == "trialing", sortable(Subscription.trial_end_date) < over),
                and_(Subscription.status == "active", sortable(Subscription.current_period_end) < over),
            ),
        ),
        limit,
    )
    return [(row.id, [_over(row)]) for row in rows]


def _over(row: ours.OurSubscription) -> Finding:
    trial = row.status == "trialing"
    end = row.trial_end if trial else row.period_end
    return Finding(
        kind="trialing_past_end" if trial else "active_past_period",
        ours=f"until {moment(end)}",
        theirs=None,
        object_type="subscriptions",
        object_id=row.id,
        relationship_id=row.relationship_id,
        money_cents=row.price_cents,
        currency=(row.currency or "USD").upper(),
        since=end,
        why_not=_NOT_AT_STRIPE,
    )


def customers_twice(session: Session) -> Iterator[Finding]:
    """People whose subscriptions name more than one customer."""
    number = func.count(Subscription.stripe_customer_id.distinct())
    statement = (
        select(
            Subscription.user_id,
            func.min(Subscription.stripe_customer_id),
            func.max(Subscription.stripe_customer_id),
            func.min(Subscription.relationship_id),
        )
        .where(Subscription.stripe_customer_id.is_not(None))
        .group_by(Subscription.user_id)
        .having(number > 1)
        .order_by(Subscription.user_id)
    )
    for user_id, first, last, couple in session.execute(statement.execution_options(yield_per=1000)):
        yield Finding(
            kind="customer_duplicated",
            ours=f"{first}, {last}",
            theirs=None,
            object_type="users",
            object_id=user_id,
            relationship_id=couple,
        )


def both_pay(session: Session) -> Iterator[Finding]:
    """Couples of whom both partners have a subscription that is billed."""
    payers = func.count(Subscription.user_id.distinct())
    statement = (
        select(
            Subscription.relationship_id, func.sum(Subscription.price_cents), func.min(Subscription.currency)
        )
        .where(Subscription.status.in_(PAYING), Subscription.is_gift.is_not(True))
        .group_by(Subscription.relationship_id)
        .having(payers > 1)
        .order_by(Subscription.relationship_id)
    )
    for couple, cents, currency in session.execute(statement.execution_options(yield_per=1000)):
        yield Finding(
            kind="both_partners_pay",
            ours="two subscriptions",
            theirs=None,
            object_type="relationships",
            object_id=couple,
            relationship_id=couple,
            money_cents=int(cents),
            currency=(currency or "USD").upper(),
        )
