"""Discount codes: coupons under an id of ours, promotion codes found by the `revision` in their metadata.

A coupon never changes, and a promotion code can only be switched on and off. So changing a code's limit or
its end makes another promotion code of the same text, of the next revision, and switches the old one off;
the coupon goes on counting the redemptions of both.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from lib.core.errors import StripeFailed
from lib.core.work import Work
from lib.models import Operation
from lib.payments import rows
from lib.payments.events import CouponFacts, PromotionCodeFacts
from lib.payments.events.fields import moment
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Params, Sending
from lib.payments.rows import Changes


def _send_code(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    _make_coupon(gateway, sending)
    for other in _codes(gateway, params):
        if other.active:
            gateway.discounts.switch(other.id, False, key=f"{sending.key}:{other.id}")
    return gateway.discounts.create_code(
        coupon_id=params["coupon_id"],
        code=params["code"],
        max_redemptions=params["max_redemptions"],
        expires_at=moment(params["expires_at"]),
        first_time_only=params["first_time_only"],
        metadata={"discount_id": params["discount_id"], "revision": params["revision"]},
        key=f"{sending.key}:code",
    )


def _ask_code(gateway: Gateway, sending: Sending) -> Answer | None:
    revision, codes = sending.params["revision"], _codes(gateway, sending.params)
    return next((each for each in codes if each.metadata.get("revision") == revision), None)


def _make_coupon(gateway: Gateway, sending: Sending) -> CouponFacts:
    """The coupon, made now or by an earlier try: it is known by its id, which is ours."""
    params = sending.params
    if params["coupon"] is None:
        return gateway.discounts.coupon(params["coupon_id"])
    try:
        return gateway.discounts.create_coupon(
            params["coupon_id"],
            **params["coupon"],
            metadata={"discount_id": params["discount_id"]},
            key=f"{sending.key}:coupon",
        )
    except StripeFailed as failure:
        if failure.code != "resource_already_exists":
            raise
        return gateway.discounts.coupon(params["coupon_id"])


def _ask_coupon(gateway: Gateway, sending: Sending) -> Answer | None:
    return gateway.discounts.coupon(sending.params["coupon_id"])


def _switch_off(gateway: Gateway, sending: Sending) -> Answer:
    answer: Answer | None = None
    for code in _codes(gateway, sending.params):
        if code.active:
            answer = gateway.discounts.switch(code.id, False, key=f"{sending.key}:{code.id}")
    return answer or _newest(gateway, sending.params)


def _ask_off(gateway: Gateway, sending: Sending) -> Answer | None:
    found = _codes(gateway, sending.params)
    return None if not found or any(code.active for code in found) else found[0]


def _switch_on(gateway: Gateway, sending: Sending) -> Answer:
    newest = _newest(gateway, sending.params)
    if isinstance(newest, CouponFacts):
        return newest
    return gateway.discounts.switch(newest.id, True, key=sending.key)


def _ask_on(gateway: Gateway, sending: Sending) -> Answer | None:
    return next((code for code in _codes(gateway, sending.params) if code.active), None)


def _codes(gateway: Gateway, params: Params) -> list[PromotionCodeFacts]:
    """All promotion codes that this code ever had, newest first."""
    return list(gateway.discounts.codes(code=params["code"], coupon_id=params["coupon_id"]))


def _newest(gateway: Gateway, params: Params) -> PromotionCodeFacts | CouponFacts:
    """The newest promotion code; the coupon where the app applies that by itself, without a code."""
    found = _codes(gateway, params)
    return found[0] if found else gateway.discounts.coupon(params["coupon_id"])


def _follow_made(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, PromotionCodeFacts)
    operation = work.session.get_one(Operation, operation_id)
    # Stripe's own limit is what was left of ours when the promotion code was made.
    max_uses = json.loads(operation.params)["max_uses"]
    return rows.follow_promotion_code(work, answer, operation.object_id, max_uses=max_uses)


def _follow_switch(*, on: bool) -> Callable[[Work, Answer, str], Changes | None]:
    def follow(work: Work, _answer: Answer, operation_id: str) -> Changes | None:
        operation = work.session.get_one(Operation, operation_id)
        return rows.switch_code(work, operation.object_id, on=on)

    return follow


def _follow_coupon(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    operation = work.session.get_one(Operation, operation_id)
    return rows.follow_batch_coupon(work, answer.id, operation.object_id)


KINDS: Final[Mapping[str, Kind]] = {
    "discount_create": Kind("Make the code", _send_code, _ask_code, _follow_made),
    "discount_change": Kind("Change the code", _send_code, _ask_code, _follow_made),
    "discount_switch_off": Kind("Switch the code off", _switch_off, _ask_off, _follow_switch(on=False)),
    "discount_switch_on": Kind("Switch the code on", _switch_on, _ask_on, _follow_switch(on=True)),
    "discount_coupon": Kind("Make the batch's coupon", _make_coupon, _ask_coupon, _follow_coupon),
}
