"""One scenario for each kind of operation: somebody decides it, and it waits to be sent to Stripe."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import insert, select

from lib.core import moments
from lib.core.access import Actor
from lib.core.database import Database
from lib.models import DiscountCode, Operation, SubscriptionChange, SubscriptionPlan
from lib.services import refunds, subscriptions
from lib.services.payments import case, credit, invoices
from lib.services.subscriptions import SubscriptionCase, codes, goodwill, pauses, plan_changes
from tests.factories import make_plan, make_refund, write
from tests.faults.beginning_scenarios import BEGINNINGS
from tests.faults.offer_scenarios import OFFERS
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, SUPPORT, do, read

Scenario = Callable[[Database, LocalStripe], Operation]


def refund(database: Database, stripe: LocalStripe) -> Operation:
    asked = make_refund(database, transaction_id=stripe.payment(database), refund_amount_cents=1000)
    shown = read(database, FINANCE, refunds.one, asked).digest
    approved: Operation = do(database, FINANCE, refunds.approve, asked, shown=shown, reason="Fair")
    return approved


def of_subscription(
    act: Callable[..., Operation],
    *,
    before: Callable[[LocalStripe, str], object] | None = None,
    given: Callable[[Database, LocalStripe, SubscriptionCase], Mapping[str, Any]] = lambda *_: {},
    by: Actor = SUPPORT,
    **over: Any,
) -> Scenario:
    """A running subscription that somebody acts on; `before` brings Stripe's into the state for it.

    `given` is what the action is told besides.
    """

    def scenario(database: Database, stripe: LocalStripe) -> Operation:
        subscription = stripe.subscription(database, **over)
        case = read(database, by, subscriptions.one, subscription)
        if before is not None:
            before(stripe, case.stripe_subscription_id)
        more = given(database, stripe, case)
        queued: Operation = do(
            database, by, act, subscription, shown=case.digest, reason="They asked", **more
        )
        return queued

    return scenario


def set_to_cancel(stripe: LocalStripe, subscription_id: str) -> None:
    stripe.gateway.subscriptions.cancel_at_period_end(subscription_id, key=f"before:{subscription_id}")


def in_trial(stripe: LocalStripe, subscription_id: str) -> None:
    key = f"before:{subscription_id}"
    stripe.gateway.subscriptions.extend_trial(subscription_id, SOON, mark="the app", key=key)


def paused(stripe: LocalStripe, subscription_id: str) -> None:
    stripe.gateway.subscriptions.pause(subscription_id, key=f"before:{subscription_id}")


def bills_paused(stripe: LocalStripe, subscription_id: str) -> None:
    key = f"before:{subscription_id}"
    stripe.gateway.subscriptions.pause_collection(subscription_id, "void", None, mark="the app", key=key)


def with_a_code(stripe: LocalStripe, subscription_id: str) -> None:
    key = f"before:{subscription_id}"
    stripe.gateway.reductions.apply_code(subscription_id, "SPRING20", mark="the app", key=key)


def another_plan(database: Database, _: LocalStripe, __: SubscriptionCase) -> Mapping[str, Any]:
    price = SubscriptionPlan.stripe_price_id == "price_dearer"
    with database.primary.connect() as connection:
        known = connection.scalar(select(SubscriptionPlan.id).where(price))
    plan = known or make_plan(database, stripe_price_id="price_dearer", price_cents=5000)
    return {"plan_id": plan, "settlement": "now", "moment": moments.now()}


def a_code(database: Database, _: LocalStripe, __: SubscriptionCase) -> Mapping[str, Any]:
    with database.primary.connect() as connection:
        known = connection.scalar(select(DiscountCode.id))
    if known is None:
        now = moments.now()
        values = {"id": "disc_spring", "code": "SPRING20", "discount_type": "percentage"}
        values |= {"discount_value": 20, "stripe_coupon_id": "co_spring", "is_active": True}
        days = timedelta(days=30)
        write(database, DiscountCode, valid_from=now - days, valid_until=now + days, **values)
    return {"code": "SPRING20"}


def its_discount(_: Database, stripe: LocalStripe, case: SubscriptionCase) -> Mapping[str, Any]:
    facts = stripe.gateway.subscriptions.retrieve(case.stripe_subscription_id or "")
    return {"discount_id": facts.discounts[0].id}


def known_to_be_paused(database: Database, _: LocalStripe, case: SubscriptionCase) -> Mapping[str, Any]:
    """Our ledger knows of paused bills as from Stripe's event."""
    moment = moments.now()
    with database.primary.begin() as connection:
        connection.execute(
            insert(SubscriptionChange).values(
                subscription_id=case.id,
                relationship_id=case.relationship_id,
                effective_at=moment,
                recorded_at=moment,
                status="active",
                plan_id=case.plan_id,
                billing_period="monthly",
                currency="USD",
                list_arr_cents=36_000,
                net_arr_cents=36_000,
                is_gift=False,
                collection_paused=True,
                set_to_cancel=False,
                source="event",
            )
        )
    return {}


