"""The end of a subscription, and its going on: found again by the state that the subscription is in."""

from collections.abc import Callable, Mapping
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Params, Sending
from lib.payments.rows import Changes

_OVER: Final = frozenset({"canceled", "incomplete_expired"})


def cancel_now(gateway: Gateway, sending: Sending) -> Answer:
    """End the subscription `subscription_id`, Stripe's own id, at once."""
    return gateway.subscriptions.cancel(sending.params["subscription_id"], key=sending.key)


def cancel_at_period_end(gateway: Gateway, sending: Sending) -> Answer:
    """Let the subscription `subscription_id` end with its period."""
    return gateway.subscriptions.cancel_at_period_end(sending.params["subscription_id"], key=sending.key)


def _keep(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.subscriptions.keep(sending.params["subscription_id"], key=sending.key)


def is_over(facts: SubscriptionFacts) -> bool:
    """Whether it has ended."""
    return facts.status in _OVER


def will_end(facts: SubscriptionFacts) -> bool:
    """Whether it has ended, or does so with its period."""
    return is_over(facts) or facts.cancel_at_period_end is True


def _goes_on(facts: SubscriptionFacts) -> bool:
    return not is_over(facts) and facts.cancel_at_period_end is not True and facts.cancel_at is None


def ask_subscription(
    wanted: Callable[[SubscriptionFacts], bool],
) -> Callable[[Gateway, Params], Answer | None]:
    """A question to Stripe: the subscription `subscription_id`, if it is as it was wanted."""

    def ask(gateway: Gateway, params: Params) -> Answer | None:
        facts = gateway.subscriptions.retrieve(params["subscription_id"])
        return facts if wanted(facts) else None

    return ask


def _follow_subscription(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, SubscriptionFacts)
    return rows.follow_subscription(work, answer, source="action", source_id=operation_id)


KINDS: Final[Mapping[str, Kind]] = {
    "subscription_cancel_now": Kind(
        "Cancel now", cancel_now, ask_subscription(is_over), _follow_subscription
    ),
    "subscription_cancel_at_period_end": Kind(
        "Cancel at the period's end",
        cancel_at_period_end,
        ask_subscription(will_end),
        _follow_subscription,
    ),
    "subscription_keep": Kind("Keep going", _keep, ask_subscription(_goes_on), _follow_subscription),
}
