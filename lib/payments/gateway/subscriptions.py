"""Subscriptions at Stripe: their end, their plan, their pauses, their trial."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from lib.core.errors import StripeFailed
from lib.payments.events import SubscriptionFacts
from lib.payments.gateway.connection import Connection, facts_of

MARK: Final = "admin_change"
"""The key of a subscription's metadata that holds the mark of our latest change to it."""

Proration = Literal["always_invoice", "create_prorations", "none"]
"""Stripe's words for settling a change in the middle of a period: now, with the next invoice, not at all."""

PauseBehavior = Literal["keep_as_draft", "mark_uncollectible", "void"]


class Subscriptions:
    """What a couple pays for, period by period.

    A verb that takes a `mark` leaves it in the subscription's metadata together with the change, so that
    whoever asks later sees whether exactly this change took place.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def retrieve(self, subscription_id: str) -> SubscriptionFacts:
        """The subscription `sub_…` as it is now, with its coupons."""
        return self._connection.one(SubscriptionFacts, "subscriptions", subscription_id, expand=["discounts"])

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
        return self._update(subscription_id, {"cancel_at_period_end": True}, key=key)

    def cancel_on(self, subscription_id: str, moment: datetime, *, mark: str, key: str) -> SubscriptionFacts:
        """Let it end at a moment; what is paid beyond it is neither credited nor paid back."""
        changes = {"cancel_at": _seconds(moment), "proration_behavior": "none"}
        return self._update(subscription_id, changes, mark=mark, key=key)

    def keep(self, subscription_id: str, *, key: str, dated: bool = False) -> SubscriptionFacts:
        """Take back a cancellation; Stripe refuses once the subscription has ended.

        `dated`: it was to end at a moment of its own and not with its period. When the outcome is unknown,
        `retrieve` says so in `cancel_at_period_end` and `cancel_at`.
        """
        changes: dict[str, Any] = {"cancel_at": ""} if dated else {"cancel_at_period_end": False}
        return self._update(subscription_id, changes, key=key)

    def change_plan(
        self,
        subscription_id: str,
        *,
        from_price: str | None,
        to_price: str,
        proration: Proration,
        moment: datetime,
        mark: str,
        key: str,
    ) -> SubscriptionFacts:
        """Put another price in the place of one, settled as if it had happened at `moment`.

        Where money is due at once and the card is declined, Stripe changes nothing.
        """
        item_id = item_of(self.retrieve(subscription_id), from_price)
        changes = {
            "payment_behavior": "error_if_incomplete",
            **plan_change(item_id, to_price, proration, moment),
        }
        return self._update(subscription_id, changes, mark=mark, key=key)

    def pause_collection(
        self,
        subscription_id: str,
        behavior: PauseBehavior,
        resumes_at: datetime | None,
        *,
        mark: str,
        key: str,
    ) -> SubscriptionFacts:
        """Stop collecting money; the status and the access stay. `behavior` says what becomes of bills."""
        pause: dict[str, Any] = {"behavior": behavior}
        if resumes_at is not None:
            pause["resumes_at"] = _seconds(resumes_at)
        return self._update(subscription_id, {"pause_collection": pause}, mark=mark, key=key)

    def resume_collection(self, subscription_id: str, *, mark: str, key: str) -> SubscriptionFacts:
        """Collect money again from the next invoice on."""
        return self._update(subscription_id, {"pause_collection": ""}, mark=mark, key=key)

    def pause(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """Stop the service and its invoices; the unused days are a credit for the first invoice afterwards.

        Only in flexible billing mode. When the outcome is unknown, `retrieve` says `paused` if it was done.
        """
        return self._connection.write(
            SubscriptionFacts,
            self._stripe.subscriptions.pause,
            subscription_id,
            params={
                "type": "subscription",
                "bill_for": {"unused_time_from": {"type": "now"}},
                "invoicing_behavior": "pending_invoice_item",
                "expand": ["discounts"],
            },
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

    def resume(self, subscription_id: str, *, key: str) -> SubscriptionFacts:
        """End the real pause: a new period begins now and is collected at once.

        When the outcome is unknown, `retrieve` says something other than `paused` if it was done.
        """
        return self._connection.write(
            SubscriptionFacts,
            self._stripe.subscriptions.resume,
            subscription_id,
            params={"billing_cycle_anchor": {"type": "now"}, "expand": ["discounts"]},
            key=key,
        )

    def extend_trial(
        self, subscription_id: str, moment: datetime, *, mark: str, key: str
    ) -> SubscriptionFacts:
        """Let the trial, and with it the time without a bill, end at a later moment."""
        changes = {"trial_end": _seconds(moment), "proration_behavior": "none"}
        return self._update(subscription_id, changes, mark=mark, key=key)

    def _update(
        self, subscription_id: str, changes: Mapping[str, Any], *, key: str, mark: str | None = None
    ) -> SubscriptionFacts:
        params = {**changes, "expand": ["discounts"]}
        if mark is not None:
            params["metadata"] = {MARK: mark}
        return self._connection.write(
            SubscriptionFacts, self._stripe.subscriptions.update, subscription_id, params=params, key=key
        )


def start_params(*, price_id: str, trial_end: datetime | None, coupon_id: str | None) -> dict[str, Any]:
    """What a subscription begins with, for its creation and for the preview of its first invoice."""
    params: dict[str, Any] = {"items": [{"price": price_id}]}
    if trial_end is not None:
        params["trial_end"] = int(trial_end.timestamp())
    if coupon_id is not None:
        params["discounts"] = [{"coupon": coupon_id}]
    return params


def item_of(facts: SubscriptionFacts, price_id: str | None) -> str:
    """The id of the item with a price, or of the only item; StripeFailed when neither can be told."""
    items = [item for item in facts.items if item.price_id == price_id] or list(facts.items)
    if len(items) != 1 or items[0].id is None:
        raise StripeFailed(
            "At Stripe this subscription consists of other prices than here. Look at its drift before you "
            "change its plan."
        )
    return items[0].id


def plan_change(item_id: str, price_id: str, proration: Proration, moment: datetime) -> dict[str, Any]:
    """The parameters of a change of plan, the same for its preview and for the change itself."""
    changes: dict[str, Any] = {
        "items": [{"id": item_id, "price": price_id}],
        "proration_behavior": proration,
    }
    if proration != "none":  # Stripe takes no moment where nothing is settled
        changes["proration_date"] = _seconds(moment)
    return changes


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
