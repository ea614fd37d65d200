"""The lines of a month's close: what is frozen, as data, with the words for it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from lib.core import money
from lib.core.listing import Column

Section = Literal["recurring", "reported", "cash", "history"]
Unit = Literal["money", "count"]

DIFFERENCE_COLUMNS: Final = (
    Column("figure", "Figure"),
    Column("frozen_text", "Frozen", "figure"),
    Column("now_text", "Now", "figure"),
    Column("difference_text", "Difference", "figure"),
)
STANDING_COLUMNS: Final = (
    Column("figure", "Figure"),
    Column("now_text", "As it stands", "figure"),
)
SECTIONS: Final[Mapping[str, str]] = {
    "recurring": "Recurring revenue, annualised",
    "reported": "In the reporting currency, annualised",
    "cash": "Cash",
    "history": "Recurring revenue at the end of each month, annualised",
}
TITLES: Final[Mapping[str, str]] = {
    "opening_arr_cents": "Opening",
    "new_arr_cents": "New",
    "reactivation_arr_cents": "Reactivation",
    "expansion_arr_cents": "Expansion",
    "contraction_arr_cents": "Contraction",
    "churn_arr_cents": "Churn",
    "involuntary_churn_arr_cents": "of which payments that failed",
    "fx_arr_cents": "Exchange rates",
    "closing_arr_cents": "Closing",
    "opening_couples": "Couples at the start",
    "new_couples": "New couples",
    "reactivated_couples": "Reactivated couples",
    "expanded_couples": "Expanded couples",
    "contracted_couples": "Contracted couples",
    "churned_couples": "Churned couples",
    "involuntary_churned_couples": "of which payments that failed",
    "closing_couples": "Couples at the end",
    "closing_subscriptions": "Subscriptions at the end",
    "payments_cents": "Payments",
    "refunds_cents": "Refunds",
    "disputes_cents": "Disputes",
    "fees_cents": "Stripe's fees",
    "net_cents": "Net",
    "payments": "Number of payments",
    "refunds": "Number of refunds",
    "disputes": "Number of disputes",
}
LOSSES: Final = frozenset(
    {"contraction_arr_cents", "churn_arr_cents", "refunds_cents", "disputes_cents", "fees_cents"}
)
"""Amounts that are taken off: kept as more than nothing, and shown with a minus."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: `value` in annualised cents, cents or a count; None with the sentence that says why."""

    section: Section
    policy: str
    currency: str
    measure: str
    value: int | None
    why_not: str | None = None

    @property
    def unit(self) -> Unit:
        """Whether it is an amount of its currency, or a number."""
        return "money" if self.section == "history" or self.measure.endswith("_cents") else "count"

    @property
    def title(self) -> str:
        """What it is, in words."""
        return TITLES.get(self.measure, self.measure.replace("_", " ").capitalize())

    @property
    def text(self) -> str:
        """The value for a reader; a dash where it is not known."""
        if self.value is None:
            return "–"
        return money.show(self.value, self.currency) if self.unit == "money" else f"{self.value:,}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the line is about, whatever it says."""
        return self.section, self.policy, self.currency, self.measure


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure as it was frozen and as it would be now; `currency` is its amounts'."""

    section: Section
    policy: str
    currency: str
    measure: str
    figure: str
    unit: Unit
    frozen: int | None
    now: int | None
    remark: str | None

    @property
    def differs(self) -> bool:
        """Whether the two say something else."""
        return self.frozen != self.now

    @property
    def difference(self) -> int | None:
        """By how much it is more now; None where one of the two is not known."""
        return None if self.frozen is None or self.now is None else self.now - self.frozen

    @property
    def frozen_text(self) -> str:
        """The frozen value for a reader."""
        return self._text(self._signed(self.frozen))

    @property
    def now_text(self) -> str:
        """Today's value for a reader."""
        return self._text(self._signed(self.now))

    @property
    def difference_text(self) -> str:
        """The difference for a reader, with its sign."""
        if not self.differs:
            return "="
        found = self._signed(self.difference)
        return "–" if found is None else f"{'+' if found > 0 else ''}{self._text(found)}"

    def _signed(self, value: int | None) -> int | None:
        return -value if value is not None and self.measure in LOSSES else value

    def _text(self, value: int | None) -> str:
        if value is None:
            return "–"
        return money.show(value, self.currency) if self.unit == "money" else f"{value:,}".replace("-", "−")


def digest(month: date, lines: Iterable[Line]) -> str:
    """A digest of a month's lines: the same figures give the same one, whoever counted them, and when."""
    said = [[*line.key, line.value, line.why_not] for line in lines]
    text = json.dumps([month.isoformat(), said], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(frozen: Sequence[Line], now: Sequence[Line]) -> list[Difference]:
    """Frozen lines beside today's, in their order; what only one of the two has is None in the other.

    What stood at the ends of earlier months is context, not a figure of this one, and is left out.
    """
    today = {line.key: line for line in now}
    before = {line.key: line for line in frozen}
    both = [*frozen, *(line for line in now if line.key not in before)]
    return [
        Difference(
            line.section,
            line.policy,
            line.currency,
            line.measure,
            line.title,
            line.unit,
            before[line.key].value if line.key in before else None,
            today[line.key].value if line.key in today else None,
            (today.get(line.key) or line).why_not,
        )
        for line in both
        if line.section != "history"
    ]
