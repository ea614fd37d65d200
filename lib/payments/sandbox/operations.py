"""Every operation that the sandbox has, collected from the rules."""

from lib.payments.sandbox.router import Router
from lib.payments.sandbox.rules import (
    balance,
    catalog,
    charges,
    credit_notes,
    customer_balance,
    customers,
    discounts,
    disputes,
    events,
    invoices,
    pauses,
    payment_intents,
    payment_methods,
    previews,
    refunds,
    subscription_updates,
    subscriptions,
    webhook_endpoints,
)

ROUTER = Router(
    customers.ROUTES
    + customer_balance.ROUTES
    + payment_methods.ROUTES
    + catalog.ROUTES
    + discounts.ROUTES
    + subscriptions.ROUTES
    + subscription_updates.ROUTES
    + pauses.ROUTES
    + invoices.ROUTES
    + previews.ROUTES
    + payment_intents.ROUTES
    + charges.ROUTES
    + refunds.ROUTES
    + credit_notes.ROUTES
    + disputes.ROUTES
    + balance.ROUTES
    + events.ROUTES
    + webhook_endpoints.ROUTES
)
