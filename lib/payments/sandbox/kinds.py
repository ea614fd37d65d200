"""The kinds of objects that are stored, and which of their facts are indexed columns."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lib.payments.sandbox.facts import (
    ChargeFacts,
    CouponFacts,
    CreditNoteFacts,
    CustomerBalanceTransactionFacts,
    CustomerFacts,
    DisputeFacts,
    EventFacts,
    InvoiceFacts,
    InvoiceItemFacts,
    PaymentIntentFacts,
    PaymentMethodFacts,
    PriceFacts,
    ProductFacts,
    PromotionCodeFacts,
    RefundFacts,
    SubscriptionFacts,
    WebhookEndpointFacts,
)


@dataclass(frozen=True)
class Kind:
    """How one kind of object is kept: its id prefix and the facts that become indexed columns.

    `any_case`: the look-up text is found in whatever case it is asked for.
    """

    name: str
    prefix: str
    facts: type[Any]
    customer: str | None = None
    parent: str | None = None
    lookup: str | None = None
    any_case: bool = False

    @cached_property
    def required(self) -> frozenset[str]:
        """The facts that every object of this kind has."""
        return frozenset(self.facts.__required_keys__)

    @cached_property
    def known(self) -> frozenset[str]:
        """All facts that an object of this kind may have."""
        return frozenset(self.facts.__annotations__)

    @cached_property
    def columns(self) -> frozenset[str | None]:
        """The facts that are kept as columns."""
        return frozenset({"id", "created", "status", "object", self.customer, self.parent, self.lookup})


KINDS = {
    kind.name: kind
    for kind in (
        Kind("customer", "cus", CustomerFacts, lookup="email"),
        Kind("payment_method", "pm", PaymentMethodFacts, customer="customer"),
        Kind("product", "prod", ProductFacts),
        Kind("price", "price", PriceFacts, parent="product", lookup="lookup_key"),
        Kind("coupon", "", CouponFacts),
        Kind(
            "promotion_code",
            "promo",
            PromotionCodeFacts,
            customer="customer",
            parent="coupon",
            lookup="code",
            any_case=True,
        ),
        Kind("subscription", "sub", SubscriptionFacts, customer="customer"),
        Kind("invoice", "in", InvoiceFacts, customer="customer", parent="subscription"),
        Kind(
            "invoiceitem",
            "ii",
            InvoiceItemFacts,
            customer="customer",
            parent="subscription",
            lookup="invoice",
        ),
        Kind("payment_intent", "pi", PaymentIntentFacts, customer="customer", parent="invoice"),
        Kind("charge", "ch", ChargeFacts, customer="customer", parent="payment_intent"),
        Kind("refund", "re", RefundFacts, parent="charge", lookup="payment_intent"),
        Kind("credit_note", "cn", CreditNoteFacts, customer="customer", parent="invoice"),
        Kind(
            "customer_balance_transaction",
            "cbtxn",
            CustomerBalanceTransactionFacts,
            customer="customer",
            parent="invoice",
        ),
        Kind("dispute", "dp", DisputeFacts, parent="charge", lookup="payment_intent"),
        Kind("event", "evt", EventFacts, parent="subject", lookup="type"),
        Kind("webhook_endpoint", "we", WebhookEndpointFacts),
    )
}
"""Every kind of object that is stored, by the name that Stripe gives it in `object`."""
