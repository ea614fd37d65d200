"""Refunds: never more than what is left of a charge. Source: https://docs.stripe.com/refunds."""

from stripe import params as typed

from lib.payments.sandbox.cards import CARDS
from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules import disputes
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session

FAIL = "fail_refund"
"""The deferred action that makes a refund fail (see `deferred`)."""

FAILS_AFTER_SECONDS = 1.0
"""How long the refund to a card that takes none looks as if it had worked. At Stripe: hours or days."""

_TAKES_NONE = "expired_or_canceled_card"


def create(session: Session, params: Params) -> Facts:
    """Send back all that is left of a charge, or a part of it."""
    charge = _charge(session, params)
    if disputes.holds(session, charge):
        raise StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    left = charge["amount"] - sum(
        one["amount"]
        for one in session.select("refund", parent=charge["id"])
        if one.get("status", "succeeded") != "failed"
    )
    amount = _amount(params, charge, left)
    facts: Facts = {
        "amount": amount,
        "charge": charge["id"],
        "payment_intent": charge.get("payment_intent"),
        "currency": charge.get("currency", "usd"),
        "status": "succeeded",
        "reason": params.get("reason"),
    }
    merge_metadata(facts, params)
    with session.changing(charge, "charge.refunded"):
        refund = session.add("refund", facts)
    session.record_now("refund.created", refund)
    card = session.find("payment_method", charge.get("payment_method") or "") or {}
    if CARDS[card.get("card", "pm_card_visa")].refund_fails:
        session.later(FAIL, refund["id"], FAILS_AFTER_SECONDS)
    return refund


def _charge(session: Session, params: Params) -> Facts:
    """The charge to refund, named itself or through its payment intent."""
    if "charge" in params and "payment_intent" in params:
        raise StripeError("You can only specify one of these parameters: charge, payment_intent.")
    if "charge" in params:
        charge = session.get("charge", params["charge"], param="charge")
        if charge["status"] != "succeeded":
            raise StripeError(
                f"This charge ({charge['id']}) failed, so it cannot be refunded.", param="charge"
            )
        return charge
    if "payment_intent" not in params:
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = session.get("payment_intent", params["payment_intent"], param="payment_intent")
    found = session.newest("charge", parent=intent["id"], statuses=["succeeded"])
    if found is None:
        raise StripeError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return found


def _amount(params: Params, charge: Facts, left: int) -> int:
    if left <= 0:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = int(params.get("amount", left))
    if amount < 1:
        raise StripeError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        currency = charge.get("currency", "usd")
        what = "charge amount" if left == charge["amount"] else "unrefunded amount on charge"
        raise StripeError(
            f"Refund amount ({_money(amount, currency)}) is greater than {what} ({_money(left, currency)})",
            param="amount",
        )
    return amount


def _money(cents: int, currency: str) -> str:
    return f"${cents / 100:,.2f}" if currency == "usd" else f"{cents / 100:,.2f} {currency.upper()}"


def fail(session: Session, refund_id: str) -> Facts:
    """The bank sent the money back: the refund failed, and the amount is the charge's again."""
    refund = session.get("refund", refund_id)
    if refund.get("status") == "failed":
        return refund
    with session.changing(refund, "refund.updated", "charge.refund.updated", "refund.failed"):
        refund |= {"status": "failed", "failed_at": session.now, "failure_reason": _TAKES_NONE}
    return refund


def retrieve(session: Session, _params: Params, refund_id: str) -> Facts:
    """One refund."""
    return session.get("refund", refund_id)


def update(session: Session, params: Params, refund_id: str) -> Facts:
    """Change the metadata: nothing else of a refund can be changed."""
    refund = session.get("refund", refund_id)
    with session.changing(refund, "refund.updated", "charge.refund.updated"):
        merge_metadata(refund, params)
    return refund


def list_(session: Session, params: Params) -> Page:
    """Refunds, newest first, of a charge or a payment intent."""
    return page(session, "refund", params, parent=params.get("charge"), lookup=params.get("payment_intent"))


ROUTES = (
    Route(
        "POST",
        "/v1/refunds",
        create,
        typed.RefundCreateParams,
        "charge payment_intent amount reason metadata expand",
    ),
    Route(
        "GET", "/v1/refunds", list_, typed.RefundListParams, f"{PAGE_PARAMS} created charge payment_intent"
    ),
    Route("GET", "/v1/refunds/{}", retrieve, typed.RefundRetrieveParams, "expand"),
    Route("POST", "/v1/refunds/{}", update, typed.RefundUpdateParams, "metadata expand"),
)
