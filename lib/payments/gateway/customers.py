"""Customers at Stripe: who pays, and with which card."""

from lib.payments.events import CustomerFacts
from lib.payments.gateway.connection import Connection


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
