"""What may become of a refund, a subscription, an event and an operation: their states, written down as data.

Each state has the states that may follow it, with what brings them about. The session of every action holds
refunds, events and operations to it (`lib.core.guard`): another move is a bug of ours, and nothing is written.
Subscriptions are Stripe's to move; theirs is what Stripe's own rules allow, and random histories are held to
it in tests. Rows of the app's may begin anywhere: a state that is not in a machine is not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Moves = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Machine:
    """The states of one table's rows.

    `moves`: state -> the states that may follow, each with what brings it about. `begins`: how a row of ours
    may come into being. `held`: whether our own writes are held to it.
    """

    table: str
    column: str
    begins: frozenset[str]
    moves: Moves
    held: bool = True

    def may(self, before: str, after: str) -> bool:
        """Whether a row may go from one state to another; what is not in the machine is not judged."""
        return before == after or before not in self.moves or after in self.moves[before]

    @property
    def ends(self) -> frozenset[str]:
        """The states that nothing follows."""
        return frozenset(state for state, following in self.moves.items() if not following)


REFUND: Final = Machine(
    "refunds",
    "status",
    # One that was made in Stripe's dashboard comes to us when it has succeeded.
    begins=frozenset({"pending", "processed"}),
    moves={
        "pending": {
            "approved": "somebody else approves it",
            "denied": "somebody else denies it",
            "processed": "Stripe has paid it already",
        },
        "approved": {
            "processed": "Stripe says that it succeeded",
            "denied": "its plan is given up before it was paid",
        },
        "processed": {"approved": "the bank sent the money back"},
        "denied": {"processed": "Stripe paid it all the same"},
    },
)

_ENDS: Final = {"canceled": "it ends"}
SUBSCRIPTION: Final = Machine(
    "subscriptions",
    "status",
    begins=frozenset({"incomplete", "trialing", "active"}),
    moves={
        "incomplete": {"active": "the first payment succeeds", "trialing": "a trial begins", **_ENDS},
        "trialing": {
            "active": "the trial ends and the payment succeeds",
            "past_due": "the trial ends and the payment fails",
            "paused": "the trial ends without a card, or it is paused",
            **_ENDS,
        },
        "active": {
            "past_due": "a payment fails",
            "paused": "it is paused for real",
            "trialing": "its next bill is put off",
            **_ENDS,
        },
        "past_due": {"active": "a payment succeeds", "paused": "it is paused for real", **_ENDS},
        "paused": {"active": "it is resumed", "past_due": "it is resumed and the payment fails", **_ENDS},
        "canceled": {},
    },
    held=False,
)

EVENT: Final = Machine(
    "admin_inbox",
    "state",
    begins=frozenset({"received", "ignored"}),
    moves={
        "received": {
            "applied": "our rows follow",
            "failed": "applying it fails",
            "unmatched": "no row of ours came",
            "parked": "it went on failing",
            "ignored": "somebody says why it does not matter",
        },
        "failed": {
            "applied": "our rows follow",
            "received": "no row of ours yet, or somebody replays it",
            "unmatched": "no row of ours came",
            "parked": "it went on failing",
            "ignored": "somebody says why it does not matter",
        },
        "unmatched": {
            "received": "somebody replays it",
            "applied": "our rows follow",
            "ignored": "somebody says why it does not matter",
        },
        "parked": {
            "received": "somebody replays it",
            "applied": "our rows follow",
            "ignored": "somebody says why it does not matter",
        },
        "applied": {"received": "somebody replays it"},
        "ignored": {"received": "somebody replays it"},
    },
)

OPERATION: Final = Machine(
    "admin_stripe_operations",
    "state",
    begins=frozenset({"prepared"}),
    moves={
        "prepared": {"sending": "a worker takes it", "failed": "its row was tampered with"},
        "sending": {
            "answered": "Stripe answers",
            "unknown": "no answer comes",
            "prepared": "Stripe turns it down for the moment",
            "failed": "its row was tampered with",
        },
        "unknown": {"sending": "a worker asks Stripe", "failed": "its row was tampered with"},
        "answered": {"done": "our rows follow", "failed": "Stripe said no"},
        "done": {},
        "failed": {},
    },
)

MACHINES: Final[Mapping[str, Machine]] = {
    machine.table: machine for machine in (REFUND, SUBSCRIPTION, EVENT, OPERATION)
}
