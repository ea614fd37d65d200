"""What Stripe says that an invoice would be: the next one as things stand, or after a change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lib.core.errors import StripeFailed
from lib.payments.events import InvoiceFacts
from lib.payments.gateway.connection import Connection
from lib.payments.gateway.subscriptions import Proration, plan_change


class Previews:
    """Invoices that nobody sends. Asking for one changes nothing at Stripe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def next_invoice(self, subscription_id: str) -> InvoiceFacts | None:
        """The next invoice of a subscription; None when there will be none: it ends or is paused before."""
        return self._preview(subscription_id)

    def plan_change(
        self,
        subscription_id: str,
        *,
        item_id: str,
        price_id: str,
        proration: Proration,
        moment: datetime,
    ) -> InvoiceFacts | None:
        """The first invoice after a change of plan.

        It is made at once where the proration is `always_invoice`, or where the new price is billed in
        another interval; otherwise it is the next renewal's, with what is settled in it.
        """
        return self._preview(
            subscription_id, subscription_details=plan_change(item_id, price_id, proration, moment)
        )

    def resumption(self, subscription_id: str) -> InvoiceFacts | None:
        """The invoice that ending the real pause makes at once."""
        return self._preview(subscription_id, subscription_details={"resume_at": "now"})

    def with_discounts(
        self, subscription_id: str, discounts: Sequence[Mapping[str, str]]
    ) -> InvoiceFacts | None:
        """The next invoice with these discounts in the place of those that it has."""
        return self._preview(subscription_id, discounts=[dict(each) for each in discounts] or "")

    def _preview(self, subscription_id: str, **changes: Any) -> InvoiceFacts | None:
        try:
            return self._connection.read(
                InvoiceFacts,
                self._stripe.invoices.create_preview,
                params={"subscription": subscription_id, **changes},
            )
        except StripeFailed as failure:
            if failure.code == "invoice_upcoming_none":
                return None
            raise
