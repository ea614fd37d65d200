"""The lines of an invoice, and the items that wait to become lines of the next one."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import line_id
from lib.payments.sandbox.shapes import catalog

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session


def lines(session: "Session", facts: Facts) -> list[dict[str, Any]]:
    """The invoice's lines; `_price` is there for versions that showed the whole price."""
    shown = []
    for position, line in enumerate(facts["lines"]):
        price = session.find("price", line["price"]) if line.get("price") else None
        quantity = line.get("quantity", 1)
        shown.append(
            {
                "id": line_id(facts["id"], position),
                "object": "line_item",
                "amount": line["amount"],
                "currency": facts.get("currency", "usd"),
                "description": line.get("description") or _description(session, price, quantity),
                "discount_amounts": [
                    {"amount": amount, "discount": discount}
                    for discount, amount in line.get("discount_amounts", [])
                ],
                "discountable": not line.get("proration", False),
                "discounts": [],
                "invoice": facts["id"],
                "livemode": False,
                "metadata": {},
                "parent": _line_parent(facts, line),
                "period": {
                    "end": line.get("period_end", facts.get("period_end", facts["created"])),
                    "start": line.get("period_start", facts.get("period_start", facts["created"])),
                },
                "pretax_credit_amounts": [],
                "pricing": {
                    "price_details": {"price": price["id"], "product": price["product"]},
                    "type": "price_details",
                    "unit_amount_decimal": str(price["unit_amount"]),
                }
                if price
                else None,
                "quantity": quantity,
                "subscription": facts.get("subscription"),
                "subtotal": line["amount"],
                "taxes": [],
                "_price": catalog.price(session, price) if price else None,
                "_plan": catalog.plan(price) if price and price.get("interval") else None,
            }
        )
    return shown


def _line_parent(facts: Facts, line: Facts) -> dict[str, Any]:
    details = {
        "proration": line.get("proration", False),
        "proration_details": {"credited_items": None},
        "subscription": facts.get("subscription"),
    }
    if line.get("invoice_item"):
        return {
            "invoice_item_details": {"invoice_item": line["invoice_item"], **details},
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    details |= {"invoice_item": None, "subscription_item": line.get("subscription_item")}
    return {
        "invoice_item_details": None,
        "subscription_item_details": details,
        "type": "subscription_item_details",
    }


def _description(session: "Session", price: Facts | None, quantity: int) -> str | None:
    if price is None:
        return None
    product = session.find("product", price["product"])
    name = product["name"] if product else price["product"]
    rate = f"at {price['unit_amount'] / 100:.2f} {price.get('currency', 'usd').upper()}"
    return (
        f"{quantity} × {name} ({rate} / {price['interval']})"
        if price.get("interval")
        else f"{quantity} × {name}"
    )


def invoice_item(session: "Session", facts: Facts) -> dict[str, Any]:
    """An amount that waits for the next invoice."""
    price = session.find("price", facts["price"]) if facts.get("price") else None
    return {
        "id": facts["id"],
        "object": "invoiceitem",
        "amount": facts["amount"],
        "currency": facts.get("currency", "usd"),
        "customer": facts["customer"],
        "customer_account": None,
        "date": facts["created"],
        "description": facts.get("description"),
        "discountable": not facts.get("proration", False),
        "discounts": [],
        "invoice": facts.get("invoice"),
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "net_amount": facts["amount"],
        "parent": {
            "type": "subscription_details",
            "subscription_details": {
                "subscription": facts["subscription"],
                "subscription_item": facts.get("subscription_item"),
            },
        }
        if facts.get("subscription")
        else None,
        "period": {
            "end": facts.get("period_end", facts["created"]),
            "start": facts.get("period_start", facts["created"]),
        },
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(price["unit_amount"]),
        }
        if price
        else None,
        "proration": facts.get("proration", False),
        "quantity": facts.get("quantity", 1),
        "tax_rates": [],
        "test_clock": None,
    }
