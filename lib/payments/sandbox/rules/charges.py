"""Charges: retrieve, list, update. They are made by payment intents only."""

from stripe import params as typed

from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session


def retrieve(session: Session, _params: Params, charge_id: str) -> Facts:
    """One charge."""
    return session.get("charge", charge_id)


def list_(session: Session, params: Params) -> Page:
    """Charges, newest first, of a customer or a payment intent."""
    return page(
        session, "charge", params, customer=params.get("customer"), parent=params.get("payment_intent")
    )


def update(session: Session, params: Params, charge_id: str) -> Facts:
    """Change description, receipt address, fraud report or metadata."""
    charge = session.get("charge", charge_id)
    with session.changing(charge, "charge.updated"):
        charge |= {
            name: params[name] for name in ("description", "receipt_email", "fraud_details") if name in params
        }
        merge_metadata(charge, params)
    return charge


ROUTES = (
    Route(
        "GET", "/v1/charges", list_, typed.ChargeListParams, f"{PAGE_PARAMS} created customer payment_intent"
    ),
    Route("GET", "/v1/charges/{}", retrieve, typed.ChargeRetrieveParams, "expand"),
    Route(
        "POST",
        "/v1/charges/{}",
        update,
        typed.ChargeUpdateParams,
        "description receipt_email fraud_details metadata expand",
    ),
)
