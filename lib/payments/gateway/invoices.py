"""Invoices at Stripe, and the payments behind them."""

from datetime import datetime

from lib.payments.events import InvoiceFacts
from lib.payments.events.fields import at, ident
from lib.payments.gateway.connection import Connection
from lib.payments.gateway.subscriptions import start_params


class Invoices:
    """What a couple was billed, and how it was paid."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, invoice_id: str) -> InvoiceFacts:
        """The invoice `in_…` as it is now, with the payment behind it and why that last failed."""
        return self._connection.read(
            InvoiceFacts,
            self._stripe.invoices.retrieve,
            invoice_id,
            params={"expand": ["payments.data.payment.payment_intent"]},
        )

    def payments(self, invoice_id: str) -> list[str]:
        """The ids of the payment intents behind an invoice, those that paid first."""
        rows = list(self._connection.pages(self._stripe.invoice_payments.list, {"invoice": invoice_id}))
        rows.sort(key=lambda row: row.get("status") != "paid")
        found = (ident(at(row, "payment", "payment_intent")) for row in rows)
        return [payment_intent_id for payment_intent_id in found if payment_intent_id]

    def of_payment(self, payment_intent_id: str) -> str | None:
        """The id of the invoice that a payment intent pays; None for a payment without one."""
        payment = {"type": "payment_intent", "payment_intent": payment_intent_id}
        rows = self._connection.pages(self._stripe.invoice_payments.list, {"payment": payment})
        return next((invoice_id for row in rows if (invoice_id := ident(row.get("invoice")))), None)

    def preview_start(
        self, customer_id: str, *, price_id: str, trial_end: datetime | None, coupon_id: str | None
    ) -> InvoiceFacts:
        """The first invoice that a new subscription would have; nothing is begun."""
        begun = start_params(price_id=price_id, trial_end=trial_end, coupon_id=coupon_id)
        discounts = {"discounts": begun.pop("discounts")} if coupon_id is not None else {}
        return self._connection.read(
            InvoiceFacts,
            self._stripe.invoices.create_preview,
            params={"customer": customer_id, "subscription_details": begun, **discounts},
        )
