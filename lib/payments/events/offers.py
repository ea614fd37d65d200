"""What is sold and what is taken off: products, prices, coupons, promotion codes, in every shape."""

from collections.abc import Mapping
from typing import Any

from lib.payments.events.facts import CouponFacts, PriceFacts, ProductFacts, PromotionCodeFacts
from lib.payments.events.fields import at, first, flag, ident, moment, number, text, texts, whole

Payload = Mapping[str, Any]


def coupon(source: Payload, coupon_id: str) -> CouponFacts:
    """A coupon of any shape."""
    return CouponFacts(
        id=coupon_id,
        name=text(source.get("name")),
        percent_off=number(source.get("percent_off")),
        amount_off=whole(source.get("amount_off")),
        currency=text(source.get("currency")),
        duration=text(source.get("duration")),
        duration_in_months=whole(source.get("duration_in_months")),
        max_redemptions=whole(source.get("max_redemptions")),
        redeem_by=moment(source.get("redeem_by")),
        times_redeemed=whole(source.get("times_redeemed")),
        valid=flag(source.get("valid")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


def promotion_code(source: Payload, code_id: str) -> PromotionCodeFacts:
    """A promotion code of any shape: before clover it carried its coupon, since then a `promotion`."""
    return PromotionCodeFacts(
        id=code_id,
        coupon_id=first(ident(at(source, "promotion", "coupon")), ident(source.get("coupon"))),
        code=text(source.get("code")),
        active=flag(source.get("active")),
        max_redemptions=whole(source.get("max_redemptions")),
        expires_at=moment(source.get("expires_at")),
        times_redeemed=whole(source.get("times_redeemed")),
        first_time_only=flag(at(source, "restrictions", "first_time_transaction")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


def product(source: Payload, product_id: str) -> ProductFacts:
    """A product of any shape."""
    return ProductFacts(
        id=product_id,
        name=text(source.get("name")),
        active=flag(source.get("active")),
        default_price_id=ident(source.get("default_price")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


def price(source: Payload, price_id: str) -> PriceFacts:
    """A price of any shape."""
    return PriceFacts(
        id=price_id,
        product_id=ident(source.get("product")),
        active=flag(source.get("active")),
        unit_amount=whole(source.get("unit_amount")),
        currency=text(source.get("currency")),
        interval=text(at(source, "recurring", "interval")),
        interval_count=whole(at(source, "recurring", "interval_count")),
        lookup_key=text(source.get("lookup_key")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )
