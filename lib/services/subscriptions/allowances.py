"""What each role may give away by itself: the one place where it says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core.access import Actor, Permission, Role
from lib.core.errors import Refused
from lib.core.work import View, query
from lib.models import Goodwill, Operation

WINDOW: Final = timedelta(days=365)
"""Free months are counted over so long, whoever gave them."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`free_months`: so many may a couple get within a year. `trial_days`: so far away may a trial end."""

    free_months: int
    trial_days: int


ALLOWANCES: Final[Mapping[Role, Allowance]] = {
    Role.SUPPORT: Allowance(free_months=1, trial_days=30),
    Role.FINANCE: Allowance(free_months=3, trial_days=90),
    Role.ADMIN: Allowance(free_months=3, trial_days=90),
}
_NOTHING: Final = Allowance(free_months=0, trial_days=0)


@dataclass(frozen=True, slots=True)
class Left:
    """What the reader may still give to one couple: of `free_months` within a year `given` are used."""

    free_months: int
    given: int
    trial_until: date

    @property
    def months(self) -> int:
        """How many free months can be given now."""
        return max(0, self.free_months - self.given)


@query(Permission.SUBSCRIPTIONS_READ)
def left(view: View, relationship_id: str) -> Left:
    """What the reader may still give to a couple."""
    allowance = allowance_of(view.actor)
    return Left(
        allowance.free_months,
        given_months(view.session, relationship_id, view.now),
        (view.now + timedelta(days=allowance.trial_days)).date(),
    )


def allowance_of(actor: Actor) -> Allowance:
    """What an actor may give away; nothing for a role that is not in the table."""
    return ALLOWANCES.get(actor.role, _NOTHING)


def given_months(session: Session, relationship_id: str, now: datetime) -> int:
    """The free months that a couple got within a year; what is under way counts, what failed does not."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Goodwill.months), 0))
            .join(Operation, Operation.id == Goodwill.operation_id)
            .where(
                Goodwill.relationship_id == relationship_id,
                Goodwill.kind == "free_months",
                Goodwill.given_at > now - WINDOW,
                Operation.state != "failed",
            )
        )
        or 0
    )


def check_months(session: Session, actor: Actor, relationship_id: str, months: int, now: datetime) -> None:
    """Raise Refused when these months would be more than the actor may give to the couple."""
    limit = allowance_of(actor).free_months
    given = given_months(session, relationship_id, now)
    if given + months > limit:
        raise Refused(
            f"Your role ({actor.role}) may give a couple {counted(limit)} within a year, and this one got "
            f"{counted(given)}. Ask somebody who may give more."
        )


def counted(months: int) -> str:
    """A number of months in words: `1 month`, `3 months`."""
    return f"{months} month{'' if months == 1 else 's'}"
