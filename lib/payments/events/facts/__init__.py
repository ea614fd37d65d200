"""The typed form of Stripe's objects: the facts that this product acts on, whatever the API version.

All amounts are integers in the smallest unit of `currency` (cents), all moments aware UTC. A field is None
when the shape does not carry it: None means "not said", never zero and never False. `metadata` is empty when
there is none. Field names are Stripe's own where Stripe has one name for the fact.
"""

from lib.payments.events.facts.customers import (
    BalanceEntryFacts,
    CreditNoteFacts,
    CustomerFacts,
)
from lib.payments.events.facts.offers import (
    CouponFacts,
    PriceFacts,
    ProductFacts,
    PromotionCodeFacts,
)
from lib.payments.events.facts.payments import (
    ChargeFacts,
    DisputeFacts,
    InvoiceFacts,
    InvoiceLineFacts,
    PaymentIntentFacts,
    RefundFacts,
)
from lib.payments.events.facts.subscriptions import (
    DiscountFacts,
    SubscriptionFacts,
    SubscriptionItemFacts,
)

__all__ = [
    "BalanceEntryFacts",
    "ChargeFacts",
    "CouponFacts",
    "CreditNoteFacts",
    "CustomerFacts",
    "DiscountFacts",
    "DisputeFacts",
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
]

Facts = (
    SubscriptionFacts
    | InvoiceFacts
    | ChargeFacts
    | RefundFacts
    | DisputeFacts
    | CustomerFacts
    | PaymentIntentFacts
    | BalanceEntryFacts
    | CreditNoteFacts
    | CouponFacts
    | PromotionCodeFacts
    | ProductFacts
    | PriceFacts
)
