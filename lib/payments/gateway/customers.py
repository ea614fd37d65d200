"""Customers at Stripe: who pays, with which card, and the credit that they have there."""

from collections.abc import Iterator, Mapping
from itertools import islice

from lib.payments.events import BalanceEntryFacts, CustomerFacts
from lib.payments.events.fields import rows
from lib.payments.gateway.connection import Connection, facts_of


class Customers:
    """Who a subscription is charged to, and what their next invoice is lowered or raised by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, customer_id: str) -> CustomerFacts:
        """The customer `cus_…` as it is now, with the balance and the card for subscriptions."""
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
        the customer. `metadata`: carries our own id as `credit_id`, by which `find_entry` finds the movement.
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

    def find_entry(self, customer_id: str, credit_id: str) -> BalanceEntryFacts | None:
        """The movement that carries our `credit_id`; None when it was never made."""
        found = (each for each in self._entries(customer_id) if each.metadata.get("credit_id") == credit_id)
        return next(found, None)

    def _entries(self, customer_id: str) -> Iterator[BalanceEntryFacts]:
        client = self._stripe.customers.balance_transactions
        for row in self._connection.pages(client.list, {}, customer_id):
            yield facts_of(BalanceEntryFacts, row)
