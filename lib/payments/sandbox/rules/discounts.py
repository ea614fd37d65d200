"""Coupons, promotion codes, and redeeming them on a subscription."""

import re
from typing import Any

from stripe import params as typed

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError, missing_param, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import new_id, random_text
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.periods import plus_months
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.catalog import coupon_is_valid, promotion_code_is_active

_COUPON = (
    "id",
    "amount_off",
    "currency",
    "duration_in_months",
    "max_redemptions",
    "name",
    "percent_off",
    "redeem_by",
)
_LONGEST_NAME = 40
_CODE = ("active", "customer", "expires_at", "max_redemptions")
_RESTRICTIONS = {"first_time_transaction", "minimum_amount", "minimum_amount_currency"}


def create_coupon(session: Session, params: Params) -> Facts:
    """A new coupon: a percentage or an amount, once, for some months, or for ever."""
    if "id" in params and session.exists("coupon", params["id"]):
        raise StripeError("Coupon already exists.", code="resource_already_exists", param="id")
    _check_coupon(params)
    facts: Facts = {name: params[name] for name in _COUPON if name in params}
    facts["duration"] = params.get("duration", "once")
    if "currency" in facts:
        facts["currency"] = facts["currency"].lower()
    if products := (params.get("applies_to") or {}).get("products"):
        facts["products"] = [
            session.get("product", one, param="applies_to[products]")["id"] for one in products
        ]
    merge_metadata(facts, params)
    return session.add("coupon", facts, "coupon.created")


def _check_coupon(params: Params) -> None:
    percent, amount = params.get("percent_off"), params.get("amount_off")
    if (percent is None) == (amount is None):
        raise StripeError("Must provide percent_off or amount_off, but not both.", param="percent_off")
    if percent is not None and not 0 < percent <= 100:
        raise StripeError(
            "Invalid percent_off: must be greater than 0 and less than or equal to 100.", param="percent_off"
        )
    if amount is not None and amount < 1:
        raise StripeError("Invalid positive integer", code="parameter_invalid_integer", param="amount_off")
    if amount is not None and "currency" not in params:
        raise missing_param("currency")
    if len(params.get("name") or "") > _LONGEST_NAME:
        raise StripeError(f"Invalid string: must be at most {_LONGEST_NAME} characters.", param="name")
    repeating = params.get("duration", "once") == "repeating"
    if repeating != ("duration_in_months" in params):
        raise StripeError(
            "Coupons with `duration: repeating` need `duration_in_months`, and only they may have it.",
            param="duration_in_months",
        )


def retrieve_coupon(session: Session, _params: Params, coupon_id: str) -> Facts:
    """One coupon."""
    return session.get("coupon", coupon_id)


def update_coupon(session: Session, params: Params, coupon_id: str) -> Facts:
    """Change the name or the metadata: nothing else of a coupon ever changes."""
    coupon = session.get("coupon", coupon_id)
    with session.changing(coupon, "coupon.updated"):
        if "name" in params:
            coupon["name"] = params["name"]
        merge_metadata(coupon, params)
    return coupon


def delete_coupon(session: Session, _params: Params, coupon_id: str) -> Rendered:
    """Delete the coupon; who has redeemed it keeps the discount."""
    return Rendered(session.remove(session.get("coupon", coupon_id), "coupon.deleted"))


def list_coupons(session: Session, params: Params) -> Page:
    """Coupons, newest first."""
    return page(session, "coupon", params)


def create_promotion_code(session: Session, params: Params) -> Facts:
    """A new code for a coupon; the code is made up when none is given."""
    coupon_id = params["promotion"].get("coupon")
    if not coupon_id:
        raise missing_param("promotion[coupon]")
    coupon = session.get("coupon", coupon_id, param="promotion[coupon]")
    code = params.get("code") or random_text(8).upper()
    _check_code(code, coupon, params)
    if any(one.get("active", True) for one in session.select("promotion_code", lookup=code)):
        raise StripeError(
            f"An active promotion code with `code: {code}` already exists.",
            code="resource_already_exists",
            param="code",
        )
    restrictions = params.get("restrictions") or {}
    if others := restrictions.keys() - _RESTRICTIONS:
        raise unsupported(f"the parameter restrictions[{min(others)}]")
    if params.get("customer"):
        session.get("customer", params["customer"], param="customer")
    facts: Facts = {"coupon": coupon["id"], "code": code, **restrictions}
    facts |= {name: params[name] for name in _CODE if name in params}
    merge_metadata(facts, params)
    return session.add("promotion_code", facts, "promotion_code.created")


