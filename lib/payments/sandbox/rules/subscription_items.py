"""What a subscription consists of: prices and quantities, read from a request and changed with proration."""

from typing import Any

from lib.payments.sandbox.errors import StripeError, missing_object, missing_param, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import item_id, new_id
from lib.payments.sandbox.periods import next_boundary
from lib.payments.sandbox.session import Session

_KNOWN = {"id", "price", "quantity", "deleted", "metadata"}


def new_items(session: Session, given: list[dict[str, Any]] | None) -> list[Facts]:
    """The items of a new subscription. Raises StripeError where a price is missing, off, or one-time."""
    if not given:
        raise missing_param("items")
    items = [_item(session, one, f"items[{position}]") for position, one in enumerate(given)]
    billing(session, items)
    return items


def _item(session: Session, given: dict[str, Any], param: str) -> Facts:
    if others := given.keys() - _KNOWN:
        raise unsupported(f"the parameter {param}[{min(others)}]")
    if "price" not in given:
        raise missing_param(f"{param}[price]")
    price = session.get("price", given["price"], param=f"{param}[price]")
    _check_price(price, param)
    return {
        "id": new_id("si"),
        "price": price["id"],
        "quantity": given.get("quantity", 1),
        "created": session.now,
        "metadata": given.get("metadata") or {},
    }


def _check_price(price: Facts, param: str) -> None:
    if not price.get("interval"):
        raise StripeError(
            f"The price specified is set to `type=one_time` but this field only accepts prices with "
            f"`type=recurring`. ({price['id']})",
            param=f"{param}[price]",
        )
    if not price.get("active", True):
        raise StripeError(
            f"The price specified is inactive. This field only accepts active prices. ({price['id']})",
            param=f"{param}[price]",
        )


def billing(session: Session, items: list[Facts]) -> tuple[str, int, str]:
    """Interval, its count and currency, which all prices of a subscription share here."""
    prices = [session.get("price", item["price"]) for item in items]
    terms = {(one["interval"], one.get("interval_count", 1), one.get("currency", "usd")) for one in prices}
    if len(terms) > 1:
        raise unsupported("subscriptions whose prices differ in interval or currency")
    return terms.pop()


def period_end(session: Session, items: list[Facts], anchor: int, start: int) -> int:
    """Where the period that begins at `start` ends."""
    interval, count, _ = billing(session, items)
    return next_boundary(anchor, start, interval, count)


def changed_items(session: Session, subscription: Facts, given: list[dict[str, Any]]) -> list[Facts]:
    """The items after an update: named ones changed or deleted, unnamed ones added, others as they were."""
    items = _named(subscription)
    by_id = {item["id"]: item for item in items}
    for position, one in enumerate(given):
        param = f"items[{position}]"
        if "id" not in one:
            items.append(_item(session, one, param))
            continue
        if one["id"] not in by_id:
            raise missing_object("subscription_item", one["id"], param=f"{param}[id]")
        item = by_id[one["id"]]
        if one.get("deleted"):
            items.remove(item)
            continue
        _change(session, item, one, param)
    if not items:
        raise StripeError("A subscription must have at least one active plan.", param="items")
    return items


def _change(session: Session, item: Facts, given: dict[str, Any], param: str) -> None:
    if others := given.keys() - _KNOWN:
        raise unsupported(f"the parameter {param}[{min(others)}]")
    if "price" in given:
        price = session.get("price", given["price"], param=f"{param}[price]")
        _check_price(price, param)
        item["price"] = price["id"]
    for name in ("quantity", "metadata"):
        if name in given:
            item[name] = given[name]


def prorate(session: Session, subscription: Facts, after: list[Facts], moment: int) -> None:
    """Leave a credit for the unused time of what went and a charge for the rest of what came.

    Both wait for the next invoice. Source: https://docs.stripe.com/billing/subscriptions/prorations.
    """
    old = _named(subscription)
    unchanged = [_terms(item) for item in old if _terms(item) in [_terms(one) for one in after]]
    for sign, items, words in ((-1, old, "Unused time on"), (1, after, "Remaining time on")):
        for item in items:
            if _terms(item) not in unchanged:
                _leave_amount(session, subscription, item, sign, words, moment)


def _terms(item: Facts) -> tuple[str, str, int]:
    return (item["id"], item["price"], item.get("quantity", 1))


def credit_unused(session: Session, subscription: Facts, moment: int) -> None:
    """Leave a credit for the unused time of every item."""
    for item in _named(subscription):
        _leave_amount(session, subscription, item, -1, "Unused time on", moment)


def _named(subscription: Facts) -> list[Facts]:
    """Copies of the items, each with the id that it is shown with."""
    return [
        item | {"id": item.get("id") or item_id(subscription["id"], position)}
        for position, item in enumerate(subscription["items"])
    ]


def _leave_amount(
    session: Session, subscription: Facts, item: Facts, sign: int, words: str, moment: int
) -> None:
    price = session.get("price", item["price"])
    product = session.find("product", price["product"]) or {}
    start, end = subscription["current_period_start"], subscription["current_period_end"]
    share = max(0, end - moment) / (end - start)
    quantity = item.get("quantity", 1)
    session.add(
        "invoiceitem",
        {
            "customer": subscription["customer"],
            "subscription": subscription["id"],
            "currency": subscription.get("currency", "usd"),
            "amount": sign * round(price["unit_amount"] * quantity * share),
            "description": f"{words} {quantity} × {product.get('name', price['product'])}",
            "price": price["id"],
            "quantity": quantity,
            "period_start": moment,
            "period_end": end,
            "proration": True,
            "subscription_item": item["id"],
        },
        "invoiceitem.created",
    )
