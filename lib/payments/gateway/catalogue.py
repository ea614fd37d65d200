"""Products and prices at Stripe."""

from collections.abc import Iterator, Mapping
from typing import Any

from lib.payments.events import PriceFacts, ProductFacts
from lib.payments.gateway.connection import Connection, facts_of


class Catalogue:
    """What is sold, and for how much. A price's amount never changes: a new price takes its place."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def create_product(
        self, product_id: str, *, name: str, metadata: Mapping[str, str], key: str
    ) -> ProductFacts:
        """Make a product under an id of ours: a second one fails with `resource_already_exists`."""
        params = {"id": product_id, "name": name, "metadata": dict(metadata)}
        return self._connection.write(ProductFacts, self._stripe.products.create, params=params, key=key)

    def set_default_price(self, product_id: str, price_id: str, *, key: str) -> ProductFacts:
        """Let a product offer this price by itself; the default price cannot be archived."""
        return self._connection.write(
            ProductFacts,
            self._stripe.products.update,
            product_id,
            params={"default_price": price_id},
            key=key,
        )

    def product(self, product_id: str) -> ProductFacts:
        """The product as it is now."""
        return self._connection.read(ProductFacts, self._stripe.products.retrieve, product_id)

    def products(self) -> Iterator[ProductFacts]:
        """Every product, archived ones too, newest first."""
        for row in self._connection.pages(self._stripe.products.list, {}):
            yield facts_of(ProductFacts, row)

    def create_price(
        self,
        *,
        product_id: str,
        unit_amount: int,
        currency: str,
        interval: str | None,
        lookup_key: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> PriceFacts:
        """Make a price of a product, which takes the look-up key over from the one before it.

        `interval`: month or year; None for what is paid once.
        """
        params: dict[str, Any] = {
            "product": product_id,
            "unit_amount": unit_amount,
            "currency": currency.lower(),
            "lookup_key": lookup_key,
            "transfer_lookup_key": True,
            "metadata": dict(metadata),
        }
        if interval is not None:
            params["recurring"] = {"interval": interval}
        return self._connection.write(PriceFacts, self._stripe.prices.create, params=params, key=key)

    def archive_price(self, price_id: str, *, key: str) -> PriceFacts:
        """Let nobody buy at a price any more; subscriptions that have it keep it."""
        return self._connection.write(
            PriceFacts, self._stripe.prices.update, price_id, params={"active": False}, key=key
        )

    def price(self, price_id: str) -> PriceFacts:
        """The price as it is now."""
        return self._connection.read(PriceFacts, self._stripe.prices.retrieve, price_id)

    def prices(self, *, product_id: str | None = None) -> Iterator[PriceFacts]:
        """Every price, archived ones too, newest first; of one product if named."""
        params = {} if product_id is None else {"product": product_id}
        for row in self._connection.pages(self._stripe.prices.list, params):
            yield facts_of(PriceFacts, row)
