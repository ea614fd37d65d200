"""The facts that each kind of object is stored as; every other field is derived when the object is read.

These classes are the contract of `Store.load`: what is not `NotRequired` must be there, and an unknown key is
refused. Times are Unix seconds in UTC, amounts are integers in the currency's smallest unit (cents).
Ids are Stripe's own form (`sub_…`); coupons and products may have any id.
"""

from typing import Any, Literal, NotRequired, TypedDict

Facts = dict[str, Any]
"""One stored object, with its kind under `object`, as in Stripe's own JSON."""


class CustomerFacts(TypedDict):
    """A person or couple that pays. `balance` is a credit when negative."""

    id: str
    created: int
    email: NotRequired[str | None]
    name: NotRequired[str | None]
    phone: NotRequired[str | None]
    description: NotRequired[str | None]
    address: NotRequired[dict[str, Any] | None]
    shipping: NotRequired[dict[str, Any] | None]
    preferred_locales: NotRequired[list[str]]
    tax_exempt: NotRequired[str]
    metadata: NotRequired[dict[str, str]]
    default_payment_method: NotRequired[str | None]
    balance: NotRequired[int]
    currency: NotRequired[str | None]
    next_invoice_sequence: NotRequired[int]


class PaymentMethodFacts(TypedDict):
    """A card. `card` names the test card it behaves like (`cards.CARDS`), `pm_card_visa` when left out."""

    id: str
    created: int
    customer: NotRequired[str | None]
    card: NotRequired[str]
    brand: NotRequired[str]
    last4: NotRequired[str]
    exp_month: NotRequired[int]
    exp_year: NotRequired[int]
    billing_details: NotRequired[dict[str, Any]]
    metadata: NotRequired[dict[str, str]]


class ProductFacts(TypedDict):
    """What is sold."""

    id: str
    created: int
    name: str
    description: NotRequired[str | None]
    active: NotRequired[bool]
    default_price: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    updated: NotRequired[int]


class PriceFacts(TypedDict):
    """What it costs. Without `interval` the price is a one-time one."""

    id: str
    created: int
    product: str
    unit_amount: int
    currency: NotRequired[str]
    interval: NotRequired[Literal["day", "week", "month", "year"] | None]
    interval_count: NotRequired[int]
    active: NotRequired[bool]
    nickname: NotRequired[str | None]
    lookup_key: NotRequired[str | None]
    tax_behavior: NotRequired[str]
    metadata: NotRequired[dict[str, str]]


class CouponFacts(TypedDict):
    """A reduction: `percent_off`, or `amount_off` in `currency`. `products` limits what it applies to."""

    id: str
    created: int
    duration: Literal["forever", "once", "repeating"]
    percent_off: NotRequired[float | None]
    amount_off: NotRequired[int | None]
    currency: NotRequired[str | None]
    duration_in_months: NotRequired[int | None]
    name: NotRequired[str | None]
    max_redemptions: NotRequired[int | None]
    redeem_by: NotRequired[int | None]
    products: NotRequired[list[str]]
    times_redeemed: NotRequired[int]
    metadata: NotRequired[dict[str, str]]


class PromotionCodeFacts(TypedDict):
    """The code that people type for a coupon; unique among the active ones, whatever its case."""

    id: str
    created: int
    coupon: str
    code: str
    active: NotRequired[bool]
    customer: NotRequired[str | None]
    expires_at: NotRequired[int | None]
    max_redemptions: NotRequired[int | None]
    times_redeemed: NotRequired[int]
    first_time_transaction: NotRequired[bool]
    minimum_amount: NotRequired[int | None]
    minimum_amount_currency: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class DiscountFacts(TypedDict):
    """A coupon at work on a subscription. Without `end` it does not run out."""

    id: str
    coupon: str
    start: int
    end: NotRequired[int | None]
    promotion_code: NotRequired[str | None]
    once_used: NotRequired[bool]


class SubscriptionItemFacts(TypedDict):
    """One price of a subscription; its id is derived from the subscription's when left out."""

    price: str
    id: NotRequired[str]
    quantity: NotRequired[int]
    created: NotRequired[int]
    metadata: NotRequired[dict[str, str]]


class SubscriptionFacts(TypedDict):
    """A subscription. Its latest invoice is derived from the invoices that name it."""

    id: str
    created: int
    customer: str
    status: Literal["active", "trialing", "past_due", "canceled", "unpaid", "incomplete", "paused"]
    items: list[SubscriptionItemFacts]
    current_period_start: int
    current_period_end: int
    currency: NotRequired[str]
    billing_cycle_anchor: NotRequired[int]
    trial_start: NotRequired[int | None]
    trial_end: NotRequired[int | None]
    cancel_at: NotRequired[int | None]
    cancel_at_period_end: NotRequired[bool]
    canceled_at: NotRequired[int | None]
    ended_at: NotRequired[int | None]
    cancellation_details: NotRequired[dict[str, str | None]]
    pause_collection: NotRequired[dict[str, Any] | None]
    paused_at: NotRequired[int | None]
    default_payment_method: NotRequired[str | None]
    discounts: NotRequired[list[DiscountFacts]]
    collection_method: NotRequired[str]
    days_until_due: NotRequired[int | None]
    description: NotRequired[str | None]
    billing_mode: NotRequired[Literal["flexible", "classic"]]
    metadata: NotRequired[dict[str, str]]


class LineFacts(TypedDict):
    """One line of an invoice; `amount` is before discounts, `discount_amounts` are [discount id, amount]."""

    amount: int
    price: NotRequired[str | None]
    quantity: NotRequired[int]
    description: NotRequired[str | None]
    period_start: NotRequired[int]
    period_end: NotRequired[int]
    proration: NotRequired[bool]
    subscription_item: NotRequired[str | None]
    invoice_item: NotRequired[str | None]
    discount_amounts: NotRequired[list[list[Any]]]


