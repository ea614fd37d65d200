"""What begins for a couple, queued as staff do it: with the card that Stripe named beforehand."""

from typing import Any

from lib.core.database import Database
from lib.models import Operation
from lib.services import giving, handover, starts
from tests.local_stripe import LocalStripe
from tests.staff import SUPPORT, do, read


def started(
    database: Database, stripe: LocalStripe, couple: str, payer: str, plan: str, **over: Any
) -> Operation:
    """A queued start, paid with the card that Stripe's preview named."""
    wish = {"plan_id": plan, "payer_id": payer, **over}
    question = read(database, SUPPORT, starts.question, couple, **wish)
    preview = starts.preview(stripe.gateway, question)
    shown = read(database, SUPPORT, starts.offer, couple).digest
    paid_with = {"customer_id": preview.card.customer_id, "card_id": preview.card.id}
    return do(database, SUPPORT, starts.start, couple, shown=shown, reason="By phone", **wish, **paid_with)


def given(
    database: Database, stripe: LocalStripe, giver: str, couple: str, plan: str, months: int = 3
) -> Operation:
    """A queued gift, to be charged to the card that was shown."""
    gift = read(database, SUPPORT, giving.question, giver=giver, plan_id=plan, months=months)
    card = giving.card_of_giver(stripe.gateway, gift)
    return do(
        database,
        SUPPORT,
        giving.give,
        couple,
        shown=read(database, SUPPORT, starts.offer, couple).digest,
        giver_id=giver,
        customer_id=card.customer_id,
        card_id=card.id,
        plan_id=plan,
        months=3,
        message="For you two",
        reason="Asked by mail",
    )


def moved(database: Database, stripe: LocalStripe, subscription: str) -> Operation:
    """The queued first step of a move to the partner."""
    move = read(database, SUPPORT, handover.case, subscription)
    card = handover.card_of_partner(stripe.gateway, move)
    given = {"shown": move.digest, "customer_id": card.customer_id, "card_id": card.id}
    return do(database, SUPPORT, handover.hand_over, subscription, reason="They part", **given)
