"""The two pauses, which are different things and are never to be mixed up.

`pause_collection` ("pause the bills"): the couple keeps its access and is still `active`; Stripe collects
nothing, and `behavior` says what becomes of each bill meanwhile. `pause` ("pause the subscription"): the
service stops, no bills are made, and what is left of the paid period is a credit for the first bill
afterwards. Under the house policy neither counts in MRR.
"""

from datetime import date
from typing import Final, get_args

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.moments import day_bounds
from lib.core.work import Digest, Work, action
from lib.models import Operation
from lib.payments.gateway import PauseBehavior
from lib.services.subscriptions.wishes import get, prepare

BEHAVIORS: Final[dict[str, str]] = {
    "void": "Void: never owed",
    "keep_as_draft": "Drafts: can be sent later",
    "mark_uncollectible": "Written off: count as lost",
}
"""What becomes of the bills while they are paused, in the words of the page."""


@action(Permission.SUBSCRIPTIONS_CHANGE, about="subscriptions")
def pause_collection(
    work: Work,
    subscription_id: str,
    *,
    behavior: str,
    shown: Digest,
    reason: str,
    until: date | None = None,
) -> Operation:
    """Pause the bills; `until` is the first day, in UTC, from which they are collected again.

    Raises Invalid for a behavior that Stripe does not have or a day that is not in the future, Refused when
    the subscription changed since it was shown, makes no bills, has them paused already, or while another
    operation on it is under way.
    """
    if behavior not in get_args(PauseBehavior):
        raise Invalid(f"Paused bills are {', '.join(BEHAVIORS)}, not “{behavior[:40]}”.".replace("_", " "))
    moment = day_bounds(until)[0] if until else None
    if moment is not None and moment <= work.now:
        raise Invalid("The day from which bills are collected again must be in the future.")
    return prepare(
        work,
        "pause_collection",
        get(work.session, subscription_id),
        shown=shown,
        reason=reason,
        behavior=behavior,
        until=moment.isoformat() if moment else None,
    )


@action(Permission.SUBSCRIPTIONS_CHANGE, about="subscriptions")
def resume_collection(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Collect bills again, from the next one on.

    Raises Refused when the subscription changed since it was shown, when its bills are not paused, or while
    another operation on it is under way.
    """
    subscription = get(work.session, subscription_id)
    return prepare(work, "resume_collection", subscription, shown=shown, reason=reason)


@action(Permission.SUBSCRIPTIONS_CHANGE, about="subscriptions")
def pause(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """Pause the subscription itself: access and bills stop until somebody ends the pause.

    Raises Refused when it changed since it was shown, is not running, is set to cancel, has its bills paused,
    or while another operation on it is under way. Stripe refuses it in the classic billing mode.
    """
    return prepare(work, "pause", get(work.session, subscription_id), shown=shown, reason=reason)


@action(Permission.SUBSCRIPTIONS_CHANGE, about="subscriptions")
def resume(work: Work, subscription_id: str, *, shown: Digest, reason: str) -> Operation:
    """End the real pause: a new period begins now and is collected at once, less the credit from before.

    Raises Refused when it changed since it was shown, is not paused, or while another operation on it is
    under way.
    """
    return prepare(work, "resume", get(work.session, subscription_id), shown=shown, reason=reason)