class InvoiceFacts(TypedDict):
    """An invoice. Totals follow from its lines; its payments are the payment intents that name it.

    `pre_credit` and `post_credit` are what credit notes took off before and after it was paid.
    A paid invoice with an amount due needs a `payment_intent` and a `charge` of its own.
    """

    id: str
    created: int
    customer: str
    status: Literal["draft", "open", "paid", "void", "uncollectible"]
    lines: list[LineFacts]
    subscription: NotRequired[str | None]
    currency: NotRequired[str]
    billing_reason: NotRequired[str]
    period_start: NotRequired[int]
    period_end: NotRequired[int]
    number: NotRequired[str | None]
    starting_balance: NotRequired[int]
    pre_credit: NotRequired[int]
    post_credit: NotRequired[int]
    discounts: NotRequired[list[DiscountFacts]]
    collection_method: NotRequired[str]
    due_date: NotRequired[int | None]
    finalized_at: NotRequired[int | None]
    paid_at: NotRequired[int | None]
    voided_at: NotRequired[int | None]
    marked_uncollectible_at: NotRequired[int | None]
    attempt_count: NotRequired[int]
    next_payment_attempt: NotRequired[int | None]
    paid_out_of_band: NotRequired[bool]
    auto_advance: NotRequired[bool]
    default_payment_method: NotRequired[str | None]
    description: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class InvoiceItemFacts(TypedDict):
    """An amount that waits for the subscription's next invoice, such as a proration."""

    id: str
    created: int
    customer: str
    amount: int
    subscription: NotRequired[str | None]
    currency: NotRequired[str]
    description: NotRequired[str | None]
    price: NotRequired[str | None]
    quantity: NotRequired[int]
    period_start: NotRequired[int]
    period_end: NotRequired[int]
    proration: NotRequired[bool]
    subscription_item: NotRequired[str | None]
    invoice: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class PaymentIntentFacts(TypedDict):
    """One payment, from the first attempt to the money. Its latest charge is derived from the charges."""

    id: str
    created: int
    amount: int
    status: Literal["requires_payment_method", "requires_confirmation", "succeeded", "canceled"]
    currency: NotRequired[str]
    customer: NotRequired[str | None]
    invoice: NotRequired[str | None]
    payment_method: NotRequired[str | None]
    description: NotRequired[str | None]
    receipt_email: NotRequired[str | None]
    setup_future_usage: NotRequired[str | None]
    decline: NotRequired[str | None]
    canceled_at: NotRequired[int | None]
    cancellation_reason: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class ChargeFacts(TypedDict):
    """One attempt at a card. `decline` is the code of a failed one; `amount_refunded` is derived."""

    id: str
    created: int
    amount: int
    status: Literal["succeeded", "failed"]
    payment_intent: NotRequired[str | None]
    customer: NotRequired[str | None]
    currency: NotRequired[str]
    payment_method: NotRequired[str | None]
    decline: NotRequired[str | None]
    description: NotRequired[str | None]
    receipt_email: NotRequired[str | None]
    fraud_details: NotRequired[dict[str, str]]
    metadata: NotRequired[dict[str, str]]


class RefundFacts(TypedDict):
    """Money sent back from one charge. A failed one gives the amount back to the charge."""

    id: str
    created: int
    amount: int
    charge: str
    status: NotRequired[Literal["succeeded", "pending", "failed"]]
    payment_intent: NotRequired[str | None]
    currency: NotRequired[str]
    reason: NotRequired[str | None]
    failed_at: NotRequired[int | None]
    failure_reason: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class CreditNoteFacts(TypedDict):
    """An amount taken off an invoice; `pre_payment` of it before the invoice was paid."""

    id: str
    created: int
    invoice: str
    customer: str
    amount: int
    pre_payment: int
    number: str
    status: Literal["issued", "void"]
    currency: NotRequired[str]
    reason: NotRequired[str | None]
    memo: NotRequired[str | None]
    customer_balance_transaction: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class CustomerBalanceTransactionFacts(TypedDict):
    """One movement of a customer's balance; a credit to the customer is negative."""

    id: str
    created: int
    customer: str
    amount: int
    ending_balance: int
    currency: str
    type: str
    description: NotRequired[str | None]
    invoice: NotRequired[str | None]
    credit_note: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class DisputeFacts(TypedDict):
    """A charge that a bank asks back; `closed_at` is when it was decided."""

    id: str
    created: int
    amount: int
    charge: str
    status: Literal["needs_response", "under_review", "won", "lost"]
    reason: str
    evidence_due_by: int
    payment_intent: NotRequired[str | None]
    currency: NotRequired[str]
    closed_at: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]


class EventFacts(TypedDict):
    """Something that happened to `subject` (an object of kind `subject_kind`).

    `data` and `before` are the object as it was after and before; without `data` the event shows the object
    as it is now, which is enough for events loaded in bulk.
    """

    id: str
    created: int
    type: str
    subject: str
    subject_kind: str
    data: NotRequired[dict[str, Any]]
    before: NotRequired[dict[str, Any] | None]
    request_id: NotRequired[str | None]
    idempotency_key: NotRequired[str | None]


class WebhookEndpointFacts(TypedDict):
    """Where events are delivered. `api_version` None means today's."""

    id: str
    created: int
    url: str
    secret: str
    enabled_events: list[str]
    api_version: NotRequired[str | None]
    description: NotRequired[str | None]
    status: NotRequired[Literal["enabled", "disabled"]]
    metadata: NotRequired[dict[str, str]]
