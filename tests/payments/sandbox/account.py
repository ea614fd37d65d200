"""A running sandbox as tests use it: the real SDK, the control routes, and something to begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from lib.payments.sandbox.server import running

KEY = "sk_test_sandbox"
MONTHLY = 3000
YEARLY = 24000


class Account:
    """The local Stripe at `url`, and short ways to what most tests start from.

    Without a `url` it is the account of `key` at Stripe itself, in test mode. What a test can only do to the
    local one (faults, deliveries, the end of a period) skips it there.
    """

    def __init__(self, url: str | None, key: str = KEY) -> None:
        self._url, self._key = url, key
        self._transport = stripe.RequestsClient(timeout=(5, 20))
        self.client = self.client_with()
        self._control = httpx.Client(base_url=f"{url}/_sandbox", trust_env=False)

    @property
    def url(self) -> str:
        """Where the local Stripe listens; skips the test where there is none."""
        if self._url is None:
            pytest.skip("Only the local Stripe can be told to do this.")
        return self._url

    @property
    def v1(self) -> Any:
        """The SDK's services, which never repeat a request by themselves."""
        return self.client.v1

    def client_with(self, **options: Any) -> stripe.StripeClient:
        """Another client, such as one with retries or an older API version."""
        given: dict[str, Any] = {"max_network_retries": 0, "http_client": self._transport, **options}
        where: Any = {"api": self._url} if self._url else {}
        return stripe.StripeClient(given.pop("api_key", self._key), base_addresses=where, **given)

    def close(self) -> None:
        self._transport.close()
        self._control.close()

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        """A call to a control route that succeeds."""
        assert self.url
        answer = self._control.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    def refused_control(self, method: str, path: str, /, **body: Any) -> tuple[int, str]:
        """A call to a control route that is refused: status and message."""
        answer = self._control.request(method, path, json=body)
        return answer.status_code, answer.json()["error"]["message"]

    def price(self, amount: int = MONTHLY, interval: str | None = "month") -> Any:
        """A price of a new product; one-time without an interval."""
        recurring = {"recurring": {"interval": interval}} if interval else {}
        return self.v1.prices.create(
            {
                "product_data": {"name": "Try It Out"},
                "unit_amount": amount,
                "currency": "usd",
                **recurring,
            }
        )

    def customer(self, card: str | None = "pm_card_visa", **params: Any) -> Any:
        """A customer whose default is that test card."""
        if card is None:
            return self.v1.customers.create(params)
        defaults = {"default_payment_method": card}
        return self.v1.customers.create(
            {"payment_method": card, "invoice_settings": defaults, "email": "a@example.org", **params}
        )

    def subscription(self, customer: Any = None, price: Any = None, **params: Any) -> Any:
        """A subscription, by default one that is active and paid."""
        customer, price = customer or self.customer(), price or self.price()
        return self.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": price.id}], **params}
        )

    def charge(self, amount: int = MONTHLY, card: str = "pm_card_visa") -> Any:
        """A charge that succeeded."""
        intent = self.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": "usd",
                "payment_method": card,
                "confirm": True,
                "expand": ["latest_charge"],
            }
        )
        return intent.latest_charge

    def events(self, subject: Any) -> list[Any]:
        """The events about one object, oldest first."""
        since = {"gte": getattr(subject, "created", None) or subject.start}
        found = self.v1.events.list({"limit": 100, "created": since}).auto_paging_iter()
        return [one for one in found if one.data.object["id"] == subject.id][::-1]


@contextmanager
def opened(path: Path, webhook_url: str | None = None, secret: str | None = None) -> Iterator[Account]:
    """An account on a server of its own."""
    with running(path, webhook_url, secret) as url:
        account = Account(url)
        try:
            yield account
        finally:
            account.close()


def refusal(call: Any) -> stripe.StripeError:
    """The SDK's error for a call that has to be refused."""
    try:
        call()
    except stripe.StripeError as error:
        return error
    raise AssertionError("The call was not refused.")
