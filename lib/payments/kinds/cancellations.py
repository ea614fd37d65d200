"""The end of a subscription, and its going on: found again by the state that the subscription is in."""

from collections.abc import Mapping
from typing import Final

from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Params, Sending
from lib.payments.kinds.subscriptions import is_over, moment_of, subscription_kind


def cancel_now(gateway: Gateway, sending: Sending) -> Answer:
    """End the subscription `subscription_id`, Stripe's own id, at once."""
    return gateway.subscriptions.cancel(sending.params["subscription_id"], key=sending.key)


def cancel_at_period_end(gateway: Gateway, sending: Sending) -> Answer:
    """Let the subscription `subscription_id` end with its period."""
    return gateway.subscriptions.cancel_at_period_end(sending.params["subscription_id"], key=sending.key)


def _cancel_on(gateway: Gateway, sending: Sending) -> Answer:
    moment = moment_of(sending.params, "moment")
    assert moment is not None
    return gateway.subscriptions.cancel_on(
        sending.params["subscription_id"], moment, mark=sending.params["mark"], key=sending.key
    )


def _keep(gateway: Gateway, sending: Sending) -> Answer:
    subscription_id = sending.params["subscription_id"]
    facts = gateway.subscriptions.retrieve(subscription_id)
    dated = facts.cancel_at is not None and not facts.cancel_at_period_end
    return gateway.subscriptions.keep(subscription_id, key=sending.key, dated=dated)


def will_end(facts: SubscriptionFacts, _params: Params) -> bool:
    """Whether it has ended, or does so with its period."""
    return is_over(facts) or facts.cancel_at_period_end is True


def _ends_on(facts: SubscriptionFacts, params: Params) -> bool:
    return is_over(facts) or facts.cancel_at == moment_of(params, "moment")


def _goes_on(facts: SubscriptionFacts, _params: Params) -> bool:
    return not is_over(facts) and facts.cancel_at_period_end is not True and facts.cancel_at is None


KINDS: Final[Mapping[str, Kind]] = {
    "subscription_cancel_now": subscription_kind("Cancel now", cancel_now, is_over),
    "subscription_cancel_at_period_end": subscription_kind(
        "Cancel at the period's end", cancel_at_period_end, will_end
    ),
    "subscription_cancel_on": subscription_kind("Cancel on a date", _cancel_on, _ends_on),
    "subscription_keep": subscription_kind("Keep going", _keep, _goes_on),
}
