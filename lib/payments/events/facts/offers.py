"""What is sold, and what is taken off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponFacts:
    """What is taken off, and for how long. Of a coupon nothing but name and metadata ever changes.

    `percent_off`: such as 12.5; `amount_off`: cents of `currency`; a coupon has one of them.
    `duration`: once, repeating (for `duration_in_months`) or forever.
    `times_redeemed`: counts every redemption, by whichever promotion code or without one.
    `valid`: whether it can still be redeemed.
    """

    id: str
    name: str | None
    percent_off: float | None
    amount_off: int | None
    currency: str | None
    duration: str | None
    duration_in_months: int | None
    max_redemptions: int | None
    redeem_by: datetime | None
    times_redeemed: int | None
    valid: bool | None
    metadata: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionCodeFacts:
    """The text that a customer types for a coupon. Nothing but `active` and metadata ever changes.

    `active`: switched on, in time and not used up. Of one text, one code at most is active.
    """

    id: str
    coupon_id: str | None
    code: str | None
    active: bool | None
    max_redemptions: int | None
    expires_at: datetime | None
    times_redeemed: int | None
    first_time_only: bool | None
    metadata: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """What is sold, whatever its price."""

    id: str
    name: str | None
    active: bool | None
    default_price_id: str | None
    metadata: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFacts:
    """What a product costs. Its amount never changes: another price takes its place.

    `unit_amount`: cents of `currency`; None for tiers and fractions of a cent.
    `interval`, `interval_count`: what one period is; None for a price that is paid once.
    """

    id: str
    product_id: str | None
    active: bool | None
    unit_amount: int | None
    currency: str | None
    interval: str | None
    interval_count: int | None
    lookup_key: str | None
    metadata: Mapping[str, str]
    created: datetime | None
