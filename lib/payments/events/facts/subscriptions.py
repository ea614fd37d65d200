"""A subscription, its items and its discounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountFacts:
    """A coupon as applied to a subscription or an item.

    `id`: `di_…`. An unexpanded discount carries nothing but this.
    `coupon_id`: from `discount.coupon`, or `discount.source.coupon` since clover.
    `promotion_code_id`: `promo_…`, the code the customer typed; None when staff applied the coupon itself.
    `end`: when a repeating coupon stops; None for `once` and `forever`.
    `duration`: once, repeating or forever, where the shape carries the coupon itself.
    """

    id: str | None
    coupon_id: str | None
    promotion_code_id: str | None
    start: datetime | None
    end: datetime | None
    duration: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionItemFacts:
    """One price on a subscription.

    `unit_amount`: cents for one unit per interval; None for tiered prices and for fractions of a cent.
    `interval`, `interval_count`: what one period is, such as `month` and 1; None for the oldest test shapes.
    `quantity`: None where the shape leaves it out (Stripe then bills 1; metered prices have none).
    `current_period_start`, `current_period_end`: since basil the period belongs to the item.
    """

    id: str | None
    price_id: str | None
    product_id: str | None
    unit_amount: int | None
    currency: str | None
    interval: str | None
    interval_count: int | None
    quantity: int | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    discounts: tuple[DiscountFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFacts:
    """A subscription.

    `status`: trialing, active, past_due, unpaid, incomplete, incomplete_expired, paused or canceled.
    `items`: empty when the shape names none. A subscription older than items has one, made of its plan.
    `current_period_start`, `current_period_end`: the subscription's own where it has them; otherwise those of
    the item whose period ends first, which is what is billed next.
    `cancel_at_period_end`: it ends with the period. `cancel_at`: the moment of its end, for a fixed date too.
    `canceled_at`: when the cancellation was asked for. `ended_at`: when it was over.
    `cancellation_reason`: Stripe's (`cancellation_requested`, `payment_failed`, `payment_disputed`);
    `cancellation_comment` and `cancellation_feedback`: the customer's.
    `pause_behavior`, `pause_resumes_at`: `pause_collection`, under which the status stays `active` and no
    money is collected. The other pause, which stops the service, is `status == "paused"`, since `paused_at`
    and for `paused_reason` where the shape says so.
    `billing_mode`: `classic` or `flexible`; only flexible ones can be paused for real.
    `discounts`: of the subscription itself; those of single items are on the items.
    `latest_invoice_id`: `in_…`. `currency`: the subscription's, or its first item's.
    """

    id: str
    customer_id: str | None
    status: str | None
    items: tuple[SubscriptionItemFacts, ...]
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    cancellation_reason: str | None
    cancellation_comment: str | None
    cancellation_feedback: str | None
    trial_start: datetime | None
    trial_end: datetime | None
    ended_at: datetime | None
    pause_behavior: str | None
    pause_resumes_at: datetime | None
    paused_reason: str | None
    paused_at: datetime | None
    billing_mode: str | None
    discounts: tuple[DiscountFacts, ...]
    latest_invoice_id: str | None
    currency: str | None
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None
