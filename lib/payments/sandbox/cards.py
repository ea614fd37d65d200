"""Stripe's test cards and what each of them does.

Source: https://docs.stripe.com/testing. A payment method made from `pm_card_…` (or from a test number) keeps
the name of its card, so what it does follows it for life.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a bank refuses: Stripe's error code, the bank's reason, and the sentence shown to people."""

    code: str
    decline_code: str | None
    message: str


DECLINES = {
    decline.decline_code or decline.code: decline
    for decline in (
        Decline("card_declined", "generic_decline", "Your card was declined."),
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        Decline("card_declined", "lost_card", "Your card was declined."),
        Decline("card_declined", "stolen_card", "Your card was declined."),
        Decline("expired_card", None, "Your card has expired."),
        Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
        Decline(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    )
}
"""Refusals by their most exact code; a stored `decline` is one of these keys."""


@dataclass(frozen=True)
class Card:
    """One test card. `decline` refuses every charge; such a card cannot be attached unless `attaches`."""

    number: str
    brand: str = "visa"
    decline: str | None = None
    attaches: bool = True
    refund_fails: bool = False


CARDS = {
    "pm_card_visa": Card("4242424242424242"),
    "pm_card_visa_debit": Card("4000056655665556"),
    "pm_card_mastercard": Card("5555555555554444", brand="mastercard"),
    "pm_card_amex": Card("378282246310005", brand="amex"),
    "pm_card_discover": Card("6011111111111117", brand="discover"),
    "pm_card_chargeCustomerFail": Card("4000000000000341", decline="generic_decline"),
    "pm_card_refundFail": Card("4000000000005126", refund_fails=True),
    "pm_card_chargeDeclined": Card("4000000000000002", decline="generic_decline", attaches=False),
    "pm_card_visa_chargeDeclined": Card("4000000000000002", decline="generic_decline", attaches=False),
    "pm_card_chargeDeclinedInsufficientFunds": Card(
        "4000000000009995", decline="insufficient_funds", attaches=False
    ),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card(
        "4000000000009995", decline="insufficient_funds", attaches=False
    ),
    "pm_card_chargeDeclinedExpiredCard": Card("4000000000000069", decline="expired_card", attaches=False),
    "pm_card_chargeDeclinedIncorrectCvc": Card("4000000000000127", decline="incorrect_cvc", attaches=False),
    "pm_card_chargeDeclinedProcessingError": Card(
        "4000000000000119", decline="processing_error", attaches=False
    ),
}
"""Test cards by the payment method id that Stripe gives them."""

_BY_NUMBER = {card.number: name for name, card in reversed(CARDS.items())}
_BY_TOKEN = {name.replace("pm_card_", "tok_"): name for name in CARDS}


def named(number_or_token: str) -> str | None:
    """The name of the test card with this number (`4242…`) or token (`tok_visa`); None when there is none."""
    return _BY_NUMBER.get(number_or_token.replace(" ", "")) or _BY_TOKEN.get(number_or_token)
