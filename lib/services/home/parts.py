"""What Home is made of: things that wait, and figures with their change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Good = Literal["up", "down", "neither"]
"""Which way a figure should go."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the reader, and the page where it is done."""

    title: str
    detail: str
    page: str
    urgent: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its change against the time before, both as text. `good`: which way is good."""

    title: str
    value: str
    change: str | None
    good: Good
    meaning: str


def many(number: int, noun: str) -> str:
    """A number with its noun: `1 refund`, `2 refunds`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
