"""The decision card of an A/B test: ship, keep running, roll back or review, with its grounds in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lib.metrics.stats import Analysis, Effect, Guardrail

Decision = Literal["ship", "keep_running", "roll_back", "review"]


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a guardrail says of one arm: `state` is harmed, clear, or unknown with why in `sentence`."""

    guardrail: str
    variant: str
    state: Literal["harmed", "clear", "unknown"]
    effect: Effect
    sentence: str


@dataclass(frozen=True, slots=True)
class Card:
    """What the numbers advise.

    `variant` is the arm to ship, `days` how much longer to run (None where it cannot be told).
    `headline` is one sentence, `grounds` the sentences that it stands on, the weightiest first.
    """

    decision: Decision
    variant: str | None
    days: int | None
    headline: str
    grounds: tuple[str, ...]
    guarded: tuple[Guarded, ...] = ()


def decide(analysis: Analysis, guardrails: Sequence[Guardrail] = ()) -> Card:
    """The card for a test as it stands."""
    raise NotImplementedError


def goes_against(card: Card, stopping: bool, winner: str | None) -> bool:
    """Whether a person decides otherwise than the card: stops with `winner` (None: without one), or goes on.

    Stopping a test that is to be rolled back agrees when no treatment wins. A card that says review agrees
    with going on, and with nothing else.
    """
    raise NotImplementedError
