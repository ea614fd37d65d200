"""Scenarios of what begins for a couple, and of the end of an add-on."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import select

from lib.core.database import Database
from lib.models import Operation, SubscriptionPlan
from lib.services import addons
from tests.beginnings import given, moved, started
from tests.factories import make_couple, make_plan, make_purchase, make_user
from tests.local_stripe import LocalStripe
from tests.staff import SUPPORT, do, read

PRICE: Final = "price_of_tests"


def plan_of_tests(database: Database) -> str:
    """The plan whose price the local Stripe has; made once for each database."""
    with database.primary.connect() as connection:
        known = connection.scalar(
            select(SubscriptionPlan.id).where(SubscriptionPlan.stripe_price_id == PRICE)
        )
    return known or make_plan(database, stripe_price_id=PRICE, is_active=True)


def start(database: Database, stripe: LocalStripe) -> Operation:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    stripe.customer(payer)
    return started(database, stripe, couple, payer, plan_of_tests(database))


def gift(database: Database, stripe: LocalStripe) -> Operation:
    giver, couple = make_user(database), make_couple(database)
    stripe.customer(giver)
    return given(database, stripe, giver, couple, plan_of_tests(database))


def move(database: Database, stripe: LocalStripe) -> Operation:
    payer, partner = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=payer, user_2_id=partner)
    stripe.customer(partner)
    plan = plan_of_tests(database)
    old = stripe.subscription(database, user_id=payer, relationship_id=couple, plan_id=plan)
    return moved(database, stripe, old)


def of_addon(act: Callable[..., Operation]) -> Callable[[Database, LocalStripe], Operation]:
    """An add-on that is paid again and again, and that somebody ends."""

    def scenario(database: Database, stripe: LocalStripe) -> Operation:
        paid_at_stripe = {"stripe_subscription_id": stripe.running_subscription()}
        purchase = make_purchase(database, billing_period="monthly", **paid_at_stripe)
        shown = read(database, SUPPORT, addons.one, purchase).digest
        queued: Operation = do(database, SUPPORT, act, purchase, shown=shown, reason="They asked")
        return queued

    return scenario


BEGINNINGS: Final[Mapping[str, Callable[[Database, LocalStripe], Operation]]] = {
    "subscription_start": start,
    "subscription_hand_over": move,
    "gift": gift,
    "addon_cancel_now": of_addon(addons.cancel_now),
    "addon_cancel_at_period_end": of_addon(addons.cancel_at_period_end),
}