SOON: Final = (moments.now() + timedelta(days=7)).replace(hour=12)
LATER: Final = (SOON + timedelta(days=7)).date()


def of_invoice(act: Callable[..., Operation], **given: Any) -> Scenario:
    """An invoice that a card refused once; by now the customer has another card."""

    def scenario(database: Database, stripe: LocalStripe) -> Operation:
        payment = stripe.unpaid(database, card="pm_card_visa")
        owed = read(database, FINANCE, case.case, payment).owed
        queued: Operation = do(database, FINANCE, act, payment, shown=owed.digest, reason="Agreed", **given)
        return queued

    return scenario


def credit_balance(database: Database, stripe: LocalStripe) -> Operation:
    added: Operation = do(
        database,
        FINANCE,
        credit.change_balance,
        stripe.unpaid(database),
        direction="add",
        amount_cents=500,
        credit_cents=0,
        reason="Sync was down",
    )
    return added


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "credit_note": of_invoice(credit.issue_note, amount_cents=1000, note_reason="order_change"),
    "customer_balance": credit_balance,
    "invoice_retry": of_invoice(invoices.retry),
    "invoice_send": of_invoice(invoices.send),
    "invoice_uncollectible": of_invoice(invoices.write_off),
    "invoice_void": of_invoice(invoices.void),
    **BEGINNINGS,
    **OFFERS,
    "refund": refund,
    "subscription_cancel_at_period_end": of_subscription(subscriptions.cancel_at_period_end),
    "subscription_cancel_now": of_subscription(subscriptions.cancel_now),
    "subscription_cancel_on": of_subscription(subscriptions.cancel_on, given=lambda *_: {"last_day": LATER}),
    "subscription_change_plan": of_subscription(plan_changes.change, given=another_plan),
    "subscription_pause_collection": of_subscription(
        pauses.pause_collection, given=lambda *_: {"behavior": "void", "until": LATER}
    ),
    "subscription_resume_collection": of_subscription(
        pauses.resume_collection, before=bills_paused, given=known_to_be_paused
    ),
    "subscription_pause": of_subscription(pauses.pause),
    "subscription_resume": of_subscription(pauses.resume, before=paused, status="paused"),
    "subscription_extend_trial": of_subscription(
        goodwill.extend_trial,
        before=in_trial,
        given=lambda *_: {"last_day": LATER},
        status="trialing",
        trial_end_date=SOON,
    ),
    "subscription_free_months": of_subscription(goodwill.free_months, given=lambda *_: {"months": 1}),
    "subscription_comp": of_subscription(goodwill.comp, by=FINANCE),
    "subscription_apply_code": of_subscription(codes.apply, given=a_code),
    "subscription_remove_discount": of_subscription(codes.remove, before=with_a_code, given=its_discount),
    "subscription_keep": of_subscription(
        subscriptions.keep,
        before=set_to_cancel,
        canceled_at=moments.now(),
        cancel_reason="Changed their mind",
    ),
}
