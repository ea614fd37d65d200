"""A figure that can defend itself: its value, the policy, the rows it stands on, the time of its data."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

from lib.core import money
from lib.metrics.policies import Policy

Unit = Literal["money", "count", "share"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a figure stands on: `rows` is how many of `of_what`; `computed_at` is None where nothing was.

    `policy` is that of what recurs; figures about use have none.
    """

    policy: Policy | None
    rows: int
    of_what: str
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One value, exact: `money` in minor units of `currency`, `count` as it is, `share` of 1.

    None where it cannot be computed; then `why_not` is the sentence that says why.
    """

    value: int | Fraction | None
    unit: Unit
    basis: Basis
    currency: str = "USD"
    why_not: str | None = None

    @property
    def text(self) -> str:
        """The value for a reader, rounded here only: `$1,234.50`, `1,234`, `4.2 %`; a dash for None."""
        if self.value is None:
            return "–"
        if self.unit == "money":
            return money.show(rounded(self.value), self.currency)
        return f"{self.value:,}" if self.unit == "count" else percent(self.value)


def rounded(value: int | Fraction) -> int:
    """Half up to a whole number: -2.5 -> -2, 2.5 -> 3."""
    return int((value + Fraction(1, 2)).__floor__())


def share_of(part: int, whole: int) -> Fraction | None:
    """A part of a whole, exact; None of nothing."""
    return Fraction(part, whole) if whole else None


def percent(share: int | Fraction) -> str:
    """A share of 1 with one decimal: 1/24 -> `4.2 %`."""
    tenths = rounded(1000 * abs(Fraction(share)))
    return f"{'−' if share < 0 else ''}{tenths // 10:,}.{tenths % 10} %"
