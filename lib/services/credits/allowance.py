"""How much one member of staff may give within 24 hours, and every try that was counted against it.

Credits and add-ons are counted apart: an allowance is in credits, or in minor units of a currency.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Actor, Permission
from lib.core.errors import Refused
from lib.core.work import View, Work, query
from lib.models import CreditAttempt, CreditGrant, CreditLimit, new_id
from lib.services.limits import WINDOW, hold_actor

CREDITS: Final = "credits"
DEFAULT_CREDITS: Final = 500
DEFAULT_CENTS: Final = 20_000
"""Per currency, where neither the person nor their role has a limit of their own."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an actor may give of one unit within 24 hours, and how much of it is used up."""

    unit: str
    most: int
    used: int

    @property
    def left(self) -> int:
        """What can still be given now."""
        return max(0, self.most - self.used)


@query(Permission.CREDITS_READ)
def mine(view: View) -> list[Allowance]:
    """The reader's own allowances, credits first; empty for who may not decide on grants."""
    if not view.actor.may(Permission.CREDITS_DECIDE):
        return []
    tried = view.session.scalars(
        select(CreditAttempt.unit).where(
            CreditAttempt.admin_user_id == view.actor.id, CreditAttempt.at > view.now - WINDOW
        )
    )
    units = [CREDITS, *sorted({"USD", *tried} - {CREDITS})]
    return [allowance_of(view.session, view.actor, unit, view.now) for unit in units]


def allowance_of(session: Session, actor: Actor, unit: str, now: datetime) -> Allowance:
    """The actor's limit (their own, else their role's, else the default) and what they gave since."""
    limits = dict(
        session.execute(
            select(CreditLimit.holder, CreditLimit.most).where(
                CreditLimit.holder.in_((actor.id, actor.role.value)), CreditLimit.unit == unit
            )
        ).all()
    )
    used = session.scalar(
        select(func.coalesce(func.sum(CreditAttempt.amount), 0)).where(
            CreditAttempt.admin_user_id == actor.id,
            CreditAttempt.unit == unit,
            CreditAttempt.at > now - WINDOW,
            CreditAttempt.allowed,
        )
    )
    default = DEFAULT_CREDITS if unit == CREDITS else DEFAULT_CENTS
    return Allowance(unit, limits.get(actor.id, limits.get(actor.role.value, default)), int(used or 0))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to give an amount, with the actor's allowance before it."""

    amount: int
    allowance: Allowance

    def must_fit(self) -> None:
        """Raise Refused when the amount goes beyond what is left."""
        if self.amount > self.allowance.left:
            most, used = (
                in_words(amount, self.allowance.unit) for amount in (self.allowance.most, self.allowance.used)
            )
            raise Refused(
                f"This goes beyond your limit: {most} within 24 hours, of which {used} are used. Ask "
                "somebody with a higher limit to decide, or wait."
            )


def attempt(work: Work, grant: CreditGrant) -> Attempt:
    """Begin a try to give: it is kept whatever comes of the action, and counts once it was allowed."""
    hold_actor(work)
    allowance = allowance_of(work.session, work.actor, grant.unit, work.now)
    key, grant_id, amount = new_id(), grant.id, grant.amount

    def row(refusal: str | None) -> CreditAttempt:
        return CreditAttempt(
            id=key,
            admin_user_id=work.actor.id,
            grant_id=grant_id,
            at=work.now,
            amount=amount,
            unit=allowance.unit,
            most=allowance.most,
            used=allowance.used,
            allowed=refusal is None,
            refusal=refusal,
        )

    work.keep(row)
    return Attempt(amount, allowance)


def in_words(amount: int, unit: str) -> str:
    """An amount for a reader: `50 credits`, `$12.00`."""
    return f"{amount:,} credits" if unit == CREDITS else money.show(amount, unit)
