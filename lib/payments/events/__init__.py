"""Reads what Stripe sends, in every shape since 2020, into one typed form.

A webhook endpoint keeps the API version it was made with, and one account may send old and new shapes side by
side. So fields are found by presence and never by version: wherever a shape keeps the subscription of an
invoice, it ends up in `InvoiceFacts.subscription_id`. What a shape lacks is None; only a payload that is no
Stripe event at all is an error.

    fields.py    one field: cents, moments, ids that may be expanded
    facts        the typed form of each object
    objects.py   where each shape keeps each fact; customers.py of customers, their balance and credit notes
    offers.py    the same for what is sold and what is taken off
    envelope.py  the event around the object
"""

from lib.payments.events.envelope import HANDLED, Event, read_event, read_object, require_event
from lib.payments.events.facts import (
    BalanceEntryFacts,
    ChargeFacts,
    CouponFacts,
    CreditNoteFacts,
    CustomerFacts,
    DiscountFacts,
    DisputeFacts,
    Facts,
    InvoiceFacts,
    InvoiceLineFacts,
    PaymentIntentFacts,
    PriceFacts,
    ProductFacts,
    PromotionCodeFacts,
    RefundFacts,
    SubscriptionFacts,
    SubscriptionItemFacts,
)

__all__ = [
    "HANDLED",
    "BalanceEntryFacts",
    "ChargeFacts",
    "CouponFacts",
    "CreditNoteFacts",
    "CustomerFacts",
    "DiscountFacts",
    "DisputeFacts",
    "Event",
    "Facts",
    "InvoiceFacts",
    "InvoiceLineFacts",
    "PaymentIntentFacts",
    "PriceFacts",
    "ProductFacts",
    "PromotionCodeFacts",
    "RefundFacts",
    "SubscriptionFacts",
    "SubscriptionItemFacts",
    "read_event",
    "read_object",
    "require_event",
]
