"""Scenarios of what is on offer: codes, batches, the price list."""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import Operation
from lib.payments import operations
from lib.services import catalogue, discounts
from tests.factories import make_plan
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

TODAY: Final = moments.now().date()
TERMS: Final[Mapping[str, Any]] = {
    "kind": "percentage",
    "value": 20,
    "duration": "repeating",
    "duration_in_months": 3,
    "max_uses": 50,
    "first_time_only": True,
    "valid_from": TODAY,
    "valid_until": TODAY + timedelta(days=60),
}


def queued(database: Database, table: str, key: str) -> Operation:
    """The newest operation on a row."""
    with reading(database, FINANCE) as view:
        return next(
            view.session.scalars(
                select(Operation)
                .where(Operation.object_type == table, Operation.object_id == key)
                .order_by(Operation.id.desc())
            )
        )


def new_code(database: Database, **over: Any) -> str:
    """A code that waits to be made at Stripe."""
    code = f"C{secrets.token_hex(5)}"
    key: str = do(database, FINANCE, discounts.create, code=code, reason="Spring", **{**TERMS, **over})
    return key


def made_code(database: Database, stripe: LocalStripe, **over: Any) -> str:
    """A code that is at Stripe."""
    key = new_code(database, **over)
    finish(database, stripe, queued(database, "discount_codes", key))
    return key


def finish(database: Database, stripe: LocalStripe, operation: Operation) -> None:
    operations.run(database, stripe.gateway, operation.id, "before")
    operations.settle(database, stripe.gateway, operation.id)


def of_code(act: Callable[..., Any], **given: Any) -> Callable[[Database, LocalStripe], Operation]:
    """A code at Stripe that somebody acts on."""

    def scenario(database: Database, stripe: LocalStripe) -> Operation:
        key = made_code(database, stripe)
        if act is discounts.switch_on:
            off = read(database, FINANCE, discounts.one, key).digest
            do(database, FINANCE, discounts.switch_off, key, shown=off, reason="Leaked")
            finish(database, stripe, queued(database, "discount_codes", key))
        shown = read(database, FINANCE, discounts.one, key).digest
        do(database, FINANCE, act, key, shown=shown, reason="They asked", **given)
        return queued(database, "discount_codes", key)

    return scenario


def create(database: Database, _stripe: LocalStripe) -> Operation:
    return queued(database, "discount_codes", new_code(database))


def batch(database: Database, _stripe: LocalStripe) -> Operation:
    asked = {**TERMS, "max_uses": 1}
    key = do(
        database,
        FINANCE,
        discounts.make_batch,
        title="Fair",
        prefix="FAIR",
        wanted=5,
        at_stripe=True,
        reason="Spring",
        **asked,
    )
    return queued(database, "admin_discount_batches", key)


def plan_at_stripe(database: Database, stripe: LocalStripe, cents: int = 3000) -> str:
    """A plan whose product and price are at Stripe, at another price than ours if `cents` says so."""
    mark = secrets.token_hex(6)
    product = stripe.gateway.catalogue.create_product(
        f"prod_{mark}", name="Plan", metadata={}, key=f"p{mark}"
    )
    price = stripe.gateway.catalogue.create_price(
        product_id=product.id,
        unit_amount=cents,
        currency="usd",
        interval="month",
        lookup_key=f"key_{mark}",
        metadata={},
        key=f"c{mark}",
    )
    stripe.gateway.catalogue.set_default_price(product.id, price.id, key=f"d{mark}")
    return make_plan(database, stripe_product_id=product.id, stripe_price_id=price.id, id=f"plan_{mark}")


def create_plan(database: Database, _stripe: LocalStripe) -> Operation:
    mark = secrets.token_hex(6)
    key = make_plan(database, stripe_product_id=None, stripe_price_id=None, id=f"plan_{mark}")
    return of_plan(database, key, catalogue.create)


def new_price(database: Database, stripe: LocalStripe) -> Operation:
    return of_plan(database, plan_at_stripe(database, stripe), catalogue.new_price, price_cents=3300)


def adopt_price(database: Database, stripe: LocalStripe) -> Operation:
    return of_plan(database, plan_at_stripe(database, stripe, 3500), catalogue.adopt_price)


def of_plan(database: Database, key: str, act: Callable[..., Operation], **given: Any) -> Operation:
    shown = read(database, FINANCE, catalogue.one, f"subscription_plans/{key}").digest
    waiting: Operation = do(
        database, FINANCE, act, "subscription_plans", key, shown=shown, reason="New year", **given
    )
    return waiting


OFFERS: Final = {
    "discount_create": create,
    "discount_change": of_code(
        discounts.change, max_uses=80, max_per_customer=1, valid_until=TODAY + timedelta(days=90)
    ),
    "discount_switch_off": of_code(discounts.switch_off),
    "discount_switch_on": of_code(discounts.switch_on),
    "discount_coupon": batch,
    "catalogue_create": create_plan,
    "catalogue_new_price": new_price,
    "catalogue_adopt_price": adopt_price,
}
"""One scenario for each kind of operation on codes, batches and the price list."""
