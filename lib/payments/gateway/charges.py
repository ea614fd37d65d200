"""Charges at Stripe."""

from lib.payments.events import ChargeFacts
from lib.payments.events.fields import rows
from lib.payments.gateway.connection import Connection, facts_of

_MOST_ATTEMPTS = 20


class Charges:
    """Money taken from a card, as it is now."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, charge_id: str) -> ChargeFacts:
        """The charge `ch_…` as it is now; its refunds are asked for with `Refunds.of_charge`."""
        return self._connection.one(ChargeFacts, "charges", charge_id)

    def attempts(self, payment_intent_id: str) -> list[ChargeFacts]:
        """Every try to take the money of a payment intent, newest first, with what Stripe kept of it."""
        params = {
            "payment_intent": payment_intent_id,
            "limit": _MOST_ATTEMPTS,
            "expand": ["data.balance_transaction"],
        }
        page = self._connection.ask(self._stripe.charges.list, params=params)
        return [facts_of(ChargeFacts, row) for row in rows(page)]

    def with_fees(self, charge_id: str) -> ChargeFacts:
        """The charge `ch_…` as it is now, with what Stripe kept of it."""
        params = {"expand": ["balance_transaction"]}
        return self._connection.read(ChargeFacts, self._stripe.charges.retrieve, charge_id, params=params)

    def of_payment(self, payment_intent_id: str) -> ChargeFacts | None:
        """The latest charge of a payment intent, which is the one that paid it; None before the first try."""
        intent = self._connection.ask(
            self._stripe.payment_intents.retrieve, payment_intent_id, params={"expand": ["latest_charge"]}
        )
        charge = intent.get("latest_charge")
        if isinstance(charge, str):
            return self.retrieve(charge)
        return None if charge is None else facts_of(ChargeFacts, charge)
