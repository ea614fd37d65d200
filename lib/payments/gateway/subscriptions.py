"""Subscriptions at Stripe."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lib.payments.events import SubscriptionFacts
from lib.payments.gateway.connection import Connection, facts_of


class Subscriptions:
    """What a couple pays for, period by period."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, subscription_id: str) -> SubscriptionFacts:
        """The subscription `sub_…` as it is now, with its coupons."""
        return self._connection.read(
            SubscriptionFacts,
            self._stripe.subscriptions.retrieve,
            subscription_id,
            params={"expand": ["discounts"]},
        )

    def cancel(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """End it now, without proration and last invoice: unused time is neither credited nor paid back.

        When the outcome is unknown, `retrieve` says `canceled` if it was done.
        """
        return self._connection.write(
            SubscriptionFacts, self._stripe.subscriptions.cancel, subscription_id, key=key
        )

    def cancel_at_period_end(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """Let it end with the period that is paid for.

        When the outcome is unknown, `retrieve` says so in `cancel_at_period_end`.
        """
        return self._set_cancel_at_period_end(subscription_id, True, key)

    def keep(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """Take back a cancellation at period end; Stripe refuses once the subscription has ended.

        When the outcome is unknown, `retrieve` says so in `cancel_at_period_end`.
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

    def create(
        self,
        *,
        customer_id: str,
        price_id: str,
        card_id: str,
        trial_end: datetime | None,
        coupon_id: str | None,
        metadata: Mapping[str, str],
        key: str,
    ) -> SubscriptionFacts:
        """Begin a subscription to one price, paid with one card of the customer's.

        Without a trial the first invoice is collected at once; a card that is declined leaves nothing behind.
        `metadata`: carries our ids, by which `find` finds it.
        """
        params = {
            **start_params(price_id=price_id, trial_end=trial_end, coupon_id=coupon_id),
            "customer": customer_id,
            "default_payment_method": card_id,
            "payment_behavior": "error_if_incomplete",
            "off_session": True,
            "metadata": dict(metadata),
            "expand": ["discounts"],
        }
        return self._connection.write(
            SubscriptionFacts, self._stripe.subscriptions.create, params=params, key=key
        )

    def find(self, customer_id: str, name: str, value: str) -> SubscriptionFacts | None:
        """The customer's newest subscription with that value in its metadata, ended ones too; else None."""
        found = self._connection.pages(
            self._stripe.subscriptions.list,
            {"customer": customer_id, "status": "all", "expand": ["data.discounts"]},
        )
        every = (facts_of(SubscriptionFacts, row) for row in found)
        return next((each for each in every if each.metadata.get(name) == value), None)


def start_params(*, price_id: str, trial_end: datetime | None, coupon_id: str | None) -> dict[str, Any]:
    """What a subscription begins with, for its creation and for the preview of its first invoice."""
    params: dict[str, Any] = {"items": [{"price": price_id}]}
    if trial_end is not None:
        params["trial_end"] = int(trial_end.timestamp())
    if coupon_id is not None:
        params["discounts"] = [{"coupon": coupon_id}]
    return params
