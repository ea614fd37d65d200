"""An add-on of ours that is paid again and again follows its subscription at Stripe."""

from datetime import datetime
from typing import Final

from sqlalchemy import select

from lib.core.work import Work
from lib.models import UserAddon, sortable
from lib.payments.events import SubscriptionFacts
from lib.payments.rows.found import Changes, noted

_OVER: Final = frozenset({"canceled", "incomplete_expired"})


def follow_addon(work: Work, facts: SubscriptionFacts, *, at: datetime | None = None) -> Changes | None:
    """Make our add-on say what its subscription does: whether it runs, until when it is paid, its end.

    One that ends with its period stays `active` with `canceled_at` filled, as subscriptions do. `at`: when
    the facts came to be. None when no add-on of ours has this subscription.
    """
    row = work.session.scalars(
        select(UserAddon)
        .where(UserAddon.stripe_subscription_id == facts.id)
        .order_by(sortable(UserAddon.created_at).desc(), UserAddon.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    over = facts.status in _OVER
    paused = facts.status == "paused" or facts.pause_behavior is not None
    row.status = "canceled" if over else "paused" if paused else "active"
    row.expiration_date = (facts.ended_at if over else facts.current_period_end) or row.expiration_date
    if over or facts.cancel_at_period_end or facts.cancel_at is not None:
        row.canceled_at = row.canceled_at or facts.canceled_at or facts.ended_at or at or work.now
    elif facts.cancel_at_period_end is False:
        row.canceled_at = None
    return noted(work)
