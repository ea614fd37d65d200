"""Invoices at Stripe, and the payments behind them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from lib.payments.events import InvoiceFacts
from lib.payments.events.fields import at, ident
from lib.payments.gateway.connection import Connection, facts_of
from lib.payments.gateway.subscriptions import start_params

_WITH_PAYMENT: Final = ["payments.data.payment.payment_intent"]


class Invoices:
    """What a couple was billed, and how it was paid."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, invoice_id: str) -> InvoiceFacts:
        """The invoice `in_…` as it is now, with the payment behind it and why that last failed."""
        return self._connection.one(InvoiceFacts, "invoices", invoice_id, expand=_WITH_PAYMENT)

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

    def open(self) -> Iterator[InvoiceFacts]:
        """Every invoice that is open today, newest first, a page at a time."""
        for row in self._connection.pages(self._stripe.invoices.list, {"status": "open"}):
            yield facts_of(InvoiceFacts, row)

    def pay(self, invoice_id: str, *, key: str) -> InvoiceFacts:
        """Charge the customer's card for an open invoice now, beside Stripe's own tries.

        StripeFailed when the card is refused; the try counts all the same. When the outcome is unknown,
        `retrieve` says `paid`, or shows a grown `attempt_count`.
        """
        return self._change(self._stripe.invoices.pay, invoice_id, key)

    def void(self, invoice_id: str, *, key: str) -> InvoiceFacts:
        """Declare that an open or uncollectible invoice was a mistake: nobody owes it. It cannot be undone.

        When the outcome is unknown, `retrieve` says `void` if it was done.
        """
        return self._change(self._stripe.invoices.void_invoice, invoice_id, key)

    def mark_uncollectible(self, invoice_id: str, *, key: str) -> InvoiceFacts:
        """Write an open invoice off: it is owed, and nobody expects it any more. It can still be paid.

        When the outcome is unknown, `retrieve` says `uncollectible` if it was done.
        """
        return self._change(self._stripe.invoices.mark_uncollectible, invoice_id, key)

    def send(self, invoice_id: str, *, key: str) -> InvoiceFacts:
        """Have Stripe mail the invoice to the customer; in test mode no mail leaves.

        When the outcome is unknown, `was_sent` tells: nothing on the invoice itself does.
        """
        return self._change(self._stripe.invoices.send_invoice, invoice_id, key)

    def was_sent(self, invoice_id: str, since: datetime) -> bool:
        """Whether an `invoice.sent` event tells that the invoice was mailed since then (30 days at most)."""
        params = {"created": {"gte": int(since.timestamp())}, "type": "invoice.sent"}
        rows = self._connection.pages(self._stripe.events.list, params)
        return any(ident(at(row, "data", "object")) == invoice_id for row in rows)

    def _change(self, send: Callable[..., Any], invoice_id: str, key: str) -> InvoiceFacts:
        return self._connection.write(
            InvoiceFacts, send, invoice_id, params={"expand": _WITH_PAYMENT}, key=key
        )
