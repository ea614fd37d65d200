"""Limits: how much one member of staff may approve within 24 hours, and every try that counts against it.

An allowance is something that is limited: refunds, together with the credit that is given on invoices and
balances; and what is granted to couples. Its limits and its attempts stand in two tables of
its own. Any action that approves tries it first, so that a try which is refused is kept too:

    attempt = limits.attempt(work, limits.REFUNDS, refund.id, refund.refund_amount_cents, currency)
    ... whatever else may refuse it ...
    attempt.must_fit()

Attempts that were allowed count for 24 hours, whether what they approved is paid, under way or failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import STAFF_ROLES, Actor, Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.work import Work, action
from lib.models import (
    AdminUser,
    AttemptColumns,
    Base,
    CreditAttempt,
    CreditLimit,
    LimitColumns,
    RefundAttempt,
    RefundLimit,
    new_id,
)

WINDOW: Final = timedelta(hours=24)
_LONGEST_CURRENCY: Final = 3


@dataclass(frozen=True, slots=True)
class Allowance:
    """Something that staff may approve up to a limit.

    `needs`: who may approve it. `default_cents`: the limit per currency where neither the person nor their
    role has one. `attempts.<about>` is the column for the id of what was to be approved. `units`: what else
    than money it is counted in, with the default of each.
    """

    name: str
    title: str
    needs: Permission
    default_cents: int
    limits: type[LimitColumns]
    attempts: type[AttemptColumns]
    about: str
    units: Mapping[str, int] = field(default_factory=dict)

    def default_of(self, currency: str) -> int:
        """The limit in a currency, or another unit, where neither the person nor their role has one."""
        return self.units.get(currency, self.default_cents)

    @property
    def table(self) -> str:
        """The table of its limits, by which the audit names them."""
        return str(self.limits.__tablename__)


REFUNDS: Final = Allowance(
    "refunds",
    "Refunds, credit notes and credit balance",
    Permission.REFUNDS_DECIDE,
    50_000,
    RefundLimit,
    RefundAttempt,
    "refund_id",
)
GIVEN: Final = Allowance(
    "grants",
    "Grants of AI credits and add-ons",
    Permission.CREDITS_DECIDE,
    20_000,
    CreditLimit,
    CreditAttempt,
    "grant_id",
    {money.CREDITS: 500},
)
ALLOWANCES: Final[Mapping[str, Allowance]] = {each.name: each for each in (REFUNDS, GIVEN)}


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to approve an amount, with the actor's limit and its use before the try."""

    amount_cents: int
    use: LimitUse

    def must_fit(self) -> None:
        """Raise Refused when the amount goes beyond what is left of the limit."""
        if self.amount_cents > self.use.left_cents:
            limit, used, wanted = (
                money.show(cents, self.use.currency)
                for cents in (self.use.limit_cents, self.use.used_cents, self.amount_cents)
            )
            raise Refused(
                f"This goes beyond your limit: {limit} within 24 hours, of which {used} are used, and this "
                f"is {wanted}. Hand the decision on to somebody with a higher limit, or wait."
            )


def hold_actor(work: Work) -> None:
    """Hold the actor's own row of staff, where there is one, until the action ends.

    Of two decisions of one person at the same moment, on PostgreSQL too, the second waits, and then sees what
    the first has used.
    """
    work.session.execute(select(AdminUser.id).where(AdminUser.id == work.actor.id).with_for_update())


def attempt(work: Work, allowance: Allowance, about_id: str, amount_cents: int, currency: str) -> Attempt:
    """Begin a try to approve: it is kept whatever comes of the action, and counts once it was allowed.

    Holds the actor: of two approvals of theirs at the same moment the second waits.
    """
    hold_actor(work)
    use = use_of(work.session, allowance, work.actor, currency, work.now)
    key = new_id()

    def row(refusal: str | None) -> Base:
        return allowance.attempts(
            id=key,
            admin_user_id=work.actor.id,
            at=work.now,
            amount_cents=amount_cents,
            currency=currency,
            limit_cents=use.limit_cents,
            used_cents=use.used_cents,
            allowed=refusal is None,
            refusal=refusal,
            **{allowance.about: about_id},
        )

    work.keep(row)
    return Attempt(amount_cents, use)


