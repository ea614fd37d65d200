"""One movement of ours beside Stripe's: pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from lib.payments.balance.moves import CURRENCY, Move
from lib.payments.gateway.listed import BalanceTransaction

State = Literal["matched", "other_month", "amount_differs", "only_ours", "only_theirs", "no_payment"]
STATES: Final[Mapping[State, str]] = {
    "matched": "The same amount here and at Stripe, in this month.",
    "other_month": "The same amount, which our row has in another month.",
    "amount_differs": "Known on both sides, and not the same amount.",
    "only_ours": "Here, and not in Stripe's balance of this month.",
    "only_theirs": "In Stripe's balance, and no row of ours is about it.",
    "no_payment": "No payment: Stripe's own fees and what was paid out to the bank.",
}

_BOTH_SIDES: Final = frozenset({"matched", "other_month", "amount_differs"})
_KINDS: Final = {
    "ch": "payment",
    "py": "payment",
    "re": "refund",
    "pyr": "refund",
    "dp": "dispute",
    "du": "dispute",
    "po": "payout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """What one object moved in a month, here and at Stripe; the columns of `admin_reconciled_payments`."""

    object_id: str
    kind: str
    state: State
    payment_id: str | None
    currency: str
    ours_cents: int | None
    theirs_cents: int | None
    settled_currency: str | None
    fee_cents: int | None
    net_cents: int | None
    moved_at: datetime


def kind_of(object_id: str | None) -> str:
    """What Stripe's id names: `ch_…` a payment, `re_…` a refund, `dp_…` a dispute, `po_…` a payout."""
    return _KINDS.get((object_id or "").partition("_")[0], "other")


def of_transaction(one: BalanceTransaction, now: datetime) -> Tie:
    """What one movement of the balance says by itself, as long as no row of ours is beside it."""
    object_id = one.source_id or one.id
    kind = kind_of(one.source_id)
    settled = (one.currency or CURRENCY).upper()
    currency, cents = settled, one.amount
    if one.source_currency and one.source_amount is not None and one.source_currency.upper() != settled:
        # Taken in another currency than the balance's: our row has what the payer saw.
        currency = one.source_currency.upper()
        cents = one.source_amount if one.amount >= 0 else -one.source_amount
    return Tie(
        object_id=object_id,
        kind=kind,
        state="only_theirs" if kind in {"payment", "refund", "dispute"} else "no_payment",
        payment_id=None,
        currency=currency,
        ours_cents=None,
        theirs_cents=cents,
        settled_currency=settled,
        fee_cents=one.fee,
        net_cents=one.net,
        moved_at=one.created or now,
    )


def added(first: Tie, second: Tie) -> Tie:
    """Two movements of one object as one, such as a refund and its failure; ours is the same row in both."""
    theirs = (first.theirs_cents or 0) + (second.theirs_cents or 0)
    state = first.state
    if state in _BOTH_SIDES:
        alike: State = "other_month" if state == "other_month" else "matched"
        state = alike if theirs == first.ours_cents else "amount_differs"
    return replace(
        first,
        state=state,
        theirs_cents=theirs,
        fee_cents=(first.fee_cents or 0) + (second.fee_cents or 0),
        net_cents=(first.net_cents or 0) + (second.net_cents or 0),
        moved_at=min(first.moved_at, second.moved_at),
    )


def summed(ties: Iterable[Tie]) -> dict[str, Tie]:
    """Movements by the object that moved them."""
    found: dict[str, Tie] = {}
    for tie in ties:
        known = found.get(tie.object_id)
        found[tie.object_id] = tie if known is None else added(known, tie)
    return found


def beside(tie: Tie, ours: Move | None, start: datetime, end: datetime) -> Tie:
    """The movement beside our row, if we have one."""
    if ours is None:
        return tie
    same = (ours.cents, ours.currency) == (tie.theirs_cents, tie.currency)
    # What came to nothing on both sides, such as a refund that failed, belongs to no month.
    here = ours.cents == 0 or (ours.moved_at is not None and start <= ours.moved_at < end)
    state: State = "amount_differs" if not same else "matched" if here else "other_month"
    cents = ours.cents if ours.currency == tie.currency else None
    return replace(tie, state=state, payment_id=ours.payment_id, ours_cents=cents)


def only_ours(ours: Move, now: datetime) -> Tie:
    """A row of ours that Stripe's balance of the month does not have."""
    return Tie(
        object_id=ours.object_id,
        kind=ours.kind,
        state="only_ours",
        payment_id=ours.payment_id,
        currency=ours.currency,
        ours_cents=ours.cents,
        theirs_cents=None,
        settled_currency=None,
        fee_cents=None,
        net_cents=None,
        moved_at=ours.moved_at or now,
    )
