"""A local Stripe in a process of its own, with paid charges and running subscriptions for tests to use up."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import stripe

from lib.core import moments
from lib.core.database import Database
from lib.payments.events import RefundFacts
from lib.payments.gateway import Gateway
from lib.payments.sandbox import server
from lib.payments.sandbox.store import Store
from tests.factories import make_invoice, make_payment, make_plan, make_subscription

KEY = "sk_test_51AbCdEfGhIjKlMnOpQrStUv"
SUPPLY = 1_000
MONTH = 30 * 24 * 3600


class LocalStripe:
    """Its address, a gateway that repeats nothing and never sleeps, and what a test may do to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.gateway = Gateway(KEY, api_base=url, retries=0, sleep=lambda _: None)
        self._transport = stripe.RequestsClient(timeout=(5, 20))
        self.client = stripe.StripeClient(
            KEY, base_addresses={"api": url}, max_network_retries=0, http_client=self._transport
        )
        self._unused = itertools.count()
        # One client: each would load the system's certificates anew, which takes longer than a call.
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=30
        )

    def close(self) -> None:
        """Close the connections."""
        self.gateway.close()
        self._http.close()
        self._transport.close()

    def payment(self, database: Database, **over: Any) -> str:
        """A payment of $30.00 of ours that Stripe knows, not refunded yet; gives our id."""
        n = next(self._unused)
        known = {"stripe_payment_intent_id": f"pi_{n}", "stripe_charge_id": f"ch_{n}", "amount_cents": 3000}
        return make_payment(database, **known | over)

    def subscription(self, database: Database, **over: Any) -> str:
        """A monthly subscription of ours that Stripe knows and that is active there; gives our id."""
        n = next(self._unused)
        plan = over.pop("plan_id", None) or make_plan(database, stripe_price_id=f"price_of_test_{n}")
        known = {"stripe_subscription_id": f"sub_{n}", "stripe_customer_id": f"cus_{n}", "plan_id": plan}
        return make_subscription(database, **known | over)

    def customer(self, user_id: str, *, card: str = "pm_card_visa") -> str:
        """A customer of Stripe's whose metadata names a person of ours, with that card on file."""
        made = self.v1.customers.create(
            {
                "payment_method": card,
                "invoice_settings": {"default_payment_method": card},
                "metadata": {"user_id": user_id},
            }
        )
        return str(made.id)

    def coupon(self, **given: Any) -> str:
        """A coupon that is good for ever."""
        return str(self.v1.coupons.create({"duration": "forever", **given}).id)

    def running_subscription(self) -> str:
        """A monthly subscription that no row of ours is about yet."""
        return f"sub_{next(self._unused)}"

    def subscriptions_of(self, customer_id: str) -> int:
        """How many subscriptions a customer has, ended ones too."""
        return len(self.v1.subscriptions.list({"customer": customer_id, "status": "all"}).data)

    def taken_from(self, customer_id: str) -> list[int]:
        """The amounts that a customer's card was charged, those declined left out."""
        charges = self.v1.charges.list({"customer": customer_id}).data
        return [charge.amount for charge in charges if charge.status == "succeeded"]

    @property
    def v1(self) -> Any:
        """The SDK itself, for what a test prepares or counts at Stripe."""
        return self.client.v1

    def unpaid(self, database: Database, *, card: str | None = "pm_card_chargeCustomerFail") -> str:
        """A past-due subscription of ours whose invoice of $30.00 was refused once; gives our payment's id.

        `card` is the customer's today; None leaves them without one.
        """
        n = next(self._unused)
        plan, name = make_plan(database, stripe_price_id=f"price_of_test_{n}"), f"sub_{n}"
        known = {"stripe_subscription_id": name, "stripe_customer_id": f"cus_{n}", "plan_id": plan}
        subscription = make_subscription(database, status="past_due", **known)
        self.renews(name, "fail")
        invoice = next(each for each in self.gateway.invoices.open() if each.subscription_id == name)
        [intent] = self.gateway.invoices.payments(invoice.id)
        assert invoice.customer_id is not None
        self.v1.payment_methods.detach(f"pm_{n}")  # the subscription's own, which would go first
        if card is not None:
            self._give_card(invoice.customer_id, card)
        payment = make_payment(
            database,
            subscription_id=subscription,
            stripe_payment_intent_id=intent,
            stripe_charge_id=None,
            status="failed",
            failure_reason="Your card was declined.",
        )
        return make_invoice(
            database,
            payment_id=payment,
            stripe_invoice_id=invoice.id,
            stripe_customer_id=invoice.customer_id,
            told_at=moments.now() - timedelta(days=1),
        )

    def _give_card(self, customer: str, card: str) -> None:
        """Make a test card the customer's default."""
        attached = self._http.post(f"/v1/payment_methods/{card}/attach", data={"customer": customer})
        default = {"invoice_settings[default_payment_method]": attached.raise_for_status().json()["id"]}
        self._http.post(f"/v1/customers/{customer}", data=default).raise_for_status()

    def refunds(self, payment_intent_id: str) -> list[RefundFacts]:
        """Every refund that Stripe made of a payment."""
        charge = self.gateway.charges.of_payment(payment_intent_id)
        assert charge is not None
        return self.gateway.refunds.of_charge(charge.id)

    def goes_wrong(
        self, fault: str, *, method: str = "POST", path: str = "*", times: int = 1, delay_seconds: float = 30
    ) -> None:
        """Let the next requests that fit go wrong: `drop_after` takes effect and never answers."""
        given = {"fault": fault, "method": method, "path": path, "times": times}
        given |= {"delay_seconds": delay_seconds}
        self._http.post("/_sandbox/faults", json=given).raise_for_status()

    @contextmanager
    def going_wrong(self, fault: str | None, *, method: str) -> Iterator[None]:
        """Inside, every request of that method goes wrong; None: nothing does."""
        if fault is not None:
            self.goes_wrong(fault, method=method, times=100)
        yield
        if fault is not None:
            self.goes_right()

    def goes_right(self) -> None:
        """Take back every fault."""
        self._http.delete("/_sandbox/faults").raise_for_status()

    def sends_back(self, stripe_refund_id: str) -> None:
        """Let the bank send a refund back, as happens days later."""
        self._http.post(f"/_sandbox/refunds/{stripe_refund_id}/fail").raise_for_status()

    def events(self, *, since: str | None = None) -> list[dict[str, Any]]:
        """The newest hundred events, as Stripe would send them, newest first; those after one, by its id."""
        return self._listed("events", **({"ending_before": since} if since else {}))

    def newest_event(self) -> str | None:
        """The id of the newest event; None before the first."""
        return next((each["id"] for each in self._listed("events", limit=1)), None)

    def invoices_of(self, subscription_id: str) -> list[tuple[int, str]]:
        """What became of each invoice of a subscription that was to be collected: cents, and our word."""
        words = {"paid": "succeeded", "open": "failed"}
        found = self._listed("invoices", subscription=subscription_id)
        return [(each["amount_due"], words[each["status"]]) for each in found if each["amount_due"]]

    def _listed(self, kind: str, **filters: Any) -> list[dict[str, Any]]:
        asked = self._http.get(f"/v1/{kind}", params={"limit": 100} | filters)
        rows: list[dict[str, Any]] = asked.raise_for_status().json()["data"]
        return rows

    def renews(self, subscription_id: str, outcome: str) -> None:
        """Let the period of a subscription end; `succeed` or `fail` is what the card does then."""
        address = f"/_sandbox/subscriptions/{subscription_id}/renew"
        self._http.post(address, json={"outcome": outcome}).raise_for_status()

    def writes(self, about: str) -> list[dict[str, Any]]:
        """The requests that were to change something, with this text in their idempotency key or address.

        Stripe takes no key for a DELETE, so a cancellation is known by the subscription in its address.
        """
        calls = self._http.get("/_sandbox/requests").raise_for_status().json()["requests"]
        changing = [call for call in calls if call["method"] != "GET"]
        return [call for call in changing if about in f"{call['idempotency_key']} {call['path']}"]


