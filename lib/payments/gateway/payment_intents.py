"""Payments outside of invoices, at Stripe."""

from collections.abc import Mapping

from lib.payments.events import PaymentIntentFacts
from lib.payments.gateway.connection import Connection, facts_of


class PaymentIntents:
    """Money taken once from a card on file, while its owner is not at the screen."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def take(
        self,
        *,
        customer_id: str,
        card_id: str,
        amount_cents: int,
        currency: str,
        description: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> PaymentIntentFacts:
        """Take `amount_cents` from one card of the customer's now; a card that is declined fails at once.

        `metadata`: carries our ids, by which `find` finds it. A declined try stays behind at Stripe, unpaid.
        """
        params = {
            "amount": amount_cents,
            "currency": currency.lower(),
            "customer": customer_id,
            "payment_method": card_id,
            "confirm": True,
            "off_session": True,
            "description": description,
            "metadata": dict(metadata),
        }
        return self._connection.write(
            PaymentIntentFacts, self._stripe.payment_intents.create, params=params, key=key
        )

    def find(self, customer_id: str, name: str, value: str) -> PaymentIntentFacts | None:
        """The customer's newest payment with that value in its metadata which took money; else None."""
        for row in self._connection.pages(self._stripe.payment_intents.list, {"customer": customer_id}):
            intent = facts_of(PaymentIntentFacts, row)
            if intent.metadata.get(name) == value and intent.status in {"succeeded", "processing"}:
                return intent
        return None
