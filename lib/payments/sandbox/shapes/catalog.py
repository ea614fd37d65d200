"""Products, prices, coupons, promotion codes and the discounts made from them."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session


def product(_session: "Session", facts: Facts) -> dict[str, Any]:
    """A product."""
    return {
        "id": facts["id"],
        "object": "product",
        "active": facts.get("active", True),
        "created": facts["created"],
        "default_price": facts.get("default_price"),
        "description": facts.get("description"),
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": facts.get("metadata", {}),
        "name": facts["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": facts.get("updated", facts["created"]),
        "url": None,
    }


def price(_session: "Session", facts: Facts) -> dict[str, Any]:
    """A price: recurring when its facts have an interval, one-time otherwise."""
    interval = facts.get("interval")
    recurring = None
    if interval:
        recurring = {
            "interval": interval,
            "interval_count": facts.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        }
    return {
        "id": facts["id"],
        "object": "price",
        "active": facts.get("active", True),
        "billing_scheme": "per_unit",
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": facts.get("lookup_key"),
        "metadata": facts.get("metadata", {}),
        "nickname": facts.get("nickname"),
        "product": facts["product"],
        "recurring": recurring,
        "tax_behavior": facts.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": facts["unit_amount"],
        "unit_amount_decimal": str(facts["unit_amount"]),
    }


def plan(facts: Facts) -> dict[str, Any]:
    """The older form of a recurring price, which subscription items still carry."""
    return {
        "id": facts["id"],
        "object": "plan",
        "active": facts.get("active", True),
        "amount": facts["unit_amount"],
        "amount_decimal": str(facts["unit_amount"]),
        "billing_scheme": "per_unit",
        "created": facts["created"],
        "currency": facts.get("currency", "usd"),
        "interval": facts.get("interval"),
        "interval_count": facts.get("interval_count", 1),
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "meter": None,
        "nickname": facts.get("nickname"),
        "product": facts["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def coupon(session: "Session", facts: Facts) -> dict[str, Any]:
    """A coupon. `applies_to` shows only when asked for, as at Stripe."""
    return {
        "id": facts["id"],
        "object": "coupon",
        "amount_off": facts.get("amount_off"),
        "created": facts["created"],
        "currency": facts.get("currency"),
        "duration": facts["duration"],
        "duration_in_months": facts.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": facts.get("max_redemptions"),
        "metadata": facts.get("metadata", {}),
        "name": facts.get("name"),
        "percent_off": facts.get("percent_off"),
        "redeem_by": facts.get("redeem_by"),
        "times_redeemed": facts.get("times_redeemed", 0),
        "valid": coupon_is_valid(facts, session.now),
        "_applies_to": {"products": facts["products"]} if facts.get("products") else None,
    }


def coupon_is_valid(facts: Facts, now: int) -> bool:
    """Whether the coupon can still be redeemed."""
    limit, redeem_by = facts.get("max_redemptions"), facts.get("redeem_by")
    return not (limit and facts.get("times_redeemed", 0) >= limit) and not (redeem_by and redeem_by <= now)


def promotion_code(session: "Session", facts: Facts) -> dict[str, Any]:
    """A promotion code; inactive once it has run out or been used up."""
    underlying = session.find("coupon", facts["coupon"])
    return {
        "id": facts["id"],
        "object": "promotion_code",
        "active": promotion_code_is_active(facts, underlying, session.now),
        "code": facts["code"],
        "created": facts["created"],
        "customer": facts.get("customer"),
        "customer_account": None,
        "expires_at": facts.get("expires_at"),
        "livemode": False,
        "max_redemptions": facts.get("max_redemptions"),
        "metadata": facts.get("metadata", {}),
        "promotion": {"type": "coupon", "coupon": facts["coupon"]},
        "restrictions": {
            "first_time_transaction": facts.get("first_time_transaction", False),
            "minimum_amount": facts.get("minimum_amount"),
            "minimum_amount_currency": facts.get("minimum_amount_currency"),
        },
        "times_redeemed": facts.get("times_redeemed", 0),
        "_coupon": coupon(session, underlying) if underlying else None,
    }


def promotion_code_is_active(facts: Facts, underlying: Facts | None, now: int) -> bool:
    """Whether the code can be redeemed: switched on, in time, under its limit, its coupon valid."""
    limit, expires = facts.get("max_redemptions"), facts.get("expires_at")
    return (
        facts.get("active", True)
        and not (limit and facts.get("times_redeemed", 0) >= limit)
        and not (expires and expires <= now)
        and underlying is not None
        and coupon_is_valid(underlying, now)
    )


def discount(session: "Session", facts: Facts, *, customer: str, subscription: str | None) -> dict[str, Any]:
    """A coupon at work. The coupon itself is an id; older versions show all of it."""
    underlying = session.find("coupon", facts["coupon"])
    return {
        "id": facts["id"],
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": facts.get("end"),
        "invoice": None,
        "invoice_item": None,
        "promotion_code": facts.get("promotion_code"),
        "source": {"type": "coupon", "coupon": facts["coupon"]},
        "start": facts["start"],
        "subscription": subscription,
        "subscription_item": None,
        "_coupon": coupon(session, underlying) if underlying else None,
    }