def use_of(session: Session, allowance: Allowance, actor: Actor, currency: str, now: datetime) -> LimitUse:
    """The actor's limit (their own, else their role's, else the default) and what they approved since."""
    limits, attempts = allowance.limits, allowance.attempts
    known = dict(
        session.execute(
            select(limits.holder, limits.limit_cents).where(
                limits.holder.in_((actor.id, actor.role.value)), limits.currency == currency
            )
        ).all()
    )
    used = session.scalar(
        select(func.coalesce(func.sum(attempts.amount_cents), 0)).where(
            attempts.admin_user_id == actor.id,
            attempts.currency == currency,
            attempts.at > now - WINDOW,
            attempts.allowed,
        )
    )
    limit = known.get(actor.id, known.get(actor.role.value, allowance.default_of(currency)))
    return LimitUse(currency, limit, int(used or 0))


@action(Permission.STAFF_MANAGE)
def set_limit(
    work: Work, allowance: str, *, holder: str, currency: str, limit_cents: int, reason: str
) -> None:
    """Set how much a person (by e-mail) or everybody with a role may approve within 24 hours.

    Zero lets them approve nothing. Raises Invalid for an allowance, a currency or an amount that is none,
    NotFound for an unknown address, and Refused for one's own limit and that of one's own role.
    """
    limited = _known(allowance)
    code = _currency(limited, currency)
    if limit_cents < 0:
        raise Invalid("A limit is not below zero. Zero lets them approve nothing.")
    key = _holder(work, holder)
    work.about(limited.table, f"{key}:{code}")
    row = work.session.get(limited.limits, (key, code))
    if row is None:
        row = limited.limits(holder=key, currency=code, limit_cents=limit_cents)
        row.updated_at, row.updated_by = work.now, work.actor.email
        work.session.add(row)
        return
    row.limit_cents, row.updated_by = limit_cents, work.actor.email


@action(Permission.STAFF_MANAGE)
def remove_limit(work: Work, allowance: str, *, holder: str, currency: str, reason: str) -> None:
    """Take a limit away: a person then has their role's, a role the default.

    Raises as `set_limit` does, and NotFound where there is none.
    """
    limited = _known(allowance)
    code = _currency(limited, currency)
    key = _holder(work, holder)
    work.about(limited.table, f"{key}:{code}")
    row = work.session.get(limited.limits, (key, code))
    if row is None:
        raise NotFound(f"{holder} has no limit of their own in {code} that could be taken away.")
    work.session.delete(row)


def _known(allowance: str) -> Allowance:
    if allowance not in ALLOWANCES:
        raise Invalid(f"Limits exist for {', '.join(ALLOWANCES)}, not for “{allowance[:40]}”.")
    return ALLOWANCES[allowance]


def _currency(limited: Allowance, code: str) -> str:
    if code.strip().lower() in limited.units:
        return code.strip().lower()
    known = code.strip().upper()
    if len(known) != _LONGEST_CURRENCY or not known.isalpha() or not known.isascii():
        raise Invalid(f"“{code[:20]}” is not a currency. Write its three letters, such as USD.")
    return known


def _holder(work: Work, holder: str) -> str:
    """The key of whom a limit is for; nobody sets their own."""
    wanted = holder.strip().lower()
    if wanted in {role.value for role in STAFF_ROLES}:
        if wanted == work.actor.role.value:
            raise Refused("Nobody changes the limit of their own role. Set one for a person by e-mail.")
        return wanted
    key = work.session.scalar(select(AdminUser.id).where(AdminUser.email == wanted))
    if key is None:
        raise NotFound(
            f"Nobody with the address {holder[:60]} works here. Write an e-mail address of staff, or a role."
        )
    if key == work.actor.id:
        raise Refused("Nobody changes their own limit. Ask another admin.")
    return key
