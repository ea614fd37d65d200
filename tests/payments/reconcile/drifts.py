"""One deliberate drift for each class: how it is brought about, and what it is about.

Each function lets one couple of the world, which was equal on both sides, drift apart. Its name is the class,
and it gives the object at Stripe, or else our row, that the finding has to name.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lib import models
from tests.payments import told
from tests.payments.reconcile.world import DAY, NOW, PRICE, Couple, World, moment


def customer_gone(world: World, couple: Couple) -> str:
    couple.stripe["customer"] = None
    return f"cus_{couple.name}"


def customer_duplicated(world: World, couple: Couple) -> str:
    twin = {"id": f"cus_{couple.name}_again", "created": NOW - DAY, "email": f"{couple.name}@Example.org"}
    world.extra.append(("customer", twin))
    return str(twin["id"])


def customer_unknown(world: World, couple: Couple) -> str:
    world.extra.append(("customer", {"id": "cus_nobody", "created": NOW, "email": "nobody@example.org"}))
    return "cus_nobody"


def subscription_gone(world: World, couple: Couple) -> str:
    couple.stripe["subscription"] = None
    return f"sub_{couple.name}"


def subscription_unknown(world: World, couple: Couple) -> str:
    facts = couple.stripe["subscription"]
    assert facts is not None
    world.extra.append(("subscription", facts | {"id": "sub_second"}))
    return "sub_second"


def subscription_status(world: World, couple: Couple) -> str:
    couple.at_stripe("subscription", status="past_due")
    return f"sub_{couple.name}"


def trialing_past_end(world: World, couple: Couple) -> str:
    couple.here("subscription", status="trialing", trial_end_date=moment(NOW - 3 * DAY))
    return f"sub_{couple.name}"


def active_past_period(world: World, couple: Couple) -> str:
    couple.here("subscription", current_period_end=moment(NOW - 5 * DAY))
    return f"sub_{couple.name}"


def subscription_plan(world: World, couple: Couple) -> str:
    couple.at_stripe("subscription", items=[{"price": "price_better"}])
    return f"sub_{couple.name}"


def subscription_price(world: World, couple: Couple) -> str:
    couple.here("subscription", price_cents=2500)
    return f"sub_{couple.name}"


def subscription_price_unknown(world: World, couple: Couple) -> str:
    price = {"id": "price_odd", "created": NOW, "product": "prod_try", "unit_amount": 1234}
    world.extra.append(("price", price | {"interval": "month", "active": False}))
    couple.at_stripe("subscription", items=[{"price": "price_odd"}])
    return f"sub_{couple.name}"


def subscription_period(world: World, couple: Couple) -> str:
    couple.here("subscription", current_period_end=moment(NOW + 3 * DAY))
    return f"sub_{couple.name}"


def subscription_ending(world: World, couple: Couple) -> str:
    couple.at_stripe("subscription", cancel_at_period_end=True, canceled_at=NOW - DAY)
    return f"sub_{couple.name}"


def subscription_collection(world: World, couple: Couple) -> str:
    couple.at_stripe("subscription", pause_collection={"behavior": "keep_as_draft", "resumes_at": None})
    return f"sub_{couple.name}"


def subscription_customer(world: World, couple: Couple) -> str:
    couple.here("subscription", stripe_customer_id=None)
    return f"sub_{couple.name}"


def addon_status(world: World, couple: Couple) -> str:
    facts = couple.stripe["subscription"]
    assert facts is not None
    ended = {"id": "sub_box", "status": "canceled", "canceled_at": NOW - DAY, "ended_at": NOW - DAY}
    world.extra.append(("subscription", facts | ended))
    addon = {"id": "addon_box", "addon_name": "Box", "addon_type": "surprise_box", "price_cents": 1500}
    world.rows.append((models.Addon, addon))
    bought = {"id": "bought", "relationship_id": f"rel_{couple.name}", "user_id": f"usr_{couple.name}"}
    bought |= {"addon_id": "addon_box", "stripe_subscription_id": "sub_box", "status": "active"}
    world.rows.append(
        (models.UserAddon, bought | {"price_cents": 1500, "purchase_date": moment(NOW - 9 * DAY)})
    )
    return "sub_box"


def both_partners_pay(world: World, couple: Couple) -> str:
    partner = world.couple("partner")
    partner.here("subscription", relationship_id=f"rel_{couple.name}")
    return f"rel_{couple.name}"


def payment_unknown(world: World, couple: Couple) -> str:
    couple.ours["payment"] = None
    return f"pi_{couple.name}"


def payment_gone(world: World, couple: Couple) -> str:
    couple.stripe["payment_intent"] = couple.stripe["charge"] = couple.stripe["invoice"] = None
    return f"pi_{couple.name}"


def payment_collected(world: World, couple: Couple) -> str:
    couple.here("payment", status="failed", failure_reason="Declined", stripe_charge_id=None)
    return f"pi_{couple.name}"


def payment_uncollected(world: World, couple: Couple) -> str:
    couple.at_stripe("payment_intent", status="requires_payment_method")
    couple.at_stripe("charge", status="failed")
    couple.at_stripe("invoice", status="open", paid_at=None)
    return f"pi_{couple.name}"


def payment_state(world: World, couple: Couple) -> str:
    payment_uncollected(world, couple)
    couple.here("payment", status="pending", processed_at=None)
    return f"pi_{couple.name}"


def payment_amount(world: World, couple: Couple) -> str:
    couple.here("payment", amount_cents=PRICE + 500)
    return f"pi_{couple.name}"


def payment_refunded(world: World, couple: Couple) -> str:
    couple.refunded(1000)
    couple.here("payment", refund_amount_cents=None, refunded_at=None)
    return f"pi_{couple.name}"


def refund_unknown(world: World, couple: Couple) -> str:
    couple.refunded(1000)
    couple.ours["refund"] = None
    return f"re_{couple.name}"


def refund_gone(world: World, couple: Couple) -> str:
    couple.refunded(1000)
    couple.stripe["refund"] = None
    couple.here("payment", refund_amount_cents=None, refunded_at=None)
    return f"re_{couple.name}"


def refund_arrived(world: World, couple: Couple) -> str:
    couple.refunded(1000)
    couple.here("refund", status="approved", processed_at=None, stripe_refund_id=None)
    couple.at_stripe("refund", metadata={"refund_id": f"ref_{couple.name}"})
    return f"re_{couple.name}"


def refund_returned(world: World, couple: Couple) -> str:
    couple.refunded(1000, status="failed")
    couple.here("payment", refund_amount_cents=None, refunded_at=None)
    return f"re_{couple.name}"


def refund_amount(world: World, couple: Couple) -> str:
    couple.refunded(1000)
    couple.here("refund", refund_amount_cents=800)
    return f"re_{couple.name}"


def _code(world: World, name: str, *, ours: bool = True, theirs: bool = True, **over: Any) -> None:
    """A code of 20 percent on both sides; `over` is what our row says instead."""
    made = {"created": NOW - 30 * DAY}
    if theirs:
        coupon = {"id": f"co_{name}", **made, "duration": "once", "percent_off": 20.0}
        world.extra.append(("coupon", coupon))
        code = {"id": f"promo_{name}", **made, "coupon": f"co_{name}", "code": name.upper()}
        world.extra.append(("promotion_code", code))
    row = {"id": f"code_{name}", "code": name.upper(), "discount_type": "percentage", "discount_value": 20}
    row |= {"stripe_coupon_id": f"co_{name}", "valid_from": moment(NOW - 30 * DAY)}
    if ours:
        world.rows.append((models.DiscountCode, row | {"valid_until": moment(NOW + 30 * DAY)} | over))


def discount_gone(world: World, couple: Couple) -> str:
    _code(world, "gone", theirs=False)
    return "co_gone"


def discount_unknown(world: World, couple: Couple) -> str:
    _code(world, "foreign", ours=False)
    return "promo_foreign"


def discount_terms(world: World, couple: Couple) -> str:
    _code(world, "terms", discount_value=25)
    return "co_terms"


def discount_switch(world: World, couple: Couple) -> str:
    _code(world, "switch", is_active=False)
    return "promo_switch"


def discount_count(world: World, couple: Couple) -> str:
    _code(world, "count", current_uses=3)
    return "promo_count"


def _plan(world: World, name: str, **over: Any) -> None:
    row = {"id": f"plan_{name}", "plan_name": name, "plan_type": "custom", "billing_period": "monthly"}
    row |= {"price_cents": 5000, "price_display": "$50", "stripe_price_id": f"price_{name}"}
    world.rows.append((models.SubscriptionPlan, row | over))


def _price(world: World, name: str, **over: Any) -> None:
    price = {"id": f"price_{name}", "created": NOW, "product": "prod_try", "unit_amount": 5000}
    world.extra.append(("price", price | {"interval": "month"} | over))


def price_gone(world: World, couple: Couple) -> str:
    _plan(world, "vanished")
    return "price_vanished"


def price_amount(world: World, couple: Couple) -> str:
    _plan(world, "dearer")
    _price(world, "dearer", unit_amount=5500)
    return "price_dearer"


def price_switch(world: World, couple: Couple) -> str:
    _plan(world, "off")
    _price(world, "off", active=False)
    return "price_off"


def price_unknown(world: World, couple: Couple) -> str:
    _price(world, "foreign")
    return "price_foreign"


def event_missing(world: World, couple: Couple) -> str:
    subject = couple.stripe["subscription"]
    assert subject is not None
    data = told.subscription(str(subject["id"]), "price_try")
    event = {"id": "evt_missed", "created": NOW - 3600, "type": "customer.subscription.updated"}
    event |= {"subject": subject["id"], "subject_kind": "subscription", "data": data}
    world.extra.append(("event", event))
    first = {"event_id": "evt_first", "event_type": "customer.created", "state": "ignored"}
    world.rows.append((models.InboxEvent, first | {"livemode": False, "received_at": moment(NOW - 2 * DAY)}))
    return "evt_missed"


DRIFTS: Final[Mapping[str, Callable[[World, Couple], str]]] = {
    drift.__name__: drift
    for drift in (
        customer_gone,
        customer_duplicated,
        customer_unknown,
        subscription_gone,
        subscription_unknown,
        subscription_status,
        trialing_past_end,
        active_past_period,
        subscription_plan,
        subscription_price,
        subscription_price_unknown,
        subscription_period,
        subscription_ending,
        subscription_collection,
        subscription_customer,
        addon_status,
        both_partners_pay,
        payment_unknown,
        payment_gone,
        payment_collected,
        payment_uncollected,
        payment_state,
        payment_amount,
        payment_refunded,
        refund_unknown,
        refund_gone,
        refund_arrived,
        refund_returned,
        refund_amount,
        discount_gone,
        discount_unknown,
        discount_terms,
        discount_switch,
        discount_count,
        price_gone,
        price_amount,
        price_switch,
        price_unknown,
        event_missing,
    )
}
"""Thirty-nine ways to drift apart, by class."""
