"""The typed form of Stripe's objects: the facts that this product acts on, whatever the API version.

All amounts are integers in the smallest unit of `currency` (cents), all moments aware UTC. A field is None
when the shape does not carry it: None means "not said", never zero and never False. `metadata` is empty when
there is none. Field names are Stripe's own where Stripe has one name for the fact.
"""

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
    """

    id: str | None
    coupon_id: str | None
    promotion_code_id: str | None
    start: datetime | None
    end: datetime | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLineFacts:
    """One line of an invoice.

    `amount`: cents before discounts and exclusive taxes; negative for a credit, as for unused time on a plan.
    `proration`: it settles a change in the middle of a period.
    `period_start`, `period_end`: the time of service that the line pays for.
    """

    id: str | None
    description: str | None
    amount: int | None
    currency: str | None
    quantity: int | None
    price_id: str | None
    product_id: str | None
    proration: bool | None
    subscription_id: str | None
    subscription_item_id: str | None
    period_start: datetime | None
    period_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts:
    """An invoice.

    `status`: draft, open, paid, uncollectible or void.
    `amount_due`, `amount_paid`, `amount_remaining`, `subtotal`, `total`: cents.
    `tax`: cents of all taxes; 0 when Stripe lists none, None when it did not say.
    `discount_total`: cents taken off by all discounts.
    `billing_reason`: subscription_create, subscription_cycle, subscription_update, manual ...
    `attempt_count`, `next_payment_attempt`: how often collecting was tried, and when it is tried next.
    `payment_intent_id`, `charge_id`: how it was (to be) paid. Since basil an invoice carries them only with
    `payments` expanded; the default payment is taken, and `Invoices.payments` asks for them.
    `period_start`, `period_end`: the invoice's own, which for a renewal is the period that just ended; the
    service being paid for is the period of the lines.
    `lines`: the lines sent along, which are all of them up to ten.
    `error_message`: why the last finalization or (expanded) payment failed, in Stripe's words.
    """

    id: str
    customer_id: str | None
    subscription_id: str | None
    number: str | None
    status: str | None
    amount_due: int | None
    amount_paid: int | None
    amount_remaining: int | None
    subtotal: int | None
    total: int | None
    tax: int | None
    discount_total: int | None
    currency: str | None
    billing_reason: str | None
    attempt_count: int | None
    next_payment_attempt: datetime | None
    payment_intent_id: str | None
    charge_id: str | None
    period_start: datetime | None
    period_end: datetime | None
    paid_at: datetime | None
    hosted_invoice_url: str | None
    invoice_pdf: str | None
    lines: tuple[InvoiceLineFacts, ...]
    error_message: str | None
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """Money on its way back to a customer.

    `status`: pending, requires_action, succeeded, failed or canceled; None in shapes before 2015.
    `reason`: duplicate, fraudulent, requested_by_customer or expired_uncaptured_charge.
    `failure_reason`: why the bank sent it back, which may happen days after `succeeded`.
    """

    id: str
    charge_id: str | None
    payment_intent_id: str | None
    amount: int | None
    currency: str | None
    status: str | None
    reason: str | None
    failure_reason: str | None
    metadata: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFacts:
    """One attempt to take money.

    `status`: succeeded, pending or failed.
    `amount_refunded`: cents given back so far, cumulative over all refunds: set it, never add it.
    `refunded`: the whole amount was given back.
    `invoice_id`: only in shapes before basil; `Invoices.of_payment` asks for it.
    `card_brand`, `card_last4`: lower case as in `visa`; nothing else of the card is read.
    `dispute_id`, `disputed`: the id only in shapes that name it.
    `refunds`: the refunds sent along, newest first; None when the shape omits them or sends only the first
    page, and then `Refunds.of_charge` knows them all.
    """

    id: str
    payment_intent_id: str | None
    invoice_id: str | None
    customer_id: str | None
    amount: int | None
    amount_refunded: int | None
    refunded: bool | None
    currency: str | None
    status: str | None
    failure_code: str | None
    failure_message: str | None
    card_brand: str | None
    card_last4: str | None
    dispute_id: str | None
    disputed: bool | None
    refunds: tuple[RefundFacts, ...] | None
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFacts:
    """A customer's bank asks for the money back.

    `status`: warning_needs_response, needs_response, under_review, won, lost ...
    `reason`: fraudulent, duplicate, product_not_received ...
    `evidence_due_by`: until when Stripe takes evidence.
    """

    id: str
    charge_id: str | None
    payment_intent_id: str | None
    amount: int | None
    currency: str | None
    status: str | None
    reason: str | None
    evidence_due_by: datetime | None
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """Who pays.

    `card_id`: `pm_…`, the card that subscriptions are charged to; brand, last four digits and the last month
    that it is good for only when it is expanded. No name, address or e-mail is read.
    `balance`: cents; a credit is negative. `deleted`: Stripe keeps an id of it, and nothing else.
    """

    id: str
    card_id: str | None
    card_brand: str | None
    card_last4: str | None
    card_exp_month: int | None
    card_exp_year: int | None
    balance: int | None
    currency: str | None
    deleted: bool
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIntentFacts:
    """A payment outside of an invoice, or the one behind an invoice.

    `status`: succeeded, processing, requires_payment_method (also after a card was declined),
    requires_action, requires_confirmation, requires_capture or canceled.
    `charge_id`: the latest try.
    """

    id: str
    customer_id: str | None
    amount: int | None
    currency: str | None
    status: str | None
    charge_id: str | None
    error_message: str | None
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None


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


Facts = (
    SubscriptionFacts
    | InvoiceFacts
    | ChargeFacts
    | RefundFacts
    | DisputeFacts
    | CustomerFacts
    | PaymentIntentFacts
    | CouponFacts
    | PromotionCodeFacts
    | ProductFacts
    | PriceFacts
)
