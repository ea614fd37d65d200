"""What helps against each reason, and the page and section where it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Step:
    """A next step: what it is called, the page and section that open, and which row is open there."""

    label: str
    page: str
    of: Literal["object", "subscription", "couple"]
    section: str | None = None


_STEPS: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType(
    {
        "past_due": (
            Step("Retry, or send the invoice again", "payments", "object"),
            Step("The subscription", "subscriptions", "subscription"),
        ),
        "card_expiring": (
            Step("Write to them: the couple's notes", "relationships", "couple", "notes"),
            Step("The subscription", "subscriptions", "subscription"),
        ),
        "set_to_cancel": (
            Step("Keep it", "subscriptions", "subscription", "end"),
            Step("Put a code on it", "subscriptions", "subscription", "discounts"),
        ),
        "trial_without_card": (
            Step("Extend the trial", "subscriptions", "subscription", "goodwill"),
            Step("Write to them: the couple's notes", "relationships", "couple", "notes"),
        ),
        "gift_ending": (
            Step("Start a subscription", "relationships", "couple", "start_or_give"),
            Step("The gift", "credits", "subscription"),
        ),
        "falling_engagement": (
            Step("Look at both partners", "relationships", "couple", "engagement"),
            Step("Give a free month", "subscriptions", "subscription", "goodwill"),
        ),
        "one_sided": (
            Step("Look at both partners", "relationships", "couple", "engagement"),
            Step("Write to them: the couple's notes", "relationships", "couple", "notes"),
        ),
    }
)


def step_for(reason: str, *, has_payment: bool = True) -> tuple[Step, ...]:
    """The steps for a reason, the most promising first; without a payment there is nothing to retry."""
    steps = _STEPS[reason]
    return steps if has_payment else tuple(step for step in steps if step.of != "object")
