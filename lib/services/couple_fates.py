"""What becomes of a couple's subscriptions when the couple is paused, ended or resumed.

    keep_running           nothing
    pause                  the real pause: access and bills stop
    pause_collection       the pause of the bills: access stays, nothing is collected
    end_pauses             each leaves the pause that it is in, whichever of the two that is
    cancel_at_period_end   each ends with what is paid for
    cancel_now             each ends at once

The two pauses are those of `lib.services.subscriptions.pauses`, and are named apart here as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.orm import Session

from lib.core import money
from lib.core.errors import Invalid
from lib.models import Subscription, SubscriptionChange
from lib.payments import ledger
from lib.services.subscriptions.case import arr_of
from lib.services.subscriptions.pauses import BEHAVIORS
from lib.services.subscriptions.wishes import Standing, Wish, why_not

Change = Literal["pause", "end", "resume"]
Fate = Literal[
    "keep_running", "pause", "pause_collection", "end_pauses", "cancel_at_period_end", "cancel_now"
]
FATES: Final[Mapping[Change, tuple[Fate, ...]]] = {
    "pause": ("pause", "pause_collection", "cancel_at_period_end", "cancel_now", "keep_running"),
    "end": ("cancel_at_period_end", "cancel_now", "keep_running"),
    "resume": ("end_pauses", "keep_running"),
}
"""What can become of the subscriptions with each change of the couple; what fits most often stands first."""

WORDS: Final[Mapping[Fate, str]] = {
    "keep_running": "Leave them as they are",
    "pause": "Pause the subscription: access and bills stop",
    "pause_collection": "Pause the bills: access stays",
    "end_pauses": "End their pauses",
    "cancel_at_period_end": "Cancel at period end",
    "cancel_now": "Cancel now",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fate does to one subscription.

    `wish`: what is queued at Stripe, None where it stays as it is; `what` says it, or why it stays.
    `mrr_cents`: by how much MRR changes, in minor units of `currency`, at `from_`; rising, it is the most.
    """

    subscription_id: str
    stripe_subscription_id: str | None
    name: str
    wish: Wish | None
    what: str
    mrr_cents: int
    currency: str
    from_: datetime | None


def check(change: Change, fate: str, bills: str) -> Fate:
    """The fate of that name; Invalid for one that does not go with a change, or for unknown bills."""
    known = next((each for each in FATES[change] if each == fate), None)
    if known is None:
        raise Invalid(f"With this, subscriptions are {', '.join(FATES[change])}, not “{fate[:40]}”.")
    if bills not in BEHAVIORS:
        raise Invalid(f"Paused bills are {', '.join(BEHAVIORS)}, not “{bills[:40]}”.")
    return known


def effects(
    session: Session, rows: Sequence[tuple[Subscription, str]], now: datetime
) -> dict[Fate, tuple[Effect, ...]]:
    """What each fate does to each subscription, given with the name of its plan. One statement."""
    newest = ledger.newest_of(session, [row.id for row, _ in rows])
    return {
        fate: tuple(_effect(row, name, newest.get(row.id), fate, now) for row, name in rows) for fate in WORDS
    }


def _effect(
    row: Subscription, name: str, last: SubscriptionChange | None, fate: Fate, now: datetime
) -> Effect:
    standing = Standing.of(row, last)
    wish = _wish(fate, standing)
    refused = why_not(wish, standing) if wish else None
    mrr, from_ = (0, None) if wish is None or refused else _mrr(row, wish, money.monthly(arr_of(row, last)))
    return Effect(
        row.id,
        row.stripe_subscription_id,
        name,
        None if refused else wish,
        refused or (_WHAT[wish] if wish else _stays(fate)),
        mrr,
        row.currency or "USD",
        from_ or (now if mrr else None),
    )


def _wish(fate: str, standing: Standing) -> Wish | None:
    if fate == "end_pauses":
        if standing.status == "paused":
            return "resume"
        return "resume_collection" if standing.collection_paused else None
    return _WISHES.get(fate)


def _mrr(row: Subscription, wish: Wish, today: int) -> tuple[int, datetime | None]:
    if wish in ("resume", "resume_collection"):
        return money.monthly(money.annualised(row.price_cents, row.billing_period)), None
    return -today, row.current_period_end if wish == "cancel_at_period_end" else None


def _stays(fate: str) -> str:
    return "Is in no pause, and stays as it is." if fate == "end_pauses" else "Stays as it is."


_WISHES: Final[Mapping[str, Wish]] = {
    "pause": "pause",
    "pause_collection": "pause_collection",
    "cancel_at_period_end": "cancel_at_period_end",
    "cancel_now": "cancel_now",
}
_WHAT: Final[Mapping[Wish, str]] = {
    "pause": "The subscription is paused: access and bills stop until the pause is ended.",
    "pause_collection": "Its bills are paused until it is billed again. Access stays.",
    "resume": "The pause ends: access starts again, and a new period is collected at once.",
    "resume_collection": "It is billed again from the next bill on.",
    "cancel_at_period_end": "Ends with the period that is paid for.",
    "cancel_now": "Ends at once. Nothing is paid back by itself.",
}
