"""A subscription ends: now, with the period that is paid for, or on a date; or it is kept after all."""

from datetime import date, timedelta
from typing import Final

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.moments import day_bounds
from lib.core.work import Digest, Work, action
from lib.models import Operation
from lib.services.subscriptions.wishes import get, prepare

FURTHEST_END: Final = timedelta(days=2 * 365)
"""How far away an end may be: beyond it a mistyped year is likelier than a plan."""


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def cancel_at_period_end(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Let it end with the period that is paid for: access stays until then, MRR too.

    Raises Refused when it changed since it was shown, is not Stripe's, has ended or is set to end already,
    was never paid for, or while another operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    return prepare(work, "cancel_at_period_end", subscription, shown=shown, reason=reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def cancel_on(work: Work, subscription_id: str, *, last_day: date, shown: Digest, reason: str) -> Operation:
    """Let it end with a day, counted in UTC: access and bills go on until then, and nothing is paid back.

    Raises Invalid for a day that is over or more than two years away, and Refused as `cancel_at_period_end`.
    """
    moment = day_bounds(last_day)[1]
    if not work.now < moment <= work.now + FURTHEST_END:
        raise Invalid("The last day must be today or later, and at most two years away.")
    subscription = get(work.session, subscription_id)
    return prepare(work, "cancel_on", subscription, shown=shown, reason=reason, moment=moment.isoformat())


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def cancel_now(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """End it at once: access and MRR end, and nothing is paid back (that is a refund, which another decides).

    Raises Refused when it changed since it was shown, is not Stripe's, has ended already, or while another
    operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    return prepare(work, "cancel_now", subscription, shown=shown, reason=reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="subscriptions")
def keep(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Take back a cancellation, whether it was at the period's end or on a date.

    Raises Refused when it changed since it was shown, is not set to cancel, has ended already, or while
    another operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    return prepare(work, "keep", subscription, shown=shown, reason=reason)
