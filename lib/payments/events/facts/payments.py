"""What was billed, taken, given back and disputed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


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
    `decline_reason`: the bank's own code for a refusal, such as `insufficient_funds`.
    `receipt_url`: Stripe's page with the receipt; only of a charge that succeeded.
    `fee`, `net`: cents that Stripe kept, and what is left of `settled_amount`, in `settled_currency`; only
    with `balance_transaction` expanded.
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
    decline_reason: str | None
    receipt_url: str | None
    fee: int | None
    net: int | None
    settled_amount: int | None
    settled_currency: str | None
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
