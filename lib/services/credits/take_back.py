"""Taking back what a payment had bought, when its money goes back: rows only, inside the caller's action.

What was used already is not taken back: that would leave the couple with less than nothing. Stripe is not
asked here; an add-on that is paid again and again is cancelled there first (`lib.services.addons`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.errors import Refused
from lib.core.work import Work
from lib.models import Payment, Relationship, UserAddon, sortable
from lib.services.credits.balance import add_movement, stored_balance
from lib.services.credits.ledger import movements_of
from lib.services.credits.trace import trace

_ADDONS: Final = ("add_on", "box", "coaching")
_SAME_PURCHASE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bought:
    """What a payment bought and what of it is left.

    `credits`, `credits_left`: 0 where it bought none. `addon_id`: the purchase's id, None where it bought
    none. `why_not`: why it cannot be taken back, as a sentence; None when it can.
    """

    credits: int
    credits_left: int
    addon_id: str | None
    why_not: str | None


def bought_by(session: Session, payment: Payment) -> Bought | None:
    """What a payment bought that can be taken back in principle; None for subscriptions and gifts."""
    if payment.transaction_type == "credits":
        return _credits_of(session, payment)
    if payment.transaction_type in _ADDONS:
        purchase = _purchase_of(session, payment)
        return Bought(0, 0, purchase.id if purchase else None, _why_keep(purchase))
    return None


def take_back(work: Work, payment: Payment, *, words: str) -> str:
    """Take back everything that a payment bought; gives the id of the row that says so.

    `words`: what the couple reads about it in the ledger. Raises Refused when nothing was bought, when a part
    of it was used or has expired, when it was taken back already, or for an add-on that goes on at Stripe.
    """
    couple_id = payment.relationship_id
    if couple_id is not None:
        work.session.get(Relationship, couple_id, with_for_update=True)
    bought = bought_by(work.session, payment)
    if bought is None or couple_id is None:
        raise Refused("This payment bought nothing that can be taken back.")
    if bought.why_not:
        raise Refused(bought.why_not)
    if bought.addon_id is None:
        return add_movement(
            work,
            couple_id,
            payment.user_id,
            "refund",
            -bought.credits,
            words=words,
            payment=payment.stripe_payment_intent_id,
        )
    purchase = work.session.get_one(UserAddon, bought.addon_id)
    purchase.status, purchase.canceled_at = "canceled", work.now
    return purchase.id


def _credits_of(session: Session, payment: Payment) -> Bought:
    intent, couple_id = payment.stripe_payment_intent_id, payment.relationship_id
    if intent is None or couple_id is None:
        return Bought(0, 0, None, "No credits are known to come from this payment.")
    lines = trace(movements_of(session, couple_id))
    theirs = [line for line in lines if line.movement.payment == intent]
    lots = [line for line in theirs if line.movement.amount > 0]
    amount = sum(line.movement.amount for line in lots)
    left = sum(line.left for line in lots)
    return Bought(amount, left, None, _why_keep_credits(session, couple_id, amount, left, theirs != lots))


def _why_keep_credits(session: Session, couple_id: str, bought: int, left: int, taken: bool) -> str | None:
    if not bought:
        return "No credits are known to come from this payment."
    if taken:
        return "The credits of this payment were taken back already."
    if left < bought:
        return f"{bought - left:,} of the {bought:,} credits of this payment are used or have run out."
    if stored_balance(session, couple_id) < bought:
        return "The app's balance is less than these credits. See the couple's ledger for the difference."
    return None


def _purchase_of(session: Session, payment: Payment) -> UserAddon | None:
    """The add-on that a payment bought: the app keeps no link, so the couple, the buyer and the time tell."""
    if payment.created_at is None:
        return None
    return session.scalars(
        select(UserAddon)
        .where(
            UserAddon.relationship_id == payment.relationship_id,
            UserAddon.user_id == payment.user_id,
            sortable(UserAddon.purchase_date) >= payment.created_at - _SAME_PURCHASE,
            sortable(UserAddon.purchase_date) <= payment.created_at + _SAME_PURCHASE,
        )
        .order_by(sortable(UserAddon.purchase_date), UserAddon.id)
        .limit(1)
    ).first()


def _why_keep(purchase: UserAddon | None) -> str | None:
    if purchase is None:
        return "No add-on is known to come from this payment."
    if purchase.status == "canceled":
        return "This add-on has ended, or was taken back already."
    if purchase.stripe_subscription_id is not None:
        return "This add-on goes on at Stripe: cancel it there first, under Credits & gifts."
    return None
