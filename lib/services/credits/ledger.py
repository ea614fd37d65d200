"""The AI-credit ledger: movements of everybody, and one couple's with a check of the stored balance."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, query
from lib.models import AiCredit, Relationship, User, sortable
from lib.services.couples import shown_when_revealed
from lib.services.credits.trace import Line, Movement, Share, trace

KINDS: Final = ("purchase", "grant", "usage", "expiration", "refund")
EXPIRES_SOON: Final = timedelta(days=30)

LINE_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("kind", "What", "status"),
    Column("amount", "Credits", "count"),
    Column("balance", "Balance", "count"),
    Column("stored", "Stored by the app", "count"),
    Column("difference", "Difference", "count"),
    Column("paid_by", "Paid by credits of"),
    Column("left", "Left of it", "count"),
    Column("price_cents", "Price", "money"),
    Column("expires_at", "Expires", "moment"),
    Column("words", "For"),
    Column("id", "Movement", "id"),
)


@listing(
    Permission.CREDITS_READ,
    columns=(
        Column("created_at", "When", "moment"),
        Column("transaction_type", "What", "status"),
        Column("credits_amount", "Credits", "count"),
        Column("credits_balance", "Balance after", "count"),
        Column("purchase_price_cents", "Price", "money"),
        Column("person", "Person"),
        Column("expires_at", "Expires", "moment"),
        Column("stripe_payment_id", "Stripe payment", "id"),
        Column("relationship_id", "Couple", "id"),
        Column("id", "Movement", "id"),
    ),
)
def movements(*, kind: str | None = None, q: str = "") -> AnySelect:
    """Movements of all couples, newest first; `q` is an id of the couple, the person, or Stripe's payment.

    Raises Invalid for a kind that there is none of.
    """
    statement: AnySelect = (
        select(
            AiCredit.id,
            AiCredit.created_at,
            AiCredit.transaction_type,
            AiCredit.credits_amount,
            AiCredit.credits_balance,
            AiCredit.purchase_price_cents,
            AiCredit.user_id,
            User.name.label("person"),
            AiCredit.expires_at,
            AiCredit.stripe_payment_id,
            AiCredit.relationship_id,
        )
        .outerjoin(User, User.id == AiCredit.user_id)
        .order_by(sortable(AiCredit.created_at).desc(), AiCredit.id.desc())
    )
    if kind:
        if kind not in KINDS:
            raise Invalid(f"Credits move by {', '.join(KINDS)}, not “{kind[:40]}”.")
        statement = statement.where(AiCredit.transaction_type == kind)
    if q.strip():
        keys = (AiCredit.relationship_id, AiCredit.user_id, AiCredit.stripe_payment_id)
        statement = statement.where(or_(*(key == q.strip() for key in keys)))
    return statement


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line for a reader; `paid_by` says in words which purchases or grants a use took from."""

    id: str
    at: datetime | None
    kind: str
    amount: int
    balance: int
    stored: int
    difference: int | None
    paid_by: str | None
    left: int | None
    price_cents: int | None
    expires_at: datetime | None
    words: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A couple's AI credits. `lines` newest first.

    `balance` is the sum of all movements, `stored` what the app wrote last; they should be one. `expiring`
    credits run out within 30 days, `expired` ones should have run out and have not. `unfunded` were used
    although none were left.
    """

    couple_id: str
    lines: tuple[LedgerLine, ...]
    balance: int
    stored: int
    bought: int
    granted: int
    used: int
    expiring: int
    expired: int
    unfunded: int

    @property
    def oddities(self) -> tuple[str, ...]:
        """What does not add up, as sentences."""
        found = []
        if self.stored != self.balance:
            found.append(
                f"The app's balance is {self.stored:,}; its own movements add up to {self.balance:,}. "
                f"Difference: {self.stored - self.balance:+,}."
            )
        if self.unfunded:
            found.append(f"{self.unfunded:,} credits were used although none were left.")
        if self.expired:
            found.append(f"{self.expired:,} credits are past their day and still count.")
        return tuple(found)


@query(Permission.CREDITS_READ)
@shown_when_revealed
def of_couple(view: View, couple_id: str) -> Ledger:
    """A couple's ledger, traced and checked; raises NotFound without such a couple. Four statements."""
    if view.session.get(Relationship, couple_id) is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    lines = trace(movements_of(view.session, couple_id))
    lots = {line.movement.id: line.movement for line in lines if line.movement.amount > 0}
    soon = view.now + EXPIRES_SOON
    dated = [(line.left, line.movement.expires_at) for line in lines if line.left]
    return Ledger(
        couple_id,
        tuple(_shown(line, lots) for line in reversed(lines)),
        balance=lines[-1].balance if lines else 0,
        stored=lines[-1].movement.stored if lines else 0,
        bought=_sum(lines, "purchase"),
        granted=_sum(lines, "grant"),
        used=-_sum(lines, "usage"),
        expiring=sum(left for left, day in dated if day is not None and view.now < day <= soon),
        expired=sum(left for left, day in dated if day is not None and day <= view.now),
        unfunded=sum(line.unfunded for line in lines),
    )


def movements_of(session: Session, couple_id: str) -> list[Movement]:
    """Every movement of a couple, in one statement."""
    rows = session.scalars(select(AiCredit).where(AiCredit.relationship_id == couple_id))
    return [
        Movement(
            id=row.id,
            at=row.created_at,
            kind=row.transaction_type,
            amount=row.credits_amount,
            stored=row.credits_balance,
            expires_at=row.expires_at,
            payment=row.stripe_payment_id,
            price_cents=row.purchase_price_cents,
            words=row.usage_description,
            user_id=row.user_id,
        )
        for row in rows
    ]


def _sum(lines: list[Line], kind: str) -> int:
    return sum(line.movement.amount for line in lines if line.movement.kind == kind)


def _shown(line: Line, lots: dict[str, Movement]) -> LedgerLine:
    movement = line.movement
    parts = [_share(share, lots[share.lot]) for share in line.funded_by]
    if line.unfunded:
        parts.append(f"{line.unfunded} of nothing")
    return LedgerLine(
        movement.id,
        movement.at,
        movement.kind,
        movement.amount,
        line.balance,
        movement.stored,
        line.difference or None,
        ", ".join(parts) or None,
        line.left if movement.amount > 0 else None,
        movement.price_cents,
        movement.expires_at,
        movement.words,
    )


def _share(share: Share, lot: Movement) -> str:
    """`5 of the purchase of 2026-05-01`."""
    day = f" of {lot.at:%Y-%m-%d}" if lot.at else ""
    return f"{share.credits} of the {lot.kind}{day}"
