"""A subscription of ours, and a life that Stripe tells of it: one event of each kind."""

from typing import Any

from lib.core.database import Database
from tests.factories import make_plan, make_subscription
from tests.payments import told
from tests.payments.told import START, day, seconds


def seed(database: Database, **over: Any) -> str:
    """A subscription `sub_1` at price `price_try`; a second plan has the price `price_more`."""
    make_plan(database, id="plan_more", stripe_price_id="price_more", price_cents=4000)
    plan = make_plan(database, id="plan_try", stripe_price_id="price_try")
    values = {"stripe_subscription_id": "sub_1", "plan_id": plan, "created_at": START, "updated_at": START}
    return make_subscription(database, **values | over)


def life(*, old: bool = False) -> dict[str, dict[str, Any]]:
    """One event of each kind, in the order in which they happened, a day apart."""
    sub = {"stripe_id": "sub_1", "old": old}
    more = told.subscription(price="price_more", **sub)
    items = more["items"]["data"]
    items[0] |= {"price": items[0]["price"] | {"unit_amount": 4000}}
    gone: dict[str, Any] = {"status": "canceled", "canceled_at": seconds(day(5)), "ended_at": seconds(day(5))}
    gone["cancellation_details"] = {"reason": "cancellation_requested"}
    back = {"object": "list", "has_more": False, "data": [told.refund("re_1", "pi_1", 3000)]}
    unpaid = told.invoice("in_1", "sub_1", "pi_1", old=old, status="open")
    return {
        "created": told.event(
            "customer.subscription.created", told.subscription(price="price_try", **sub), day(1)
        ),
        "updated": told.event("customer.subscription.updated", more, day(2)),
        "payment_failed": told.event("invoice.payment_failed", unpaid, day(3)),
        "payment_succeeded": told.event(
            "invoice.payment_succeeded", told.invoice("in_1", "sub_1", "pi_1", old=old), day(4)
        ),
        "deleted": told.event("customer.subscription.deleted", more | gone, day(5)),
        "refunded": told.event(
            "charge.refunded", told.charge("pi_1", amount_refunded=3000, refunds=back), day(6)
        ),
    }
