"""Words about a refund for the customer, to paste into an answer: what is true now, and no more."""

from datetime import datetime
from typing import Final

from lib.core import money

_ARRIVES: Final = "Your bank usually shows it within 5 to 10 days."


def for_customer(status: str, amount_cents: int, currency: str, at: datetime | None, *, failed: bool) -> str:
    """What a customer may be told about their refund in a status; `at`: when it was paid.

    `failed`: it is approved, and Stripe could not pay it so far.
    """
    amount = money.show(amount_cents, currency)
    match status:
        case "pending":
            return (
                f"We have received your request for a refund of {amount}. A colleague is looking at it, and "
                "we will write to you as soon as it is decided."
            )
        case "approved" if failed:
            return (
                f"Your refund of {amount} is approved, but your bank could not take it yet. We are on it and "
                "will write to you again."
            )
        case "approved":
            return f"Your refund of {amount} is approved and on its way to your card. {_ARRIVES}"
        case "processed":
            day = f" on {at:%d %B %Y}" if at else ""
            return f"We have sent {amount} back to the card that you paid with{day}. {_ARRIVES}"
        case _:
            return (
                f"We have looked at your request for a refund of {amount}, and we cannot give it back. "
                "Please write to us if something has changed or if we have missed something."
            )
