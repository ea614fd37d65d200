"""The beginning of a subscription, and its going over to the partner.

A beginning carries our row's id in its metadata and is found by it. Stripe cannot change the customer of a
subscription: so the old one is set to end with the period that is paid for, and once Stripe has said so, one
of the partner's begins with a trial until that moment. The second step is prepared by the first one's end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.cancellations import cancel_at_period_end, will_end
from lib.payments.kinds.kind import Answer, Kind, Next, Params, Sending
from lib.payments.kinds.subscriptions import follow, is_over, subscription_kind


def _start(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    trial_end = params["trial_end"]
    return gateway.subscriptions.create(
        customer_id=params["customer_id"],
        price_id=params["price_id"],
        card_id=params["card_id"],
        trial_end=datetime.fromisoformat(trial_end) if trial_end else None,
        coupon_id=params["coupon_id"],
        metadata={
            "operation_id": sending.operation_id,
            "subscription_id": params["subscription_id"],
            "relationship_id": params["relationship_id"],
            "user_id": params["user_id"],
        },
        key=sending.key,
    )


def _ask_start(gateway: Gateway, sending: Sending) -> Answer | None:
    params = sending.params
    return gateway.subscriptions.find(params["customer_id"], "subscription_id", params["subscription_id"])


def _why_no_start(answer: Answer) -> str | None:
    assert isinstance(answer, SubscriptionFacts)
    if is_over(answer):
        return "It had ended meanwhile, so nothing was begun for the partner. Start a new one for them."
    if _paid_until(answer) is None:
        return "Stripe does not say until when it is paid, so nothing was begun for the partner."
    return None


def _paid_until(facts: SubscriptionFacts) -> datetime | None:
    return facts.cancel_at or facts.current_period_end


def _then_start(params: Params, answer: Answer) -> Next | None:
    """The partner's, free until the end of what is paid for."""
    assert isinstance(answer, SubscriptionFacts)
    paid_until = _paid_until(answer)
    assert paid_until is not None, "refused above"
    start = {**params["start"], "trial_end": paid_until.isoformat()}
    return Next("subscription_start", "subscriptions", params["row_id"], start)


KINDS: Final[Mapping[str, Kind]] = {
    "subscription_start": Kind("Start a subscription", _start, _ask_start, follow),
    "subscription_hand_over": subscription_kind(
        "Move to the partner: end with the period",
        cancel_at_period_end,
        will_end,
        refusal=_why_no_start,
        then=_then_start,
    ),
}
