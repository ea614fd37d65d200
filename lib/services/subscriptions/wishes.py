"""What can be wished for a subscription, when it cannot be granted, and how a wish is queued."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy.orm import Session

from lib.core.errors import NotFound, Refused
from lib.core.work import Digest, Work
from lib.models import Operation, Subscription, SubscriptionChange, new_id
from lib.payments import ledger, operations

Wish = Literal[
    "cancel_now",
    "cancel_at_period_end",
    "cancel_on",
    "keep",
    "change_plan",
    "pause_collection",
    "resume_collection",
    "pause",
    "resume",
    "extend_trial",
    "free_months",
    "comp",
    "apply_code",
    "remove_discount",
]
"""Each is the operation `subscription_<wish>`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a wish can be granted: the row, and what stands beside it."""

    status: str
    at_stripe: bool
    set_to_cancel: bool
    collection_paused: bool

    @classmethod
    def of(cls, subscription: Subscription, last: SubscriptionChange | None) -> "Standing":
        """How a subscription stands; whether its bills are paused only `last`, its ledger's end, knows."""
        return cls(
            subscription.status,
            bool(subscription.stripe_subscription_id),
            is_set_to_cancel(subscription),
            last is not None and last.collection_paused,
        )


def is_set_to_cancel(subscription: Subscription) -> bool:
    """Whether it is going to end: production says so by `canceled_at` before the end."""
    return subscription.status != "canceled" and subscription.canceled_at is not None


def why_not(wish: Wish, standing: Standing, under_way: str | None = None) -> str | None:
    """Why a wish cannot be granted now, as a sentence; None when it can."""
    if under_way:
        return f"“{under_way}” is already under way. Wait until Stripe has answered."
    if standing.status == "canceled":
        return "This subscription has ended, and nothing about it can be changed. The couple can start anew."
    if not standing.at_stripe:
        return (
            "This subscription is not at Stripe (a gift, or made by hand): nothing can be done to it there."
        )
    return _RULES[wish](standing)


def prepare(
    work: Work, wish: Wish, subscription: Subscription, *, shown: Digest, reason: str, **params: Any
) -> Operation:
    """Queue a wish, the last thing that an action does.

    Raises Refused when the subscription changed since it was shown, when it does not allow the wish, and
    while another operation on it is under way.
    """
    work.expect(subscription, shown)
    if why := why_not(wish, Standing.of(subscription, ledger.newest(work.session, subscription.id))):
        raise Refused(why)
    return queue(work, wish, subscription, reason=reason, **params)


def queue(work: Work, wish: Wish, subscription: Subscription, *, reason: str, **params: Any) -> Operation:
    """Queue a wish that was found to be possible; raises Refused while another operation is under way."""
    return operations.prepare(
        work,
        f"subscription_{wish}",
        object_type="subscriptions",
        object_id=subscription.id,
        relationship_id=subscription.relationship_id,
        params={"subscription_id": subscription.stripe_subscription_id, "mark": new_id(), **params},
        reason=reason,
    )


def get(session: Session, subscription_id: str) -> Subscription:
    """The subscription with an id; raises NotFound."""
    subscription = session.get(Subscription, subscription_id)
    if subscription is None:
        raise NotFound(f"There is no subscription “{subscription_id[:40]}”.")
    return subscription


def _no_end_yet(standing: Standing) -> str | None:
    if standing.set_to_cancel:
        return "This subscription is set to cancel already. Keep it first if it is to end at another time."
    if standing.status == "incomplete":
        return "This subscription is incomplete: no period is paid for, so cancel it now instead."
    return None


def _keep(standing: Standing) -> str | None:
    return None if standing.set_to_cancel else "This subscription is not set to cancel: it goes on."


def _runs(*statuses: str, what: str) -> Callable[[Standing], str | None]:
    """A rule: one of these statuses, and no end in sight."""

    def rule(standing: Standing) -> str | None:
        if standing.status not in statuses:
            return f"This subscription is {standing.status.replace('_', ' ')}: {what}"
        if standing.set_to_cancel:
            return "This subscription is set to cancel. Keep it first, so that the change is of use."
        return None

    return rule


_COLLECTED: Final = ("active", "trialing", "past_due")


def _pause_collection(standing: Standing) -> str | None:
    if standing.collection_paused:
        return "Its bills are paused already. Bill again first if they are to be paused in another way."
    return _runs(*_COLLECTED, what="it makes no bills that could be paused.")(standing)


def _resume_collection(standing: Standing) -> str | None:
    return None if standing.collection_paused else "Its bills are not paused."


def _pause(standing: Standing) -> str | None:
    if standing.collection_paused:
        return "Its bills are paused. Bill again first, so that one pause does not hide the other."
    return _runs("active", "trialing", what="only a running one that is paid can be paused.")(standing)


def _resume(standing: Standing) -> str | None:
    return None if standing.status == "paused" else "This subscription is not paused."


def _free_months(standing: Standing) -> str | None:
    if standing.status == "trialing":
        return "This subscription is in its trial, which costs nothing. Extend the trial instead."
    if standing.collection_paused:
        return "Its bills are paused, so there is nothing to give away. Bill again first."
    return _runs("active", "past_due", what="there is no bill that could be free.")(standing)


_RULES: Final[Mapping[Wish, Callable[[Standing], str | None]]] = {
    "cancel_now": lambda _: None,
    "cancel_at_period_end": _no_end_yet,
    "cancel_on": _no_end_yet,
    "keep": _keep,
    "change_plan": _runs("active", "trialing", what="its plan can be changed once it is active again."),
    "pause_collection": _pause_collection,
    "resume_collection": _resume_collection,
    "pause": _pause,
    "resume": _resume,
    "extend_trial": _runs("trialing", what="it has no trial that could be longer. Give free months instead."),
    "free_months": _free_months,
    "comp": _runs(*_COLLECTED, what="there is no bill that could cost nothing."),
    "apply_code": _runs(*_COLLECTED, what="a code takes nothing off."),
    "remove_discount": lambda _: None,
}
WISHES: Final[tuple[Wish, ...]] = tuple(_RULES)
