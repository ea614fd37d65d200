"""Payment intents outside of invoices: create, confirm, cancel, retrieve, list."""

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.billing import charge_invoice, settle_subscription
from lib.payments.sandbox.rules.charging import attempt, declined, new_intent
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.rules.payment_methods import usable
from lib.payments.sandbox.session import Session

_PLAIN = ("description", "receipt_email", "setup_future_usage")
_NO_EFFECT = "off_session return_url error_on_requires_action automatic_payment_methods payment_method_types"
"""Accepted without effect: cards here never ask the customer for anything."""


def create(session: Session, params: Params) -> Facts:
    """A new payment; `confirm` charges the card at once."""
    if params["amount"] < 50:
        raise StripeError("Amount must be at least 50 cents.", code="amount_too_small", param="amount")
    if "customer" in params:
        session.get("customer", params["customer"], param="customer")
    facts: Facts = {
        "amount": params["amount"],
        "currency": params["currency"].lower(),
        "customer": params.get("customer"),
        **{name: params[name] for name in _PLAIN if name in params},
    }
    if "payment_method" in params:
        facts["payment_method"] = usable(session, params["payment_method"])["id"]
        facts["status"] = "requires_confirmation"
    merge_metadata(facts, params)
    intent = new_intent(session, facts)
    return _confirm(session, intent) if params.get("confirm") else intent


def confirm(session: Session, params: Params, intent_id: str) -> Facts:
    """Charge the card."""
    intent = session.get("payment_intent", intent_id)
    if intent["status"] in ("succeeded", "canceled"):
        raise StripeError(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    if "payment_method" in params:
        intent["payment_method"] = usable(session, params["payment_method"])["id"]
    return _confirm(session, intent)


def _confirm(session: Session, intent: Facts) -> Facts:
    if not intent.get("payment_method"):
        raise StripeError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the PaymentIntent with a payment method and then confirm it again, or confirm it again "
            "directly with a payment method.",
            code="payment_intent_unexpected_state",
        )
    method = session.get("payment_method", intent["payment_method"])
    charge = (
        _of_invoice(session, intent, method) if intent.get("invoice") else attempt(session, intent, method)
    )
    if charge["status"] == "failed":
        raise declined(session, charge)
    return intent


def _of_invoice(session: Session, intent: Facts, method: Facts) -> Facts:
    """The charge for an invoice's payment; the invoice and its subscription follow."""
    invoice = session.get("invoice", intent["invoice"])
    charge = charge_invoice(session, invoice, method)
    settle_subscription(session, invoice)
    return charge


def cancel(session: Session, params: Params, intent_id: str) -> Facts:
    """Give up a payment that has not succeeded."""
    intent = session.get("payment_intent", intent_id)
    if intent["status"] in ("succeeded", "canceled"):
        raise StripeError(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be canceled: requires_payment_method, "
            "requires_confirmation.",
            code="payment_intent_unexpected_state",
        )
    with session.changing(intent, "payment_intent.canceled"):
        intent |= {
            "status": "canceled",
            "canceled_at": session.now,
            "cancellation_reason": params.get("cancellation_reason"),
        }
    return intent


def update(session: Session, params: Params, intent_id: str) -> Facts:
    """Change description, receipt address or metadata."""
    intent = session.get("payment_intent", intent_id)
    intent |= {name: params[name] for name in ("description", "receipt_email") if name in params}
    merge_metadata(intent, params)
    session.store.put(intent)
    return intent


def retrieve(session: Session, _params: Params, intent_id: str) -> Facts:
    """One payment intent."""
    return session.get("payment_intent", intent_id)


def list_(session: Session, params: Params) -> Page:
    """Payment intents, newest first, perhaps of one customer."""
    return page(session, "payment_intent", params, customer=params.get("customer"))


ROUTES = (
    Route(
        "POST",
        "/v1/payment_intents",
        create,
        typed.PaymentIntentCreateParams,
        f"amount currency customer payment_method confirm metadata expand {' '.join(_PLAIN)} {_NO_EFFECT}",
    ),
    Route(
        "GET", "/v1/payment_intents", list_, typed.PaymentIntentListParams, f"{PAGE_PARAMS} created customer"
    ),
    Route("GET", "/v1/payment_intents/{}", retrieve, typed.PaymentIntentRetrieveParams, "expand"),
    Route(
        "POST",
        "/v1/payment_intents/{}",
        update,
        typed.PaymentIntentUpdateParams,
        "description receipt_email metadata expand",
    ),
    Route(
        "POST",
        "/v1/payment_intents/{}/confirm",
        confirm,
        typed.PaymentIntentConfirmParams,
        "payment_method off_session return_url error_on_requires_action expand",
    ),
    Route(
        "POST",
        "/v1/payment_intents/{}/cancel",
        cancel,
        typed.PaymentIntentCancelParams,
        "cancellation_reason expand",
    ),
)
