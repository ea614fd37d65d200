"""What we ask of Stripe."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.core.errors import Invalid
from lib.payments.events import ChargeFacts, Event, InvoiceFacts, RefundFacts, SubscriptionFacts, read_event
from lib.payments.events.fields import at, ident, text
from lib.payments.gateway.connection import Connection, facts_of
from lib.payments.gateway.failures import unreadable

_KEY = re.compile(r"[sr]k_(test|live)_[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose key it is: `id` is `acct_…`, `name` what Stripe's dashboard shows, `livemode` the key's mode."""

    id: str
    name: str | None
    livemode: bool


class Gateway:
    """Stripe, as one account sees it. Safe to share between threads.

    `key`: a secret or restricted key of test or live mode; Invalid when it is none.
    `api_base`: another address to talk to, such as the local sandbox's.
    `timeout`: seconds to connect, and to wait for each part of the answer.
    `retries`: how often a request is repeated, with the same key, that got no answer, a 409 or a 5xx.
    `sleep`: waits before a request that was told to slow down (429) is tried again.

    Every verb raises StripeFailed; the code `resource_missing` means that Stripe does not know the object.
    """

    def __init__(
        self,
        key: str,
        *,
        api_base: str | None = None,
        timeout: tuple[float, float] = (5.0, 20.0),
        retries: int = 2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._livemode = _is_live(key)
        self._connection = Connection(key, api_base=api_base, timeout=timeout, retries=retries, sleep=sleep)
        self._stripe = self._connection.v1

    def __repr__(self) -> str:
        return f"Gateway({'live' if self._livemode else 'test'} mode)"

    @property
    def livemode(self) -> bool:
        """Whether the key moves real money."""
        return self._livemode

    def close(self) -> None:
        """Close this thread's connections; they open again when needed."""
        self._connection.close()

    def check_key(self) -> Account:
        """Ask Stripe whose key it is: one cheap request that fails with a clear sentence for a wrong key."""
        answer = self._connection.ask(self._stripe.accounts.retrieve_current)
        account_id = text(answer.get("id"))
        if account_id is None:
            raise unreadable(writes=False)
        name = text(at(answer, "settings", "dashboard", "display_name"))
        return Account(
            id=account_id, name=name or text(at(answer, "business_profile", "name")), livemode=self._livemode
        )

    def create_refund(
        self,
        *,
        payment_intent_id: str | None = None,
        charge_id: str | None = None,
        amount_cents: int,
        reason: str | None,
        metadata: Mapping[str, str],
        key: str,
    ) -> RefundFacts:
        """Give back `amount_cents` of one payment, named by its payment intent or its charge.

        `reason`: one of Stripe's (duplicate, fraudulent, requested_by_customer) or None. `fraudulent` also
        blocks the card and the e-mail address at Stripe. What staff wrote belongs in our rows.
        `metadata`: carries our refund's id as `refund_id`, by which `find_refund` finds it.
        """
        params = {
            **_payment(payment_intent_id, charge_id),
            "amount": amount_cents,
            "metadata": dict(metadata),
        }
        if reason is not None:
            params["reason"] = reason
        return self._connection.write(RefundFacts, self._stripe.refunds.create, params=params, key=key)

    def find_refund(
        self, payment_intent_id: str | None, refund_id: str, *, charge_id: str | None = None
    ) -> RefundFacts | None:
        """Stripe's refund of that payment (or charge) for our `refund_id`; None when it was never made.

        Of several tries, one that has not failed or been canceled goes first, then the newest.
        """
        ours = [
            refund
            for refund in self._refunds(_payment(payment_intent_id, charge_id))
            if refund.metadata.get("refund_id") == refund_id
        ]
        alive = (refund for refund in ours if refund.status not in {"failed", "canceled"})
        return next(alive, ours[0] if ours else None)

    def retrieve_refund(self, refund_id: str) -> RefundFacts:
        """The refund `re_…` as it is now."""
        return self._connection.read(RefundFacts, self._stripe.refunds.retrieve, refund_id)

    def refunds_of_charge(self, charge_id: str) -> list[RefundFacts]:
        """All refunds of a charge, newest first."""
        return list(self._refunds({"charge": charge_id}))

    def _refunds(self, payment: Mapping[str, Any]) -> Iterator[RefundFacts]:
        for row in self._connection.pages(self._stripe.refunds.list, payment):
            yield facts_of(RefundFacts, row)

    def retrieve_charge(self, charge_id: str) -> ChargeFacts:
        """The charge `ch_…` as it is now; its refunds are asked for with `refunds_of_charge`."""
        return self._connection.read(ChargeFacts, self._stripe.charges.retrieve, charge_id)

    def charge_of_payment(self, payment_intent_id: str) -> ChargeFacts | None:
        """The latest charge of a payment intent, which is the one that paid it; None before the first try."""
        intent = self._connection.ask(
            self._stripe.payment_intents.retrieve, payment_intent_id, params={"expand": ["latest_charge"]}
        )
        charge = intent.get("latest_charge")
        if isinstance(charge, str):
            return self.retrieve_charge(charge)
        return None if charge is None else facts_of(ChargeFacts, charge)

    def retrieve_subscription(self, subscription_id: str) -> SubscriptionFacts:
        """The subscription `sub_…` as it is now, with its coupons."""
        return self._connection.read(
            SubscriptionFacts,
            self._stripe.subscriptions.retrieve,
            subscription_id,
            params={"expand": ["discounts"]},
        )

    def cancel_subscription(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """End it now, without proration and last invoice: unused time is neither credited nor paid back.

        When the outcome is unknown, `retrieve_subscription` says `canceled` if it was done.
        """
        return self._connection.write(
            SubscriptionFacts, self._stripe.subscriptions.cancel, subscription_id, key=key
        )

    def cancel_at_period_end(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """Let it end with the period that is paid for.

        When the outcome is unknown, `retrieve_subscription` says so in `cancel_at_period_end`.
        """
        return self._set_cancel_at_period_end(subscription_id, True, key)

    def keep_subscription(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """Take back a cancellation at period end; Stripe refuses once the subscription has ended.

        When the outcome is unknown, `retrieve_subscription` says so in `cancel_at_period_end`.
        """
        return self._set_cancel_at_period_end(subscription_id, False, key)

    def _set_cancel_at_period_end(self, subscription_id: str, wanted: bool, key: str) -> SubscriptionFacts:
        return self._connection.write(
            SubscriptionFacts,
            self._stripe.subscriptions.update,
            subscription_id,
            params={"cancel_at_period_end": wanted},
            key=key,
        )

    def retrieve_invoice(self, invoice_id: str) -> InvoiceFacts:
        """The invoice `in_…` as it is now, with the payment behind it and why that last failed."""
        return self._connection.read(
            InvoiceFacts,
            self._stripe.invoices.retrieve,
            invoice_id,
            params={"expand": ["payments.data.payment.payment_intent"]},
        )

    def invoice_payments(self, invoice_id: str) -> list[str]:
        """The ids of the payment intents behind an invoice, those that paid first."""
        rows = list(self._connection.pages(self._stripe.invoice_payments.list, {"invoice": invoice_id}))
        rows.sort(key=lambda row: row.get("status") != "paid")
        found = (ident(at(row, "payment", "payment_intent")) for row in rows)
        return [payment_intent_id for payment_intent_id in found if payment_intent_id]

    def charge_invoice_id(self, payment_intent_id: str) -> str | None:
        """The id of the invoice that a payment intent pays; None for a payment without one."""
        payment = {"type": "payment_intent", "payment_intent": payment_intent_id}
        rows = self._connection.pages(self._stripe.invoice_payments.list, {"payment": payment})
        return next((invoice_id for row in rows if (invoice_id := ident(row.get("invoice")))), None)

    def list_events(self, since: datetime, types: Iterable[str]) -> Iterator[Event]:
        """The events of those types (at most 20) from `since` on, newest first; Stripe keeps 30 days."""
        params = {"created": {"gte": int(since.timestamp())}, "types": sorted(types)}
        for row in self._connection.pages(self._stripe.events.list, params):
            yield read_event(row)

    def retrieve_event(self, event_id: str) -> Event:
        """The event `evt_…`, while Stripe keeps it (30 days)."""
        return read_event(self._connection.ask(self._stripe.events.retrieve, event_id))


def _payment(payment_intent_id: str | None, charge_id: str | None) -> dict[str, Any]:
    if (payment_intent_id is None) == (charge_id is None):
        raise ValueError("a refund is of a payment intent or of a charge: name one of them")
    return {"payment_intent": payment_intent_id} if payment_intent_id else {"charge": charge_id}


def _is_live(key: str) -> bool:
    """Whether the key is of live mode. A malformed one is refused here: the HTTP library would quote it."""
    if not key:
        raise Invalid("The setting STRIPE_SECRET_KEY is empty.")
    if key.startswith("pk_"):
        raise Invalid(
            "STRIPE_SECRET_KEY holds a publishable key (pk_…). Put the secret key (sk_…) or a restricted one "
            "(rk_…) there."
        )
    match = _KEY.fullmatch(key)
    if match is None:
        raise Invalid("STRIPE_SECRET_KEY does not look like a key of Stripe's (sk_test_…, sk_live_…, rk_…).")
    return match[1] == "live"
