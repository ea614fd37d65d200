"""Payment intents meeting cards: each attempt leaves a charge, good or bad, and its events."""

from lib.payments.sandbox import shapes
from lib.payments.sandbox.cards import CARDS, DECLINES
from lib.payments.sandbox.errors import StripeError, card_declined
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.versions import CURRENT, present


def new_intent(session: Session, facts: Facts) -> Facts:
    """A payment intent that no card was tried for yet."""
    made = {"status": "requires_payment_method", "currency": "usd", "customer": None, **facts}
    return session.add("payment_intent", made, "payment_intent.created")


def attempt(session: Session, intent: Facts, method: Facts, *, outcome: str | None = None) -> Facts:
    """Charge the card for the intent and return the charge, which says whether it worked.

    `outcome` ("succeed" or "fail") overrules what the card would do.
    """
    decline = CARDS[method.get("card", "pm_card_visa")].decline
    if outcome:
        decline = (decline or "generic_decline") if outcome == "fail" else None
    charge = session.add(
        "charge",
        {
            "amount": intent["amount"],
            "currency": intent.get("currency", "usd"),
            "customer": intent.get("customer"),
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "status": "failed" if decline else "succeeded",
            "decline": decline,
            "description": intent.get("description"),
            "receipt_email": intent.get("receipt_email"),
            "metadata": dict(intent.get("metadata", {})),
        },
    )
    event = "payment_intent.payment_failed" if decline else "payment_intent.succeeded"
    with session.changing(intent, event):
        intent["status"] = "requires_payment_method" if decline else "succeeded"
        intent["payment_method"] = None if decline else method["id"]
        intent["decline"] = decline
    session.record_now("charge.failed" if decline else "charge.succeeded", charge)
    return charge


def declined(session: Session, charge: Facts) -> StripeError:
    """The answer to a request whose card was refused; what happened stays on record."""
    decline = DECLINES[charge["decline"]]
    intent = session.get("payment_intent", charge["payment_intent"])
    return card_declined(
        decline.code,
        decline.decline_code,
        decline.message,
        charge=charge["id"],
        payment_intent=present(shapes.render(session, intent), CURRENT),
    )
