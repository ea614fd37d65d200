"""How much one member of staff may approve within 24 hours, and every try that was counted against it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Actor, Permission
from lib.core.errors import Refused
from lib.core.work import View, Work, query
from lib.models import Refund, RefundAttempt, RefundLimit, new_id
from lib.services.limits import WINDOW, hold_actor
from lib.services.limits import keep_refused as keep_refused

DEFAULT_LIMIT_CENTS: Final = 50_000
"""Per currency, where neither the person nor their role has a limit of their own."""


@dataclass(frozen=True, slots=True)
class LimitUse:
    """What an actor may approve in one currency within 24 hours, and how much of it is used up."""

    currency: str
    limit_cents: int
    used_cents: int

    @property
    def left_cents(self) -> int:
        """What can still be approved now."""
        return max(0, self.limit_cents - self.used_cents)


@query(Permission.REFUNDS_READ)
def mine(view: View) -> list[LimitUse]:
    """The reader's own limits and their use, by currency; empty for who may not decide on refunds."""
    if not view.actor.may(Permission.REFUNDS_DECIDE):
        return []
    limited = view.session.scalars(
        select(RefundLimit.currency).where(RefundLimit.holder.in_((view.actor.id, view.actor.role.value)))
    )
    tried = view.session.scalars(
        select(RefundAttempt.currency).where(
            RefundAttempt.admin_user_id == view.actor.id, RefundAttempt.at > view.now - WINDOW
        )
    )
    currencies = sorted({"USD", *limited, *tried})
    return [use_of(view.session, view.actor, currency, view.now) for currency in currencies]


def use_of(session: Session, actor: Actor, currency: str, now: datetime) -> LimitUse:
    """The actor's limit (their own, else their role's, else the default) and what they approved since."""
    limits = dict(
        session.execute(
            select(RefundLimit.holder, RefundLimit.limit_cents).where(
                RefundLimit.holder.in_((actor.id, actor.role.value)), RefundLimit.currency == currency
            )
        ).all()
    )
    used = session.scalar(
        select(func.coalesce(func.sum(RefundAttempt.amount_cents), 0)).where(
            RefundAttempt.admin_user_id == actor.id,
            RefundAttempt.currency == currency,
            RefundAttempt.at > now - WINDOW,
            RefundAttempt.allowed,
        )
    )
    limit = limits.get(actor.id, limits.get(actor.role.value, DEFAULT_LIMIT_CENTS))
    return LimitUse(currency, limit, int(used or 0))


def start_attempt(work: Work, refund: Refund, currency: str) -> RefundAttempt:
    """A try to approve, counted as refused until it is allowed.

    Holds the actor's own row, where there is one: of two approvals at the same moment the second waits, and
    sees what the first has used.
    """
    hold_actor(work)
    use = use_of(work.session, work.actor, currency, work.now)
    return RefundAttempt(
        id=new_id(),
        admin_user_id=work.actor.id,
        refund_id=refund.id,
        at=work.now,
        amount_cents=refund.refund_amount_cents,
        currency=currency,
        limit_cents=use.limit_cents,
        used_cents=use.used_cents,
        allowed=False,
    )


def check(attempt: RefundAttempt) -> None:
    """Raise Refused when the attempt would go beyond the limit."""
    left = max(0, attempt.limit_cents - attempt.used_cents)
    if attempt.amount_cents > left:
        limit, used = (
            money.show(cents, attempt.currency) for cents in (attempt.limit_cents, attempt.used_cents)
        )
        raise Refused(
            f"This goes beyond your limit: {limit} within 24 hours, of which {used} are used. Ask somebody "
            "with a higher limit to decide, or wait."
        )
