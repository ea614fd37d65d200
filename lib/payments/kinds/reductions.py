"""What takes something off a subscription's bills: a code, free months, and bills of nothing at all.

Found again by our mark on the subscription. A coupon made by us carries the id of its row in its own id, so
that it is made once; a discount to be removed is found by its absence.
"""

from collections.abc import Mapping
from typing import Final

from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import Gateway, NewCoupon
from lib.payments.kinds.kind import Answer, Kind, Params, Sending
from lib.payments.kinds.subscriptions import is_over, subscription_kind


def _apply_code(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.reductions.apply_code(
        params["subscription_id"], params["code"], mark=params["mark"], key=sending.key
    )


def _remove(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.reductions.remove(
        params["subscription_id"], params["stripe_discount_id"], mark=params["mark"], key=sending.key
    )


def _give(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    metadata = {"goodwill_id": params["goodwill_id"], "operation_id": sending.operation_id}
    coupon = NewCoupon(**params["coupon"], metadata=metadata)
    return gateway.reductions.give(params["subscription_id"], coupon, mark=params["mark"], key=sending.key)


def _has_coupon_of(facts: SubscriptionFacts, params: Params) -> bool:
    return any(discount.coupon_id == params["coupon_id"] for discount in facts.discounts)


def _has_given(facts: SubscriptionFacts, params: Params) -> bool:
    return any(discount.coupon_id == params["coupon"]["id"] for discount in facts.discounts)


def _is_without(facts: SubscriptionFacts, params: Params) -> bool:
    there = any(discount.id == params["stripe_discount_id"] for discount in facts.discounts)
    return not is_over(facts) and not there


KINDS: Final[Mapping[str, Kind]] = {
    "subscription_apply_code": subscription_kind("Apply a code", _apply_code, _has_coupon_of),
    "subscription_remove_discount": subscription_kind("Remove a discount", _remove, _is_without),
    "subscription_free_months": subscription_kind("Give free months", _give, _has_given),
    "subscription_comp": subscription_kind("Give it for nothing", _give, _has_given),
}
