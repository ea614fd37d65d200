"""Customers at Stripe: who pays, and with which card."""

from lib.payments.events import CustomerFacts
from lib.payments.events.fields import rows
from lib.payments.gateway.connection import Connection, facts_of


class Customers:
    """Who a subscription is charged to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, customer_id: str) -> CustomerFacts:
        """The customer `cus_…` as it is now, with the card that subscriptions are charged to."""
        return self._connection.read(
            CustomerFacts,
            self._stripe.customers.retrieve,
            customer_id,
            params={"expand": ["invoice_settings.default_payment_method"]},
        )

    def find(self, name: str, value: str) -> CustomerFacts | None:
        """The newest customer with that value in its metadata; None without one.

        Stripe's search is behind by up to a minute (https://docs.stripe.com/search), so it shows what was,
        and never decides whether something happened.
        """
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        answer = self._connection.ask(
            self._stripe.customers.search, params={"query": f"metadata['{name}']:'{quoted}'", "limit": 1}
        )
        return next((facts_of(CustomerFacts, row) for row in rows(answer)), None)