@contextmanager
def running(folder: Path, supply: int = SUPPLY) -> Iterator[LocalStripe]:
    """The local Stripe with its file in `folder`, ended with the block; so many of each to be used up."""
    store = Store(folder / "stripe.db")
    store.load(_objects(supply))
    store.close()
    with server.running(folder / "stripe.db") as url:
        local = LocalStripe(url)
        yield local
        local.close()


def _objects(supply: int) -> Iterator[tuple[str, dict[str, Any]]]:
    now = int(time.time())
    yield "product", {"id": "prod_1", "created": now, "name": "Try It Out"}
    price = {"id": "price_of_tests", "created": now, "product": "prod_1", "unit_amount": 3000}
    yield "price", price | {"interval": "month"}
    yield "price", price | {"id": "price_dearer", "unit_amount": 5000, "interval": "month"}
    yield "price", price | {"id": "price_yearly", "unit_amount": 24_000, "interval": "year"}
    coupon = {"id": "co_spring", "created": now, "percent_off": 20, "duration": "forever"}
    yield "coupon", coupon
    yield "promotion_code", {"id": "promo_spring", "created": now, "coupon": "co_spring", "code": "SPRING20"}
    for n in range(supply):
        customer, card = f"cus_{n}", f"pm_{n}"
        yield "customer", {"id": customer, "created": now}
        yield "payment_method", {"id": card, "created": now, "customer": customer}
        paid = {"created": now, "amount": 3000, "status": "succeeded", "customer": customer}
        paid |= {"payment_method": card}
        yield "payment_intent", {"id": f"pi_{n}"} | paid
        yield "charge", {"id": f"ch_{n}", "payment_intent": f"pi_{n}"} | paid
        yield (
            "subscription",
            {
                "id": f"sub_{n}",
                "created": now,
                "customer": customer,
                "status": "active",
                "default_payment_method": card,
                "items": [{"price": "price_of_tests"}],
                "current_period_start": now,
                "current_period_end": now + MONTH,
            },
        )
