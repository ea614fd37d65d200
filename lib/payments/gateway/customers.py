"""Customers at Stripe, and the credit that they have there."""

from collections.abc import Iterator, Mapping
from itertools import islice

from lib.payments.events import BalanceEntryFacts, CustomerFacts
from lib.payments.gateway.connection import Connection, facts_of


class Customers:
    """Who pays, and what their next invoice is lowered or raised by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, customer_id: str) -> CustomerFacts:
        """The customer `cus_…` as it is now, with the balance."""
        return self._connection.read(CustomerFacts, self._stripe.customers.retrieve, customer_id)

    def adjust_balance(
        self,
        customer_id: str,
        *,
        amount_cents: int,
        currency: str,
        description: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> BalanceEntryFacts:
        """Move the balance by `amount_cents`: a negative amount is a credit to the customer, as at Stripe.

        The next invoice is lowered or raised by the balance; no money moves before. `description` is seen by
        the customer. `metadata`: carries our own id as `credit_id`, by which `find` finds the movement.
        """
        return self._connection.write(
            BalanceEntryFacts,
            self._stripe.customers.balance_transactions.create,
            customer_id,
            params={
                "amount": amount_cents,
                "currency": currency.lower(),
                "description": description,
                "metadata": dict(metadata),
            },
            key=key,
        )

    def balance_entries(self, customer_id: str, limit: int = 20) -> list[BalanceEntryFacts]:
        """The newest movements of the balance."""
        return list(islice(self._entries(customer_id), limit))

    def find(self, customer_id: str, credit_id: str) -> BalanceEntryFacts | None:
        """The movement that carries our `credit_id`; None when it was never made."""
        found = (each for each in self._entries(customer_id) if each.metadata.get("credit_id") == credit_id)
        return next(found, None)

    def _entries(self, customer_id: str) -> Iterator[BalanceEntryFacts]:
        client = self._stripe.customers.balance_transactions
        for row in self._connection.pages(client.list, {}, customer_id):
            yield facts_of(BalanceEntryFacts, row)
