"""Why a payment failed, in plain words, and what helps.

Source of the codes: https://docs.stripe.com/declines/codes.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """`why` it failed, for a reader; `helps`: what somebody can do about it."""

    why: str
    helps: str


_NEW_CARD: Final = "Another try with this card will not help: ask them to enter a new one."
_REASONS: Final = {
    "insufficient_funds": Reason(
        "There was not enough money in the account.", "Another try after payday often works."
    ),
    "expired_card": Reason("The card has expired.", _NEW_CARD),
    "incorrect_cvc": Reason("The security code of the card is wrong.", "Ask them to enter the card again."),
    "processing_error": Reason("The bank had a fault of its own.", "Another try usually works."),
    "lost_card": Reason("The card was reported lost.", _NEW_CARD),
    "stolen_card": Reason("The card was reported stolen.", _NEW_CARD),
    "authentication_required": Reason(
        "The bank wants the cardholder to confirm the payment.",
        "Send the invoice: they confirm it on Stripe's page.",
    ),
    "do_not_honor": Reason(
        "The bank refused and does not say why.", "Ask them to call their bank, or to use another card."
    ),
    "generic_decline": Reason(
        "The bank refused and does not say why.", "Ask them to call their bank, or to use another card."
    ),
}
_SAID: Final = (
    ("insufficient funds", "insufficient_funds"),
    ("has expired", "expired_card"),
    ("security code", "incorrect_cvc"),
    ("error occurred while processing", "processing_error"),
    ("authentication", "authentication_required"),
    ("declined", "generic_decline"),
)


def reason_of(failure: str | None) -> Reason | None:
    """The reason behind a stored failure: Stripe's code, its sentence, or both; None for an unknown one."""
    said = (failure or "").lower()
    code = next((each for each in _REASONS if each in said), None)
    code = code or next((each for words, each in _SAID if words in said), None)
    return _REASONS[code] if code else None