def _check_code(code: str, coupon: Facts, params: Params) -> None:
    """Source: the descriptions of `code`, `expires_at` and `max_redemptions` in the SDK's parameters."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", code):
        raise StripeError(
            "Promotion codes can only contain letters (a-z, A-Z), digits (0-9), and dashes (-).", param="code"
        )
    if coupon.get("redeem_by") and params.get("expires_at", 0) > coupon["redeem_by"]:
        raise StripeError("`expires_at` cannot be after the coupon's `redeem_by`.", param="expires_at")
    if params.get("max_redemptions", 1) < 1:
        raise StripeError(
            "Invalid positive integer", code="parameter_invalid_integer", param="max_redemptions"
        )
    if coupon.get("max_redemptions") and params.get("max_redemptions", 0) > coupon["max_redemptions"]:
        raise StripeError(
            "`max_redemptions` cannot be greater than the coupon's `max_redemptions`.",
            param="max_redemptions",
        )


def retrieve_promotion_code(session: Session, _params: Params, code_id: str) -> Facts:
    """One promotion code, by its id (`promo_…`)."""
    return session.get("promotion_code", code_id)


def update_promotion_code(session: Session, params: Params, code_id: str) -> Facts:
    """Switch the code on or off, or change its metadata."""
    code = session.get("promotion_code", code_id)
    if params.get("active") and not promotion_code_is_active(
        code | {"active": True}, session.find("coupon", code["coupon"]), session.now
    ):
        raise StripeError(
            "This promotion code cannot be activated: it has expired or been used up.", param="active"
        )
    with session.changing(code, "promotion_code.updated"):
        if "active" in params:
            code["active"] = params["active"]
        merge_metadata(code, params)
    return code


def list_promotion_codes(session: Session, params: Params) -> Page:
    """Promotion codes, newest first, of one code text, coupon or customer, active or not."""

    def keep(facts: Facts) -> bool:
        active = promotion_code_is_active(facts, session.find("coupon", facts["coupon"]), session.now)
        return params.get("active") in (None, active)

    return page(
        session,
        "promotion_code",
        params,
        lookup=params.get("code"),
        parent=params.get("coupon"),
        customer=params.get("customer"),
        keep=keep,
    )


def redeem(session: Session, customer_id: str, given: list[dict[str, Any]], kept: list[Facts]) -> list[Facts]:
    """The discounts that a request's `discounts` ask for, each redemption counted once.

    `kept` are the discounts there were: `{discount: di_…}` keeps one of them. Raises StripeError for a code
    that is not the customer's, has run out or was used up.
    """
    redeemed = []
    for position, one in enumerate(given):
        param = f"discounts[{position}]"
        if "discount" in one:
            redeemed.append(_kept(one["discount"], kept, param))
            continue
        code = None
        if "promotion_code" in one:
            code = _redeemable(session, one["promotion_code"], customer_id, f"{param}[promotion_code]")
        coupon_id = code["coupon"] if code else one.get("coupon")
        if not coupon_id:
            raise missing_param(f"{param}[coupon]")
        redeemed.append(_discount(session, coupon_id, code, f"{param}[coupon]"))
    return redeemed


def _kept(discount_id: str, kept: list[Facts], param: str) -> Facts:
    for discount in kept:
        if discount["id"] == discount_id:
            return discount
    raise StripeError(
        f"No such discount: '{discount_id}'", code="resource_missing", param=f"{param}[discount]"
    )


def _redeemable(session: Session, code_id: str, customer_id: str, param: str) -> Facts:
    code = session.get("promotion_code", code_id, param=param)
    if not promotion_code_is_active(code, session.find("coupon", code["coupon"]), session.now):
        raise StripeError(
            "This promotion code is no longer active or has expired.", code="coupon_expired", param=param
        )
    if code.get("customer") not in (None, customer_id):
        raise StripeError(
            "This promotion code cannot be redeemed because it belongs to another customer.", param=param
        )
    if code.get("first_time_transaction") and session.newest(
        "charge", customer=customer_id, statuses=["succeeded"]
    ):
        raise StripeError(
            "This promotion code cannot be redeemed because the associated customer has prior transactions.",
            param=param,
        )
    return code


def _discount(session: Session, coupon_id: str, code: Facts | None, param: str) -> Facts:
    coupon = session.get("coupon", coupon_id, param=param)
    if not coupon_is_valid(coupon, session.now):
        raise StripeError(f"Coupon expired: {coupon_id}", code="coupon_expired", param=param)
    for used in (coupon, code):
        if used is not None:
            used["times_redeemed"] = used.get("times_redeemed", 0) + 1
            session.store.put(used)
    end = None
    if coupon["duration"] == "repeating":
        end = plus_months(session.now, coupon["duration_in_months"])
    return {
        "id": new_id("di"),
        "coupon": coupon["id"],
        "promotion_code": code["id"] if code else None,
        "start": session.now,
        "end": end,
    }


def record_changes(session: Session, subscription: Facts, before: list[Facts]) -> None:
    """Record `customer.discount.created` and `.deleted` for what a request changed on a subscription."""
    after = subscription.get("discounts", [])
    for event, these, others in (("created", after, before), ("deleted", before, after)):
        known = {one["id"] for one in others}
        for discount in these:
            if discount["id"] not in known:
                shape = shapes.catalog.discount(
                    session, discount, customer=subscription["customer"], subscription=subscription["id"]
                )
                session.record(
                    f"customer.discount.{event}", {"id": discount["id"], "object": "discount"}, shape
                )


ROUTES = (
    Route(
        "POST",
        "/v1/coupons",
        create_coupon,
        typed.CouponCreateParams,
        " ".join([*_COUPON, "duration applies_to metadata expand"]),
    ),
    Route("GET", "/v1/coupons", list_coupons, typed.CouponListParams, f"{PAGE_PARAMS} created"),
    Route("GET", "/v1/coupons/{}", retrieve_coupon, typed.CouponRetrieveParams, "expand"),
    Route("POST", "/v1/coupons/{}", update_coupon, typed.CouponUpdateParams, "name metadata expand"),
    Route("DELETE", "/v1/coupons/{}", delete_coupon, typed.CouponDeleteParams),
    Route(
        "POST",
        "/v1/promotion_codes",
        create_promotion_code,
        typed.PromotionCodeCreateParams,
        " ".join([*_CODE, "promotion code restrictions metadata expand"]),
    ),
    Route(
        "GET",
        "/v1/promotion_codes",
        list_promotion_codes,
        typed.PromotionCodeListParams,
        f"{PAGE_PARAMS} created active code coupon customer",
    ),
    Route(
        "GET", "/v1/promotion_codes/{}", retrieve_promotion_code, typed.PromotionCodeRetrieveParams, "expand"
    ),
    Route(
        "POST",
        "/v1/promotion_codes/{}",
        update_promotion_code,
        typed.PromotionCodeUpdateParams,
        "active metadata expand",
    ),
)
