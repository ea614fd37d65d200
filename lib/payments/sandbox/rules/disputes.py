"""Disputes: a bank asks for a charge back. Only the control routes open and close them.

Source: https://docs.stripe.com/disputes/how-disputes-work.
"""

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.session import Session

OUTCOMES = ("under_review", "won", "lost")
_DUE_AFTER_DAYS = 14


def open_(session: Session, charge_id: str, reason: str, due_in_days: int = _DUE_AFTER_DAYS) -> Facts:
    """The cardholder's bank takes the whole charge back until it is decided.

    Raises StripeError for a charge that failed, and for one that is disputed already.
    """
    charge = session.get("charge", charge_id)
    if charge["status"] != "succeeded":
        raise StripeError(f"This charge ({charge_id}) failed, so nobody can dispute it.")
    if session.newest("dispute", parent=charge_id):
        raise StripeError(f"Charge {charge_id} is disputed already.")
    dispute = session.add(
        "dispute",
        {
            "amount": charge["amount"],
            "charge": charge_id,
            "payment_intent": charge.get("payment_intent"),
            "currency": charge.get("currency", "usd"),
            "status": "needs_response",
            "reason": reason,
            "evidence_due_by": session.now + due_in_days * 86_400,
        },
        "charge.dispute.created",
    )
    session.record_now("charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(session: Session, charge_id: str, outcome: str) -> Facts:
    """Evidence was handed in (`under_review`), or the bank decided: `won` gives the money back."""
    session.get("charge", charge_id)
    dispute = session.newest("dispute", parent=charge_id)
    if dispute is None or dispute["status"] in ("won", "lost"):
        raise StripeError(f"No dispute of charge {charge_id} is open.")
    events = ["charge.dispute.updated"] if outcome == "under_review" else ["charge.dispute.closed"]
    with session.changing(dispute, *events):
        dispute["status"] = outcome
        if outcome != "under_review":
            dispute["closed_at"] = session.now
    if outcome == "won":
        session.record_now("charge.dispute.funds_reinstated", dispute)
    return dispute


def holds(session: Session, charge: Facts) -> bool:
    """Whether a dispute has taken the charge's money away, so that it cannot be refunded as well."""
    dispute = session.newest("dispute", parent=charge["id"])
    return dispute is not None and dispute["status"] != "won"


def retrieve(session: Session, _params: Params, dispute_id: str) -> Facts:
    """One dispute."""
    return session.get("dispute", dispute_id)


def list_(session: Session, params: Params) -> Page:
    """Disputes, newest first, of a charge or a payment intent."""
    return page(session, "dispute", params, parent=params.get("charge"), lookup=params.get("payment_intent"))


ROUTES = (
    Route(
        "GET", "/v1/disputes", list_, typed.DisputeListParams, f"{PAGE_PARAMS} created charge payment_intent"
    ),
    Route("GET", "/v1/disputes/{}", retrieve, typed.DisputeRetrieveParams, "expand"),
)
