"""From facts to the JSON that Stripe answers, in the current API version.

A shape may carry keys that start with an underscore (`_payment_intent` on an invoice): what an older version
or an expansion needs. `versions.present` removes them, or turns them into the older version's fields.
"""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.shapes import (
    catalog,
    credit_notes,
    customers,
    disputes,
    events,
    invoice_lines,
    invoices,
    payments,
    subscriptions,
)

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session

Shape = dict[str, Any]
"""One object as JSON."""

RENDERERS = {
    "customer": customers.customer,
    "payment_method": customers.payment_method,
    "product": catalog.product,
    "price": catalog.price,
    "coupon": catalog.coupon,
    "promotion_code": catalog.promotion_code,
    "subscription": subscriptions.subscription,
    "invoice": invoices.invoice,
    "invoiceitem": invoice_lines.invoice_item,
    "invoice_payment": invoices.invoice_payment,
    "payment_intent": payments.payment_intent,
    "charge": payments.charge,
    "refund": payments.refund,
    "balance_transaction": payments.balance_transaction,
    "credit_note": credit_notes.credit_note,
    "customer_balance_transaction": credit_notes.balance_movement,
    "dispute": disputes.dispute,
    "event": events.event,
    "webhook_endpoint": events.webhook_endpoint,
}
"""How each kind is shown."""


def render(session: "Session", facts: Facts) -> Shape:
    """The object as today's API version shows it, private keys included."""
    return RENDERERS[facts["object"]](session, facts)
