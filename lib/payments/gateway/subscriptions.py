"""Subscriptions at Stripe."""

from lib.payments.events import SubscriptionFacts
from lib.payments.gateway.connection import Connection


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
