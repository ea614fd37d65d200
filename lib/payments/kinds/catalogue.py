"""The price list: products under an id of ours, prices found by the `revision` in their metadata.

A price's amount never changes. A new price takes the look-up key over, and the one before it is archived:
nobody buys at it any more, and subscriptions that have it keep it.
"""

from collections.abc import Mapping
from typing import Final

from lib.core.errors import StripeFailed
from lib.core.work import Work
from lib.models import Addon, Operation, SubscriptionPlan
from lib.payments import rows
from lib.payments.events import PriceFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Params, Sending
from lib.payments.rows import Changes

_ENTRIES: Final[Mapping[str, type[SubscriptionPlan] | type[Addon]]] = {
    "subscription_plans": SubscriptionPlan,
    "subscription_addons": Addon,
}


def _send_price(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    _make_product(gateway, sending)
    price = _of_revision(gateway, params) or gateway.catalogue.create_price(
        product_id=params["product_id"],
        unit_amount=params["unit_amount"],
        currency=params["currency"],
        interval=params["interval"],
        lookup_key=params["catalogue_id"],
        metadata={"catalogue_id": params["catalogue_id"], "revision": params["revision"]},
        key=f"{sending.key}:price",
    )
    old = _still_active(gateway, params)
    product = gateway.catalogue.product(params["product_id"])
    if product.default_price_id in (None, params["old_price_id"]):
        gateway.catalogue.set_default_price(product.id, price.id, key=f"{sending.key}:default")
    if old is not None:
        gateway.catalogue.archive_price(old.id, key=f"{sending.key}:archive")
    return price


def _ask_price(gateway: Gateway, sending: Sending) -> Answer | None:
    price = _of_revision(gateway, sending.params)
    return None if price is None or _still_active(gateway, sending.params) else price


def _make_product(gateway: Gateway, sending: Sending) -> None:
    params = sending.params
    try:
        gateway.catalogue.create_product(
            params["product_id"],
            name=params["name"],
            metadata={"catalogue_id": params["catalogue_id"]},
            key=f"{sending.key}:product",
        )
    except StripeFailed as failure:
        if failure.code != "resource_already_exists":
            raise


def _of_revision(gateway: Gateway, params: Params) -> PriceFacts | None:
    prices = gateway.catalogue.prices(product_id=params["product_id"])
    return next((each for each in prices if each.metadata.get("revision") == params["revision"]), None)


def _still_active(gateway: Gateway, params: Params) -> PriceFacts | None:
    """The price before, unless it is archived, unknown at Stripe, or there was none."""
    if params["old_price_id"] is None:
        return None
    try:
        price = gateway.catalogue.price(params["old_price_id"])
    except StripeFailed as failure:
        if failure.code == "resource_missing":
            return None
        raise
    return price if price.active else None


def _read_price(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.catalogue.price(sending.params["price_id"])


def _follow_price(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, PriceFacts)
    operation = work.session.get_one(Operation, operation_id)
    return rows.follow_price(work, answer, _ENTRIES[operation.object_type], operation.object_id)


KINDS: Final[Mapping[str, Kind]] = {
    "catalogue_create": Kind("Make it at Stripe", _send_price, _ask_price, _follow_price),
    "catalogue_new_price": Kind("New price", _send_price, _ask_price, _follow_price),
    "catalogue_adopt_price": Kind("Take over Stripe's price", _read_price, _read_price, _follow_price),
}
