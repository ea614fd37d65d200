"""Who can pay for something new: the customer at Stripe that a person is, and the card on file there."""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.errors import Invalid, Refused
from lib.models import Operation, Relationship, Subscription, sortable
from lib.payments.gateway import Gateway
from lib.payments.progress import OPEN_STATES

_CUSTOMER: Final = re.compile(r"cus_\w{1,60}")
_CARD: Final = re.compile(r"(pm|card|src)_\w{1,60}")
_BEGINNINGS: Final = ("subscription_start", "subscription_hand_over", "gift")


@dataclass(frozen=True, slots=True)
class Card:
    """The card that a customer's subscriptions are charged to."""

    id: str
    customer_id: str
    brand: str | None
    last4: str | None

    def __str__(self) -> str:
        """As it is printed on a bill: `visa •••• 4242`."""
        return f"{self.brand or 'card'} •••• {self.last4 or '????'}"


def card_of(gateway: Gateway, user_id: str, customer_id: str | None) -> Card:
    """The card that a person has on file at Stripe.

    `customer_id`: who they are there; None where our rows do not know, then Stripe is asked for the customer
    whose metadata names the person, as the app writes it.

    Raises Refused when there is no customer or no card, when the customer is gone, or is somebody else by its
    own metadata; StripeFailed when Stripe does not know it.
    """
    if customer_id is None:
        found = gateway.customers.find("user_id", user_id)
        if found is None:
            raise Refused("No card of theirs is known at Stripe. Ask them to enter one in the app first.")
        customer_id = found.id
    customer = gateway.customers.retrieve(customer_id)
    if customer.deleted:
        raise Refused(
            f"Stripe's customer {customer_id} was deleted. The app makes another at their next purchase."
        )
    if customer.metadata.get("user_id", user_id) != user_id:
        raise Refused(f"Stripe's customer {customer_id} is somebody else. Check the id.")
    if customer.card_id is None:
        raise Refused(
            f"Stripe's customer {customer_id} has no card on file. Ask them to enter one in the app first."
        )
    return Card(customer.card_id, customer.id, customer.card_brand, customer.card_last4)


def customers_of(session: Session, user_ids: tuple[str, ...]) -> dict[str, str]:
    """The customer at Stripe of each person who has paid for a subscription, by their newest one."""
    rows = session.execute(
        select(Subscription.user_id, Subscription.stripe_customer_id)
        .where(Subscription.user_id.in_(user_ids), Subscription.stripe_customer_id.is_not(None))
        .order_by(sortable(Subscription.created_at), Subscription.id)
    )
    return {user_id: customer for user_id, customer in rows if customer is not None}


def must_be_theirs(session: Session, user_id: str, customer_id: str, card_id: str | None = None) -> None:
    """Raise Invalid for ids that are none, and Refused where our rows know the customer as somebody else."""
    if not _CUSTOMER.fullmatch(customer_id):
        raise Invalid("A customer at Stripe is named like cus_….")
    if card_id is not None and not _CARD.fullmatch(card_id):
        raise Invalid("A card at Stripe is named like pm_….")
    owners = session.scalars(
        select(Subscription.user_id).where(Subscription.stripe_customer_id == customer_id).distinct()
    ).all()
    if owners and user_id not in owners:
        raise Refused(f"Stripe's customer {customer_id} is somebody else. Check the id.")


def hold(session: Session, couple_id: str) -> Relationship | None:
    """The couple, held until the action ends: two beginnings at one moment see each other."""
    return session.get(Relationship, couple_id, with_for_update=True)


def must_be_quiet(session: Session, couple_id: str) -> None:
    """Raise Refused while Stripe is at work on something that begins for the couple."""
    open_kind = session.scalar(
        select(Operation.kind)
        .where(
            Operation.relationship_id == couple_id,
            Operation.kind.in_(_BEGINNINGS),
            Operation.state.in_(OPEN_STATES),
        )
        .limit(1)
    )
    if open_kind is not None:
        raise Refused(
            "Something that begins for this couple is already under way. Wait until Stripe has answered."
        )
