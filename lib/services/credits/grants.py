"""Grants: somebody asks for credits or an add-on on a couple's behalf, somebody else decides.

pending --approve--> given      the rows are written, once
pending --deny-----> denied
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Actor, Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, View, Work, action, digest, query
from lib.models import Addon, CreditGrant, Relationship, User, UserAddon, new_id
from lib.services import limits
from lib.services.credits.balance import add_movement

STATUSES: Final = ("pending", "given", "denied")
MOST_CREDITS: Final = 1_000
LONGEST_DAYS: Final = 730
DEFAULT_DAYS: Final = 365
_GIVEN_FOR: Final = "Given by our team"


@listing(
    Permission.CREDITS_READ,
    columns=(
        Column("requested_at", "Requested", "moment"),
        Column("what", "What", "code"),
        Column("credits", "Credits", "count"),
        Column("addon_name", "Add-on"),
        Column("worth_cents", "Worth", "money"),
        Column("person", "For"),
        Column("status", "Status", "status"),
        Column("requested_by_email", "Requested by"),
        Column("decided_by_email", "Decided by"),
        Column("relationship_id", "Couple", "id"),
        Column("id", "Grant", "id"),
    ),
)
def requests(*, status: str | None = "pending") -> AnySelect:
    """Grants in one status, or all: pending ones oldest first, others newest first. Raises Invalid."""
    is_credits = CreditGrant.what == "credits"
    statement: AnySelect = (
        select(
            CreditGrant.id,
            CreditGrant.requested_at,
            CreditGrant.what,
            case((is_credits, CreditGrant.amount)).label("credits"),
            Addon.addon_name,
            case((~is_credits, CreditGrant.amount)).label("worth_cents"),
            User.name.label("person"),
            CreditGrant.status,
            CreditGrant.requested_by_email,
            CreditGrant.decided_by_email,
            CreditGrant.relationship_id,
        )
        .outerjoin(Addon, Addon.id == CreditGrant.addon_id)
        .outerjoin(User, User.id == CreditGrant.user_id)
    )
    if status:
        if status not in STATUSES:
            raise Invalid(f"Grants are {', '.join(STATUSES)}, not “{status[:40]}”.")
        statement = statement.where(CreditGrant.status == status)
    if status == "pending":
        return statement.order_by(CreditGrant.requested_at, CreditGrant.id)
    return statement.order_by(CreditGrant.requested_at.desc(), CreditGrant.id.desc())


@dataclass(frozen=True, slots=True)
class GrantCase:
    """One grant with what a decision needs; `earlier`: what the couple was given in the 90 days before."""

    grant: CreditGrant
    digest: Digest
    worth: str
    person: str | None
    addon_name: str | None
    earlier: int
    why_not_decide: str | None


@query(Permission.CREDITS_READ)
def one(view: View, grant_id: str) -> GrantCase:
    """A grant, and whether the reader may decide on it; its person counts as opened. Raises NotFound."""
    grant = _get(view.session, grant_id)
    view.note_opening("users", grant.user_id)
    with view.revealing([grant.user_id]):
        person = view.session.scalar(select(User.name).where(User.id == grant.user_id))
    addon = view.session.get(Addon, grant.addon_id) if grant.addon_id else None
    earlier = view.session.scalars(
        select(CreditGrant.id).where(
            CreditGrant.relationship_id == grant.relationship_id,
            CreditGrant.status == "given",
            CreditGrant.requested_at > grant.requested_at - timedelta(days=90),
            CreditGrant.id != grant.id,
        )
    ).all()
    return GrantCase(
        grant,
        digest(grant),
        money.show(grant.amount, grant.unit),
        person,
        addon.addon_name if addon else None,
        len(earlier),
        _why_not_decide(grant, view.actor),
    )


@query(Permission.CREDITS_READ)
def addons_to_give(view: View) -> dict[str, str]:
    """The add-ons of the price list that are on sale: id to name."""
    rows = view.session.execute(
        select(Addon.id, Addon.addon_name).where(Addon.is_active.is_(True)).order_by(Addon.addon_name)
    )
    return dict(rows.all())


@action(Permission.CREDITS_REQUEST)
def request_credits(
    work: Work,
    couple_id: str,
    *,
    for_user: str,
    amount: int,
    lasts_days: int = DEFAULT_DAYS,
    reason: str,
) -> str:
    """Ask for AI credits for a couple; gives the grant's id. Somebody else decides.

    `lasts_days`: after how many days what is left expires. Raises NotFound without such a couple, Invalid for
    an amount or a time out of bounds, Refused for somebody who is no partner, for a couple that has ended,
    and when the actor asked for the very same already and it still waits.
    """
    if not 1 <= amount <= MOST_CREDITS:
        raise Invalid(f"A grant is of 1 to {MOST_CREDITS:,} credits.")
    if not 1 <= lasts_days <= LONGEST_DAYS:
        raise Invalid(f"Credits last 1 to {LONGEST_DAYS} days.")
    wanted = CreditGrant(what="credits", amount=amount, unit=money.CREDITS, lasts_days=lasts_days)
    return _request(work, couple_id, for_user, wanted, reason)


@action(Permission.CREDITS_REQUEST)
def request_addon(work: Work, couple_id: str, *, for_user: str, addon_id: str, reason: str) -> str:
    """Ask for an add-on for a couple, once and free of charge; gives the grant's id. Raises as above."""
    addon = work.session.get(Addon, addon_id)
    if addon is None or not addon.is_active:
        raise NotFound(f"There is no add-on “{addon_id[:40]}” on sale.")
    if addon.price_cents <= 0:
        raise Invalid("This add-on has no price, so there is nothing to give.")
    wanted = CreditGrant(what="add_on", amount=addon.price_cents, unit="USD", addon_id=addon.id)
    return _request(work, couple_id, for_user, wanted, reason)


