"""Answers in the API version that was asked for.

Stripe's version 2025-03-31 (basil) moved many fields. Shapes are rendered as of today; a request or a webhook
endpoint with an older version gets the older fields back, for the objects that the dashboard reads.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stripe

from lib.payments.sandbox.errors import StripeError

Shape = dict[str, Any]

_FORM = re.compile(r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")
_BASIL = "2025-03-31"
_REFUNDS_NOT_INCLUDED = "2022-11-15"


@dataclass(frozen=True)
class Version:
    """An API version such as `2026-10-28.endive` or `2020-08-27`."""

    name: str

    @property
    def date(self) -> str:
        """The day it came out, as text; sorts by time."""
        return self.name[:10]

    @property
    def is_legacy(self) -> bool:
        """Whether it is older than basil."""
        return self.date < _BASIL


CURRENT = Version(stripe.api_version)


def version(name: str | None) -> Version:
    """The version named in a request, or today's. Raises StripeError for what is no version."""
    if not name:
        return CURRENT
    if not _FORM.match(name):
        raise StripeError(f"Invalid Stripe API version: {name}")
    return Version(name)


def present(value: Any, wanted: Version) -> Any:
    """The answer without private keys, its objects as `wanted` shows them."""
    if isinstance(value, list):
        return [present(one, wanted) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("object")
    if kind == "event" and "_before" in value:
        return present_event(value, wanted)
    if wanted.is_legacy and kind in _OLDER:
        value = _OLDER[kind](value)
        if wanted.date < _REFUNDS_NOT_INCLUDED and kind == "charge":
            value = _with_refunds(value)
    hides = isinstance(kind, str)
    return {
        name: inner if name == "metadata" else present(inner, wanted)
        for name, inner in value.items()
        if not (hides and name.startswith("_"))
    }


def present_event(event: Shape, wanted: Version) -> Shape:
    """An event whose object, and the attributes it had before, are those of one version."""
    after = present(event["data"]["object"], wanted)
    data: Shape = {"object": after}
    if event.get("_before"):
        data["previous_attributes"] = _previous(present(event["_before"], wanted), after)
    shown = {name: inner for name, inner in event.items() if not name.startswith("_")}
    return shown | {"api_version": wanted.name, "data": data}


def _previous(before: Shape, after: Shape) -> Shape:
    """What changed, as it was before: parts of nested objects, whole lists, None for what was not there."""
    changed: Shape = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        changed[name] = _previous(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return changed


def _first(items: list[Any]) -> Any:
    return items[0] if items else None


def _subscription(shape: Shape) -> Shape:
    items = shape["items"]["data"]
    first = items[0] if items else {}
    older = {
        **shape,
        "current_period_end": first.get("current_period_end"),
        "current_period_start": first.get("current_period_start"),
        "discount": _first(shape.get("_discounts", [])),
        "plan": first.get("plan") if len(items) == 1 else None,
        "quantity": first.get("quantity") if len(items) == 1 else None,
    }
    del older["billing_mode"]
    return older


def _subscription_item(shape: Shape) -> Shape:
    hidden = ("current_period_start", "current_period_end")
    return {name: inner for name, inner in shape.items() if name not in hidden}


def _invoice(shape: Shape) -> Shape:
    moved = ("parent", "total_taxes", "total_pretax_credit_amounts", "amount_overpaid", "payments")
    older = {name: inner for name, inner in shape.items() if name not in moved}
    parent = shape.get("parent") or {}
    return older | {
        "charge": shape.get("_charge"),
        "discount": _first(shape.get("_discounts", [])),
        "paid": shape["status"] == "paid",
        "paid_out_of_band": shape.get("_paid_out_of_band", False),
        "payment_intent": shape.get("_payment_intent"),
        "quote": None,
        "subscription": shape.get("_subscription"),
        "subscription_details": {"metadata": (parent.get("subscription_details") or {}).get("metadata")},
        "tax": None,
        "total_tax_amounts": [],
        "transfer_data": None,
    }


def _line_item(shape: Shape) -> Shape:
    moved = ("parent", "pricing", "taxes", "pretax_credit_amounts", "subtotal")
    older = {name: inner for name, inner in shape.items() if name not in moved}
    parent = shape.get("parent") or {}
    item = parent.get("invoice_item_details") or {}
    details = item or parent.get("subscription_item_details") or {}
    return older | {
        "amount_excluding_tax": shape["amount"],
        "invoice_item": item.get("invoice_item"),
        "plan": shape.get("_plan"),
        "price": shape.get("_price"),
        "proration": details.get("proration", False),
        "proration_details": {"credited_items": None},
        "subscription": details.get("subscription"),
        "subscription_item": details.get("subscription_item"),
        "tax_amounts": [],
        "tax_rates": [],
        "type": "invoiceitem" if item else "subscription",
    }


def _charge(shape: Shape) -> Shape:
    return {**shape, "invoice": shape.get("_invoice")}


def _with_refunds(charge: Shape) -> Shape:
    """Until 2022-11-15 a charge showed its refunds without being asked."""
    refunds = charge.get("_refunds", [])
    url = f"/v1/charges/{charge['id']}/refunds"
    whole = {"object": "list", "data": refunds, "has_more": False, "total_count": len(refunds), "url": url}
    return charge | {"refunds": charge.get("refunds") or whole}


def _payment_intent(shape: Shape) -> Shape:
    return {**shape, "invoice": shape.get("_invoice")}


def _discount(shape: Shape) -> Shape:
    older = {name: inner for name, inner in shape.items() if name != "source"}
    return older | {"coupon": shape.get("_coupon")}


def _promotion_code(shape: Shape) -> Shape:
    older = {name: inner for name, inner in shape.items() if name != "promotion"}
    return older | {"coupon": shape.get("_coupon")}


_OLDER: dict[str, Callable[[Shape], Shape]] = {
    "subscription": _subscription,
    "subscription_item": _subscription_item,
    "invoice": _invoice,
    "line_item": _line_item,
    "charge": _charge,
    "payment_intent": _payment_intent,
    "discount": _discount,
    "promotion_code": _promotion_code,
}
