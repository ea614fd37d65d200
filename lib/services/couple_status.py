"""Pausing, ending and resuming a couple, and what then happens to what they pay for. No row is deleted.

    active <--resume/pause--> paused        active, paused --end--> ended

The couple's row changes at once; what is to happen at Stripe is queued with it, in one transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.work import Digest, View, Work, action, digest, query
from lib.models import (
    Addon,
    Relationship,
    Subscription,
    SubscriptionPlan,
    UserAddon,
    sortable,
)
from lib.payments import operations
from lib.services.subscriptions.wishes import Standing as SubscriptionStanding
from lib.services.subscriptions.wishes import why_not

Fate = Literal["keep_running", "cancel_at_period_end", "cancel_now"]
FATES: Final[tuple[Fate, ...]] = ("cancel_at_period_end", "cancel_now", "keep_running")
"""What happens to the couple's subscriptions."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Something that a couple pays for, or was given, and that goes on unless it is ended with them."""

    id: str
    what: Literal["subscription", "gift", "add_on"]
    name: str
    status: str
    price_cents: int
    currency: str
    until: datetime | None
    at_stripe: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A couple's status, what it has, and why it cannot be paused, ended or resumed now."""

    couple_id: str
    digest: Digest
    status: str
    touched: tuple[Touched, ...]
    why_not_pause: str | None
    why_not_end: str | None
    why_not_resume: str | None


@query(Permission.PEOPLE_READ)
def standing(view: View, couple_id: str) -> Standing:
    """What pausing or ending a couple touches; raises NotFound. Three statements."""
    couple = _get(view.session.get(Relationship, couple_id), couple_id)
    status = couple.status or "active"
    return Standing(
        couple_id,
        digest(couple),
        status,
        (*_subscriptions(view.session, couple_id), *_addons(view.session, couple_id)),
        why_not_pause=None if status == "active" else f"This couple is {status}; only an active one pauses.",
        why_not_end="This couple has ended already." if status == "ended" else None,
        why_not_resume=None if status != "active" else "This couple is active.",
    )


@action(Permission.SUBSCRIPTIONS_CANCEL, about="relationships")
def pause(work: Work, couple_id: str, *, shown: Digest, subscription: str, reason: str) -> int:
    """Pause a couple; gives how many operations were queued for its subscriptions.

    `subscription`: one of FATES. Raises Refused when the couple changed since it was shown or is not active,
    or while an operation on one of its subscriptions is under way; Invalid for another fate.
    """
    return _become(work, couple_id, "paused", ("active",), shown, subscription, reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="relationships")
def end(work: Work, couple_id: str, *, shown: Digest, subscription: str, reason: str) -> int:
    """End a couple; gives how many operations were queued for its subscriptions. Raises as `pause` does.

    Everything that the two did together stays. Gifts run out by themselves; add-ons are cancelled one by one.
    """
    return _become(work, couple_id, "ended", ("active", "paused"), shown, subscription, reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="relationships")
def resume(work: Work, couple_id: str, *, shown: Digest, reason: str) -> None:
    """Make a paused or ended couple active again; its subscriptions are left as they are.

    Raises Refused when the couple changed since it was shown, or is active.
    """
    _become(work, couple_id, "active", ("paused", "ended"), shown, "keep_running", reason)


def _become(
    work: Work, couple_id: str, wanted: str, from_: tuple[str, ...], shown: Digest, fate: str, reason: str
) -> int:
    couple = _get(work.session.get(Relationship, couple_id), couple_id)
    work.expect(couple, shown)
    if fate not in FATES:
        raise Invalid(f"Subscriptions are {', '.join(FATES)}, not “{fate[:40]}”.")
    if (couple.status or "active") not in from_:
        raise Refused(
            f"This couple is {couple.status}; only one that is {' or '.join(from_)} becomes {wanted}."
        )
    couple.status = wanted
    if fate == "cancel_at_period_end" or fate == "cancel_now":
        return _queue(work, couple_id, fate, reason)
    return 0


def _queue(
    work: Work, couple_id: str, wish: Literal["cancel_at_period_end", "cancel_now"], reason: str
) -> int:
    queued = 0
    for row in work.session.scalars(_running(couple_id)):
        if why_not(wish, SubscriptionStanding.of(row, None)):
            continue  # it ends by itself already, or Stripe knows nothing of it
        operations.prepare(
            work,
            f"subscription_{wish}",
            object_type="subscriptions",
            object_id=row.id,
            relationship_id=couple_id,
            params={"subscription_id": row.stripe_subscription_id},
            reason=reason,
        )
        queued += 1
    return queued


def _running(couple_id: str) -> Select[Subscription]:
    return (
        select(Subscription)
        .where(Subscription.relationship_id == couple_id, Subscription.status != "canceled")
        .order_by(sortable(Subscription.created_at), Subscription.id)
    )


def _subscriptions(session: Session, couple_id: str) -> tuple[Touched, ...]:
    rows = session.execute(
        _running(couple_id)
        .add_columns(SubscriptionPlan.plan_name)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
    )
    return tuple(
        Touched(
            row.id,
            "gift" if row.is_gift else "subscription",
            plan_name or row.plan_id,
            row.status,
            row.price_cents,
            row.currency or "USD",
            row.current_period_end,
            row.stripe_subscription_id is not None,
        )
        for row, plan_name in rows
    )


def _addons(session: Session, couple_id: str) -> tuple[Touched, ...]:
    rows = session.execute(
        select(UserAddon, Addon.addon_name)
        .outerjoin(Addon, Addon.id == UserAddon.addon_id)
        .where(
            UserAddon.relationship_id == couple_id,
            UserAddon.status != "canceled",
            UserAddon.stripe_subscription_id.is_not(None),
        )
        .order_by(sortable(UserAddon.created_at), UserAddon.id)
    )
    return tuple(
        Touched(
            row.id,
            "add_on",
            name or row.addon_id,
            row.status,
            row.price_cents,
            "USD",
            row.expiration_date,
            True,
        )
        for row, name in rows
    )


def _get(row: Relationship | None, couple_id: str) -> Relationship:
    if row is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    return row
