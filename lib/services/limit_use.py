"""Who may approve how much, who used how much of it within 24 hours, and every try: to look at."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, select

from lib.core.access import GRANTS, STAFF_ROLES, Permission, Role
from lib.core.errors import NotAllowed
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import View, query
from lib.models import AdminUser
from lib.services.limits import ALLOWANCES, GIVEN, REFUNDS, WINDOW, Allowance, LimitUse, use_of

HOLDER_COLUMNS: Final = (
    Column("holder", "Who"),
    Column("role", "Role", "code"),
    Column("limit_cents", "Limit within 24 h", "money"),
    Column("source", "Whose it is"),
    Column("used_cents", "Used", "money"),
    Column("left_cents", "Left", "money"),
    Column("refused", "Refused tries", "count"),
    Column("free_at", "Next part free again", "moment"),
)


@dataclass(frozen=True, slots=True)
class Holder:
    """One person's limit in one currency, where it comes from, and what is used of it."""

    holder: str
    role: str
    currency: str
    limit_cents: int
    source: str
    used_cents: int
    left_cents: int
    refused: int
    free_at: datetime | None


@query(Permission.HOME_READ)
def mine(view: View, allowance: str) -> list[LimitUse]:
    """The reader's own limits for something and their use, by currency; empty for who may not approve it."""
    limited = ALLOWANCES[allowance]
    if not view.actor.may(limited.needs):
        return []
    limits, attempts = limited.limits, limited.attempts
    known = view.session.scalars(
        select(limits.currency).where(limits.holder.in_((view.actor.id, view.actor.role.value)))
    )
    tried = view.session.scalars(
        select(attempts.currency).where(
            attempts.admin_user_id == view.actor.id, attempts.at > view.now - WINDOW
        )
    )
    return [
        use_of(view.session, limited, view.actor, currency, view.now)
        for currency in _in_order(limited, {*known, *tried})
    ]


@query(Permission.HOME_READ)
def holders(view: View, allowance: str) -> list[Holder]:
    """Everybody who may approve something, with their limit and its use within 24 hours. Three statements.

    Raises NotAllowed for a reader who may not approve it themselves.
    """
    limited = ALLOWANCES[allowance]
    if not view.actor.may(limited.needs):
        raise NotAllowed(f"Your role ({view.actor.role}) does not see who may approve what.")
    people = view.session.execute(
        select(AdminUser.id, AdminUser.email, AdminUser.role)
        .where(AdminUser.is_active, AdminUser.role.in_(_deciding(limited)))
        .order_by(AdminUser.email)
    ).all()
    limits = {
        (row.holder, row.currency): row.limit_cents
        for row in view.session.execute(
            select(limited.limits.holder, limited.limits.currency, limited.limits.limit_cents)
        )
    }
    used = {(row.admin_user_id, row.currency): row for row in _used(view, limited)}
    return [holder for person in people for holder in _holders_of(person, limited, limits, used)]


def _tried(about: Column) -> tuple[Column, ...]:
    return (
        Column("at", "When", "moment"),
        Column("who", "Who"),
        Column("amount_cents", "Amount", "money"),
        Column("allowed", "Allowed", "flag"),
        Column("refusal", "Why not"),
        Column("limit_cents", "Limit then", "money"),
        Column("used_cents", "Used then", "money"),
        about,
    )


@listing(Permission.REFUNDS_DECIDE, columns=_tried(Column("refund_id", "Refund or credit", "id")))
def refund_attempts() -> AnySelect:
    """Every try to approve a refund or to give credit, newest first, with the limit as it was then."""
    return _attempts(REFUNDS)


@listing(Permission.CREDITS_DECIDE, columns=_tried(Column("grant_id", "Grant", "id")))
def grant_attempts() -> AnySelect:
    """Every try to give a grant, newest first, with the limit as it was then."""
    return _attempts(GIVEN)


def _attempts(limited: Allowance) -> AnySelect:
    attempts = limited.attempts
    return (
        select(
            attempts.id,
            attempts.at,
            func.coalesce(AdminUser.email, attempts.admin_user_id).label("who"),
            attempts.amount_cents.label("amount_cents"),
            attempts.currency.label("currency"),
            attempts.allowed,
            attempts.refusal,
            attempts.limit_cents.label("limit_cents"),
            attempts.used_cents.label("used_cents"),
            getattr(attempts, limited.about),
        )
        .outerjoin(AdminUser, AdminUser.id == attempts.admin_user_id)
        .order_by(attempts.at.desc(), attempts.id.desc())
    )


def _in_order(limited: Allowance, found: Set[str]) -> list[str]:
    """Other units first, then currencies: those that always count, and what was found besides."""
    return [*limited.units, *sorted({"USD", *found} - limited.units.keys())]


def _deciding(limited: Allowance) -> tuple[str, ...]:
    return tuple(role.value for role in STAFF_ROLES if limited.needs in GRANTS[Role(role)])


def _used(view: View, limited: Allowance) -> list[AnyRow]:
    attempts = limited.attempts
    return list(
        view.session.execute(
            select(
                attempts.admin_user_id,
                attempts.currency,
                func.sum(case((attempts.allowed, attempts.amount_cents), else_=0)).label("cents"),
                func.sum(case((attempts.allowed, 0), else_=1)).label("refused"),
                func.min(case((attempts.allowed, attempts.at))).label("first_at"),
            )
            .where(attempts.at > view.now - WINDOW)
            .group_by(attempts.admin_user_id, attempts.currency)
        )
    )


def _holders_of(
    person: AnyRow,
    limited: Allowance,
    limits: Mapping[tuple[str, str], int],
    used: Mapping[tuple[str, str], Any],
) -> Iterator[Holder]:
    own = {currency for key, currency in (*limits, *used) if key in {person.id, person.role}}
    for currency in _in_order(limited, own):
        limit, source = limited.default_of(currency), "the default"
        for key, name in ((person.role, f"of {person.role}"), (person.id, "their own")):
            if (key, currency) in limits:
                limit, source = limits[key, currency], name
        row = used.get((person.id, currency))
        cents = int(row.cents) if row else 0
        yield Holder(
            holder=person.email,
            role=person.role,
            currency=currency,
            limit_cents=limit,
            source=source,
            used_cents=cents,
            left_cents=max(0, limit - cents),
            refused=int(row.refused) if row else 0,
            free_at=row.first_at + WINDOW if row and row.first_at else None,
        )
