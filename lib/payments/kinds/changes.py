"""A running subscription's plan, its two pauses and its trial.

`pause_collection` leaves access as it is and collects no money; `pause` is Stripe's real one, which stops the
service. An update leaves a mark on the subscription; a pause and a resumption cannot, and are found by the
status.
"""

from collections.abc import Mapping
from typing import Final

from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Params, Sending
from lib.payments.kinds.subscriptions import is_over, moment_of, subscription_kind


def _change_plan(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    moment = moment_of(params, "moment")
    assert moment is not None
    return gateway.subscriptions.change_plan(
        params["subscription_id"],
        from_price=params["from_price"],
        to_price=params["to_price"],
        proration=params["proration"],
        moment=moment,
        mark=params["mark"],
        key=sending.key,
    )


def _pause_collection(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.subscriptions.pause_collection(
        params["subscription_id"],
        params["behavior"],
        moment_of(params, "until"),
        mark=params["mark"],
        key=sending.key,
    )


def _resume_collection(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.subscriptions.resume_collection(
        params["subscription_id"], mark=params["mark"], key=sending.key
    )


def _pause(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.subscriptions.pause(sending.params["subscription_id"], key=sending.key)


def _resume(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.subscriptions.resume(sending.params["subscription_id"], key=sending.key)


def _extend_trial(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    moment = moment_of(params, "moment")
    assert moment is not None
    return gateway.subscriptions.extend_trial(
        params["subscription_id"], moment, mark=params["mark"], key=sending.key
    )


def _has_price(facts: SubscriptionFacts, params: Params) -> bool:
    return not is_over(facts) and any(item.price_id == params["to_price"] for item in facts.items)


def _collects_nothing(facts: SubscriptionFacts, params: Params) -> bool:
    same_end = facts.pause_resumes_at == moment_of(params, "until")
    return not is_over(facts) and facts.pause_behavior == params["behavior"] and same_end


def _collects(facts: SubscriptionFacts, _params: Params) -> bool:
    return not is_over(facts) and facts.pause_behavior is None


def _is_paused(facts: SubscriptionFacts, _params: Params) -> bool:
    return facts.status == "paused"


def _is_resumed(facts: SubscriptionFacts, _params: Params) -> bool:
    return not is_over(facts) and facts.status != "paused"


def _tries_until(facts: SubscriptionFacts, params: Params) -> bool:
    return facts.status == "trialing" and facts.trial_end == moment_of(params, "moment")


KINDS: Final[Mapping[str, Kind]] = {
    "subscription_change_plan": subscription_kind("Change the plan", _change_plan, _has_price),
    "subscription_pause_collection": subscription_kind(
        "Pause the bills", _pause_collection, _collects_nothing
    ),
    "subscription_resume_collection": subscription_kind("Bill again", _resume_collection, _collects),
    "subscription_pause": subscription_kind("Pause the subscription", _pause, _is_paused),
    "subscription_resume": subscription_kind("End the pause", _resume, _is_resumed),
    "subscription_extend_trial": subscription_kind("Extend the trial", _extend_trial, _tries_until),
}
