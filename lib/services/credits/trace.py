"""Which purchase or grant funded which use: first in, first out, computed from a couple's movements.

Production writes the balance after each movement and nothing about where credits came from. So the rule is
ours: a use takes from the oldest credits that are left. What has run out takes first from those whose day has
come; what was taken back for a refund, from the purchase of the same payment.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One row of the ledger. `amount` is signed; `stored` is the balance that the app wrote after it."""

    id: str
    at: datetime | None
    kind: str
    amount: int
    stored: int
    expires_at: datetime | None = None
    payment: str | None = None
    price_cents: int | None = None
    words: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """So many credits of one purchase or grant."""

    lot: str
    credits: int


@dataclass(slots=True)
class Line:
    """A movement with what follows from all before it.

    `balance`: the sum so far. `funded_by`: whose credits it took, oldest first. `unfunded`: credits that it
    took although none were left. `left`: what is left of the credits that it brought.
    """

    movement: Movement
    balance: int
    funded_by: list[Share] = field(default_factory=list)
    unfunded: int = 0
    left: int = 0

    @property
    def difference(self) -> int:
        """How far the stored balance is from the sum; 0 where the two agree."""
        return self.movement.stored - self.balance


def trace(movements: Iterable[Movement]) -> list[Line]:
    """The ledger of one couple, oldest first; of one moment, what came in before what went out."""
    lines: list[Line] = []
    lots: list[Line] = []
    balance = 0
    for movement in sorted(movements, key=_order):
        balance += movement.amount
        line = Line(movement, balance)
        if movement.amount > 0:
            line.left = movement.amount
            lots.append(line)
        else:
            line.unfunded = _take(line, _candidates(lots, movement), -movement.amount)
        lines.append(line)
    return lines


def _order(movement: Movement) -> tuple[datetime, bool, str]:
    return movement.at or _BEGINNING, movement.amount < 0, movement.id


def _candidates(lots: list[Line], movement: Movement) -> Iterator[Line]:
    """The lots that a movement takes from, in its order; a lot may come twice, and is empty then."""
    if movement.kind == "refund" and movement.payment is not None:
        yield from (lot for lot in lots if lot.movement.payment == movement.payment)
    if movement.kind == "expiration" and movement.at is not None:
        yield from (
            lot
            for lot in lots
            if lot.movement.expires_at is not None and lot.movement.expires_at <= movement.at
        )
    yield from lots


def _take(line: Line, lots: Iterator[Line], wanted: int) -> int:
    """Take from the lots until enough is taken; gives how much was not there."""
    for lot in lots:
        taken = min(lot.left, wanted)
        if taken:
            lot.left -= taken
            wanted -= taken
            line.funded_by.append(Share(lot.movement.id, taken))
        if not wanted:
            break
    return wanted