@action(Permission.CREDITS_DECIDE, about="admin_credit_grants")
def approve(work: Work, grant_id: str, *, shown: Digest, reason: str) -> str:
    """Give what was asked for: the couple has it at once; gives the id of the row that was written.

    Every try is kept, also one that is refused. Raises Refused when the grant changed since it was shown, is
    decided already, was asked for by the actor, when the actor's 24-hour limit is used up, or when the couple
    is gone.
    """
    grant = _get(work.session, grant_id)
    attempt = limits.attempt(work, limits.GIVEN, grant.id, grant.amount, grant.unit)
    _must_decide(work, grant, shown)
    attempt.must_fit()
    grant.row_id = _write(work, grant)
    _decide(work, grant, "given", reason)
    return grant.row_id


@action(Permission.CREDITS_DECIDE, about="admin_credit_grants")
def deny(work: Work, grant_id: str, *, shown: Digest, reason: str) -> None:
    """Deny a grant; the reason is kept with it.

    Raises Refused when it changed since it was shown, is decided already, or was asked for by the actor.
    """
    grant = _get(work.session, grant_id)
    _must_decide(work, grant, shown)
    _decide(work, grant, "denied", reason)


def _request(work: Work, couple_id: str, for_user: str, wanted: CreditGrant, reason: str) -> str:
    couple = work.session.get(Relationship, couple_id)
    if couple is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    if couple.status == "ended":
        raise Refused("This couple has ended, so nothing is given to it any more.")
    if for_user not in (couple.user_1_id, couple.user_2_id):
        raise Refused("Credits and add-ons are given to one of the two partners.")
    same = work.session.scalar(
        select(CreditGrant.id).where(
            CreditGrant.relationship_id == couple_id,
            CreditGrant.status == "pending",
            CreditGrant.what == wanted.what,
            CreditGrant.amount == wanted.amount,
            CreditGrant.addon_id == wanted.addon_id if wanted.addon_id else CreditGrant.addon_id.is_(None),
            CreditGrant.requested_by == work.actor.id,
        )
    )
    if same is not None:
        raise Refused("You have asked for this already, and it waits for a decision.")
    wanted.id = new_id()
    wanted.relationship_id, wanted.user_id = couple_id, for_user
    wanted.status, wanted.reason = "pending", reason.strip()
    wanted.requested_by, wanted.requested_by_email = work.actor.id, work.actor.email
    wanted.requested_at = work.now
    work.session.add(wanted)
    work.about("admin_credit_grants", wanted.id)
    work.about("relationships", couple_id)
    return wanted.id


def _write(work: Work, grant: CreditGrant) -> str:
    couple = work.session.get(Relationship, grant.relationship_id, with_for_update=True)
    if couple is None or work.session.get(User, grant.user_id) is None:
        raise Refused("The couple that this was asked for does not exist any more.")
    if grant.what == "credits":
        expires_at = work.now + timedelta(days=grant.lasts_days or DEFAULT_DAYS)
        return add_movement(
            work,
            grant.relationship_id,
            grant.user_id,
            "grant",
            grant.amount,
            words=_GIVEN_FOR,
            expires_at=expires_at,
        )
    assert grant.addon_id is not None, "a grant of an add-on names it"
    given = UserAddon(
        id=new_id(),
        relationship_id=grant.relationship_id,
        user_id=grant.user_id,
        addon_id=grant.addon_id,
        status="active",
        price_cents=0,
        billing_period="one_time",
        purchase_date=work.now,
        created_at=work.now,
        updated_at=work.now,
    )
    work.session.add(given)
    return given.id


def _must_decide(work: Work, grant: CreditGrant, shown: Digest) -> None:
    work.expect(grant, shown)
    if why := _why_not_decide(grant, work.actor):
        raise Refused(why)


def _decide(work: Work, grant: CreditGrant, status: str, reason: str) -> None:
    grant.status, grant.decision = status, reason.strip()
    grant.decided_by, grant.decided_by_email = work.actor.id, work.actor.email
    grant.decided_at = work.now


def _why_not_decide(grant: CreditGrant, actor: Actor) -> str | None:
    if grant.status != "pending":
        return f"This grant is {grant.status} already; only a pending one can be decided."
    if grant.requested_by == actor.id:
        return "You asked for this grant yourself, so somebody else has to decide on it."
    return None if actor.may(Permission.CREDITS_DECIDE) else "Your role does not decide on grants."


def _get(session: Session, grant_id: str) -> CreditGrant:
    grant = session.get(CreditGrant, grant_id)
    if grant is None:
        raise NotFound(f"There is no grant “{grant_id[:40]}”.")
    return grant
