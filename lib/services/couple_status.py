"""Pausing, ending and resuming a couple, and what then happens to what they pay for. No row is deleted.

    active <--resume/pause--> paused        active, paused --end--> ended

The couple's row changes at once; what is to happen at Stripe is queued with it, in one transaction.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.work import CHANGED, Digest, View, Work, action, digest, query
from lib.models import (
    Addon,
    Relationship,
    Subscription,
    SubscriptionPlan,
    UserAddon,
    sortable,
)
from lib.services import couple_fates
from lib.services.couple_fates import Change, Effect, Fate
from lib.services.subscriptions import wishes


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
    """A couple's status, what it has, and why it cannot be paused, ended or resumed now.

    `digest` is of the couple and of its subscriptions: hand it back with the action. `effects`: what each
    fate would do to each of them, which is what the action queues and nothing else.
    """

    couple_id: str
    digest: Digest
    status: str
    touched: tuple[Touched, ...]
    why_not: dict[Change, str | None]
    effects: dict[Fate, tuple[Effect, ...]]


@query(Permission.PEOPLE_READ)
def standing(view: View, couple_id: str) -> Standing:
    """What pausing or ending a couple touches; raises NotFound. Four statements."""
    couple = _get(view.session.get(Relationship, couple_id), couple_id)
    status = couple.status or "active"
    rows = _subscriptions(view.session, couple_id)
    return Standing(
        couple_id,
        _digest(couple, (row for row, _ in rows)),
        status,
        (*(_touched(row, name) for row, name in rows), *_addons(view.session, couple_id)),
        why_not={
            "pause": None if status == "active" else f"This couple is {status}; only an active one pauses.",
            "end": "This couple has ended already." if status == "ended" else None,
            "resume": None if status != "active" else "This couple is active.",
        },
        effects=couple_fates.effects(view.session, rows, view.now),
    )


@action(Permission.SUBSCRIPTIONS_CANCEL, about="relationships")
def pause(
    work: Work, couple_id: str, *, shown: Digest, subscription: str, reason: str, bills: str = "void"
) -> int:
    """Pause a couple; gives how many operations were queued for its subscriptions.

    `subscription`: what becomes of them, one of `couple_fates.FATES`; `bills`: what becomes of the bills
    where those are paused. Raises Refused when the couple or a subscription of its changed since it was
    shown, when it is not active, or while an operation on one of its subscriptions is under way; Invalid for
    another fate; NotAllowed for a fate that is not for the actor's role.
    """
    return _become(work, couple_id, "pause", shown, subscription, reason, bills)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="relationships")
def end(work: Work, couple_id: str, *, shown: Digest, subscription: str, reason: str) -> int:
    """End a couple; gives how many operations were queued for its subscriptions. Raises as `pause` does.

    Everything that the two did together stays. Gifts run out by themselves; add-ons are cancelled one by one.
    """
    return _become(work, couple_id, "end", shown, subscription, reason)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="relationships")
def resume(work: Work, couple_id: str, *, shown: Digest, subscription: str, reason: str) -> int:
    """Make a paused or ended couple active again, and end the pauses of its subscriptions if that is wished.

    Gives how many operations were queued for them. One that was cancelled is not brought back. Raises as
    `pause` does, where the couple is active.
    """
    return _become(work, couple_id, "resume", shown, subscription, reason)


_BECOMES: Final[Mapping[Change, tuple[tuple[str, ...], str]]] = {
    "pause": (("active",), "paused"),
    "end": (("active", "paused"), "ended"),
    "resume": (("paused", "ended"), "active"),
}


def _become(
    work: Work, couple_id: str, change: Change, shown: Digest, fate: str, reason: str, bills: str = "void"
) -> int:
    couple = _get(work.session.get(Relationship, couple_id), couple_id)
    rows = _subscriptions(work.session, couple_id)
    if _digest(couple, (row for row, _ in rows)) != shown:
        raise Refused(CHANGED)
    chosen = couple_fates.check(change, fate, bills)
    from_, wanted = _BECOMES[change]
    if (couple.status or "active") not in from_:
        raise Refused(
            f"This couple is {couple.status}; only one that is {' or '.join(from_)} becomes {wanted}."
        )
    couple.status = wanted
    return _queue(work, rows, chosen, bills, reason)


def _queue(work: Work, rows: Sequence[tuple[Subscription, str]], fate: Fate, bills: str, reason: str) -> int:
    """Queue what a fate does; what it leaves as it is ends by itself, or Stripe knows nothing of it."""
    subscriptions = {row.id: row for row, _ in rows}
    queued = 0
    for effect in couple_fates.effects(work.session, rows, work.now)[fate]:
        if effect.wish is None:
            continue
        if not effect.wish.startswith("cancel"):
            work.actor.must(Permission.SUBSCRIPTIONS_CHANGE)
        params: dict[str, Any] = {}
        if effect.wish == "pause_collection":
            params = {"behavior": bills, "until": None}
        wishes.queue(work, effect.wish, subscriptions[effect.subscription_id], reason=reason, **params)
        queued += 1
    return queued


def _digest(couple: Relationship, subscriptions: Iterable[Subscription]) -> Digest:
    parts = (digest(couple), *(digest(row) for row in subscriptions))
    return Digest(hashlib.sha256("".join(parts).encode()).hexdigest()[:32])


def _subscriptions(session: Session, couple_id: str) -> list[tuple[Subscription, str]]:
    """The subscriptions that go on, oldest first, each with the name of its plan."""
    rows = session.execute(
        select(Subscription, SubscriptionPlan.plan_name)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        .where(Subscription.relationship_id == couple_id, Subscription.status != "canceled")
        .order_by(sortable(Subscription.created_at), Subscription.id)
    )
    return [(row, name or row.plan_id) for row, name in rows]


def _touched(row: Subscription, name: str) -> Touched:
    return Touched(
        row.id,
        "gift" if row.is_gift else "subscription",
        name,
        row.status,
        row.price_cents,
        row.currency or "USD",
        row.current_period_end,
        row.stripe_subscription_id is not None,
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
