"""`expand[]`: an id in an answer is replaced by the object it names, up to four levels deep.

Source: https://docs.stripe.com/api/expanding_objects.
"""

from typing import Any

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.ids import SOURCE_KINDS, transaction_source
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.lists import list_of
from lib.payments.sandbox.versions import Version

_DEEPEST = 4

REFERENCES: dict[str, dict[str, str]] = {
    "customer": {"invoice_settings.default_payment_method": "payment_method"},
    "payment_method": {"customer": "customer"},
    "product": {"default_price": "price"},
    "price": {"product": "product"},
    "promotion_code": {"promotion.coupon": "coupon", "customer": "customer"},
    "discount": {"source.coupon": "coupon", "promotion_code": "promotion_code", "customer": "customer"},
    "subscription": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "latest_invoice": "invoice",
    },
    "invoice": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "parent.subscription_details.subscription": "subscription",
    },
    "line_item": {"pricing.price_details.price": "price", "subscription": "subscription"},
    "invoiceitem": {"customer": "customer", "invoice": "invoice"},
    "invoice_payment": {"invoice": "invoice", "payment.payment_intent": "payment_intent"},
    "payment_intent": {"customer": "customer", "latest_charge": "charge", "payment_method": "payment_method"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "credit_note": {
        "customer": "customer",
        "customer_balance_transaction": "customer_balance_transaction",
        "invoice": "invoice",
    },
    "customer_balance_transaction": {
        "credit_note": "credit_note",
        "customer": "customer",
        "invoice": "invoice",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "balance_transaction": {},
}
"""What can be expanded where, and the kind that the id there names."""

_LEGACY_REFERENCES = {
    "invoice": {"charge": "charge", "payment_intent": "payment_intent", "subscription": "subscription"},
    "charge": {"invoice": "invoice"},
    "payment_intent": {"invoice": "invoice"},
}
"""References that versions before basil had; they wait under the name with an underscore."""

_INCLUDED = {
    "charge": {"refunds": "_refunds"},
    "invoice": {"payments": "_payments"},
    "coupon": {"applies_to": "_applies_to"},
}
"""What is left out of an answer until it is asked for, and the private key where it waits."""

_FULL_LISTS = {("subscription", "discounts"), ("invoice", "discounts")}


def expand(session: Session, shape: dict[str, Any], paths: list[str], wanted: Version) -> None:
    """Expand each path in place. Raises StripeError for what cannot be expanded."""
    for path in paths:
        parts = path.split(".")
        if len([part for part in parts if part != "data"]) > _DEEPEST:
            raise StripeError(
                f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
                param="expand",
            )
        _walk(session, shape, parts, path, wanted)


def _walk(session: Session, node: Any, parts: list[str], path: str, wanted: Version) -> None:
    if isinstance(node, list):
        for one in node:
            _walk(session, one, parts, path, wanted)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("object", "")
    if not _expand_here(session, node, kind, parts, wanted):
        _step_down(session, node, kind, parts, path, wanted)
        return
    if len(parts) > 1:
        legacy = wanted.is_legacy and parts[0] in _LEGACY_REFERENCES.get(kind, {})
        _walk(session, node["_" + parts[0] if legacy else parts[0]], parts[1:], path, wanted)


def _expand_here(
    session: Session, node: dict[str, Any], kind: str, parts: list[str], wanted: Version
) -> bool:
    """Replace the value under the first part; False when it is no reference."""
    head = parts[0]
    if (kind, head) in _FULL_LISTS:
        node[head] = node[f"_{head}"]
        return True
    if head in _INCLUDED.get(kind, {}):
        waiting = node[_INCLUDED[kind][head]]
        if isinstance(waiting, list):
            waiting = list_of(waiting, f"/v1/{kind}s/{node['id']}/{head}")
        node[head] = waiting
        return True
    if wanted.is_legacy and head in _LEGACY_REFERENCES.get(kind, {}):
        node[f"_{head}"] = _object(session, _LEGACY_REFERENCES[kind][head], node[f"_{head}"])
        return True
    if head in REFERENCES.get(kind, {}):
        node[head] = _object(session, REFERENCES[kind][head], node.get(head))
        return True
    if kind == "balance_transaction" and head == "source":
        role = transaction_source(node["id"])
        node[head] = _object(session, SOURCE_KINDS[role[0]] if role else "charge", node[head])
        return True
    return False


def _step_down(
    session: Session, node: dict[str, Any], kind: str, parts: list[str], path: str, wanted: Version
) -> None:
    """Go on inside a part that is an object or list itself, such as `data` or `payment`."""
    for reference, target in REFERENCES.get(kind, {}).items():
        steps = reference.split(".")
        if len(steps) > 1 and parts[: len(steps)] == steps:
            holder = node
            for step in steps[:-1]:
                holder = holder.get(step) or {}
            if holder:
                holder[steps[-1]] = _object(session, target, holder.get(steps[-1]))
                _walk(session, holder[steps[-1]], parts[len(steps) :], path, wanted) if parts[
                    len(steps) :
                ] else None
            return
    if len(parts) < 2 or not isinstance(node.get(parts[0], {}), dict | list) or parts[0] not in node:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    _walk(session, node[parts[0]], parts[1:], path, wanted)


def _object(session: Session, kind: str, reference: Any) -> Any:
    """The object that an id names; None and what is expanded already stay as they are."""
    if not isinstance(reference, str):
        return reference
    if kind == "balance_transaction":
        role, source = transaction_source(reference) or ("charge", "")
        facts = session.get(SOURCE_KINDS[role], source)
        return shapes.render(session, {"object": kind, "id": reference, "role": role, "source": facts})
    found = session.find(kind, reference)
    return shapes.render(session, found) if found else {"id": reference, "object": kind, "deleted": True}
