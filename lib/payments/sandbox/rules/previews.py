"""`invoices.create_preview`: what the next invoice would be, perhaps after a change.

The change is made for real inside a savepoint that is rolled back, so a preview and what happens later cannot
disagree.
"""

from typing import Any

from stripe import params as typed

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError, missing_param, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules.billing import make_invoice
from lib.payments.sandbox.rules.discounts import redeem
from lib.payments.sandbox.rules.renewals import RENEWABLE, upcoming
from lib.payments.sandbox.rules.subscription_items import credit_unused
from lib.payments.sandbox.rules.subscription_updates import begin_period, change_items
from lib.payments.sandbox.rules.subscriptions import create
from lib.payments.sandbox.session import Session

_DETAILS = {"items", "proration_behavior", "proration_date", "cancel_now", "resume_at"}
_OF_A_NEW_ONE = {"items", "trial_end"}


def create_preview(session: Session, params: Params) -> Rendered:
    """The next invoice of a subscription (as it is, with other items, canceled now, resumed now), or a new
    one's first.

    Without `subscription` it is about one that `customer` would begin with these items.
    """
    details: dict[str, Any] = params.get("subscription_details") or {}
    begins = "subscription" not in params
    if begins and ("customer" not in params or "items" not in details):
        raise missing_param("subscription")
    if others := details.keys() - (_OF_A_NEW_ONE if begins else _DETAILS):
        raise unsupported(f"the parameter subscription_details[{min(others)}]")
    session.store.connection.execute("SAVEPOINT preview")
    try:
        trial = Session(session.store, now=session.now)
        invoice_shape = _begun(trial, params, details) if begins else _tried(trial, params, details)
    finally:
        session.store.connection.execute("ROLLBACK TO preview")
        session.store.connection.execute("RELEASE preview")
    return Rendered(invoice_shape)


def _begun(trial: Session, params: Params, details: dict[str, Any]) -> dict[str, Any]:
    """The first invoice of a subscription that is begun for the look of it."""
    given: Params = {name: params[name] for name in ("customer", "discounts") if name in params}
    # Nothing is charged for a look: the payment waits for a confirmation that never comes.
    subscription = create(trial, {**given, **details, "payment_behavior": "default_incomplete"})
    invoice = trial.newest("invoice", parent=subscription["id"])
    assert invoice is not None, "a subscription begins with an invoice"
    return _as_upcoming(shapes.render(trial, invoice))


def _tried(trial: Session, params: Params, details: dict[str, Any]) -> dict[str, Any]:
    subscription = trial.get("subscription", params["subscription"], param="subscription")
    resuming = subscription["status"] == "paused" and "resume_at" in details
    if subscription["status"] not in RENEWABLE and not resuming:
        raise _none(subscription)
    if params.get("customer") not in (None, subscription["customer"]):
        raise StripeError("The subscription belongs to another customer.", param="customer")
    if "discounts" in params:
        subscription["discounts"] = redeem(
            trial, subscription["customer"], params["discounts"] or [], subscription.get("discounts", [])
        )
    invoice = _invoice(trial, subscription, details)
    balance = trial.get("customer", invoice["customer"]).get("balance", 0)
    if invoice["status"] == "draft":
        invoice["starting_balance"] = balance
    return _as_upcoming(shapes.render(trial, invoice))


def _as_upcoming(shape: dict[str, Any]) -> dict[str, Any]:
    """The invoice as one that is not made yet."""
    return shape | {
        "id": f"upcoming_{shape['id']}",
        "status": "draft",
        "number": None,
        "amount_paid": 0,
        "amount_remaining": shape["amount_due"],
        "attempted": False,
        "attempt_count": 0,
        "billing_reason": "upcoming",
    }


def _invoice(session: Session, subscription: Facts, details: dict[str, Any]) -> Facts:
    moment = details.get("proration_date", session.now)
    proration = details.get("proration_behavior", "create_prorations")
    if details.get("cancel_now"):
        if proration != "none":
            credit_unused(session, subscription, moment)
        period = (subscription["current_period_start"], session.now)
        return make_invoice(session, subscription, [], reason="subscription_update", period=period)
    if "items" in details:
        at_once = change_items(
            session,
            subscription,
            details["items"],
            proration=proration,
            moment=moment,
            behavior="allow_incomplete",
        )
        if at_once:
            return at_once
    elif "resume_at" in details:
        return begin_period(session, subscription, "allow_incomplete")
    elif subscription.get("cancel_at") and subscription["cancel_at"] <= subscription["current_period_end"]:
        raise _none(subscription)
    return upcoming(session, subscription)


def _none(subscription: Facts) -> StripeError:
    return StripeError(
        f"No upcoming invoices for subscription: {subscription['id']}",
        status=404,
        code="invoice_upcoming_none",
    )


ROUTES = (
    Route(
        "POST",
        "/v1/invoices/create_preview",
        create_preview,
        typed.InvoiceCreatePreviewParams,
        "customer subscription subscription_details discounts expand",
    ),
)
