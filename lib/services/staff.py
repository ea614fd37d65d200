"""Staff: who works here, and in which role.

    (unknown) --grant--> active --revoke--> withdrawn --grant--> active

At least one admin is left at any time, and nobody changes their own row. The command line, which makes the
first admin, is bound by neither.
"""

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from lib.core.access import STAFF_ROLES, Permission, Role
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Work, action
from lib.models import AdminSession, AdminUser, new_id

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")
_LONGEST_EMAIL: Final = 254  # RFC 5321
_LONGEST_NAME: Final = 100


@action(Permission.STAFF_MANAGE)
def grant(work: Work, email: str, role: str, name: str = "") -> str:
    """Let somebody in with a role, or change the role of somebody who is in; gives their id.

    Without a name, the known one stays, or the address stands for it.
    Raises Invalid for an address or a role that is none, and Refused for one's own row and the last admin.
    """
    address, wanted = _address(email), _role(role)
    if len(name) > _LONGEST_NAME:
        raise Invalid(f"A name has at most {_LONGEST_NAME} characters.")
    admins = _locked_admins(work)
    person = _by_email(work, address)
    if person is None:
        person = AdminUser(
            id=new_id(),
            email=address,
            name=name.strip() or address,
            role=wanted.value,
            is_active=True,
            created_at=work.now,
            created_by=work.actor.email,
            updated_at=work.now,
        )
        work.about("admin_users", person.id)
        work.session.add(person)
        return person.id
    work.about("admin_users", person.id)
    _refuse_own_row(work, person)
    if wanted is not Role.ADMIN:
        _refuse_last_admin(work, person, admins)
    person.role, person.is_active = wanted.value, True
    person.name = name.strip() or person.name
    return person.id


@action(Permission.STAFF_MANAGE)
def revoke(work: Work, email: str, *, reason: str) -> None:
    """Withdraw somebody's access and end their sessions; it works on their next click.

    Raises NotFound for an unknown address, and Refused for one's own row, the last admin, and
    who is out already.
    """
    admins = _locked_admins(work)
    person = _by_email(work, _address(email))
    if person is None:
        raise NotFound(f"Nobody with the address {email} works here. Check the spelling.")
    work.about("admin_users", person.id)
    _refuse_own_row(work, person)
    if not person.is_active:
        raise Refused(f"{person.email} has no access already.")
    _refuse_last_admin(work, person, admins)
    person.is_active = False
    open_sessions = work.session.scalars(
        select(AdminSession).where(
            AdminSession.admin_user_id == person.id,
            AdminSession.revoked_at.is_(None),
            AdminSession.expires_at > work.now,
        )
    )
    for session in open_sessions:
        session.revoked_at, session.revoked_by = work.now, work.actor.email


@listing(
    Permission.STAFF_READ,
    columns=(
        Column("email", "E-mail"),
        Column("name", "Name"),
        Column("role", "Role", "status"),
        Column("is_active", "Has access", "flag"),
        Column("last_seen_at", "Last seen", "moment"),
        Column("created_at", "Since", "moment"),
        Column("created_by", "Let in by"),
    ),
)
def people() -> AnySelect:
    """Everybody who has or had access, by address, with when they were last here."""
    last_seen = (
        select(func.max(AdminSession.last_seen_at))
        .where(AdminSession.admin_user_id == AdminUser.id)
        .correlate(AdminUser)
        .scalar_subquery()
    )
    return select(
        AdminUser.id,
        AdminUser.email,
        AdminUser.name,
        AdminUser.role,
        AdminUser.is_active,
        last_seen.label("last_seen_at"),
        AdminUser.created_at,
        AdminUser.created_by,
    ).order_by(AdminUser.email)


def _by_email(work: Work, address: str) -> AdminUser | None:
    return work.session.scalar(select(AdminUser).where(AdminUser.email == address))


def _address(email: str) -> str:
    address = email.strip().lower()
    if len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        raise Invalid(f"“{email[:60]}” is not an e-mail address.")
    return address


def _role(role: str) -> Role:
    if role not in {known.value for known in STAFF_ROLES}:
        raise Invalid(f"“{role[:30]}” is not a role. Roles are {', '.join(STAFF_ROLES)}.")
    return Role(role)


def _refuse_own_row(work: Work, person: AdminUser) -> None:
    if person.id == work.actor.id:
        raise Refused("Nobody changes their own access. Ask another admin.")


def _locked_admins(work: Work) -> Sequence[str]:
    """The ids of the active admins, locked in one order before anything else is.

    So two admins who withdraw each other at the same moment neither both succeed nor wait for each other.
    """
    return work.session.scalars(
        select(AdminUser.id)
        .where(AdminUser.role == Role.ADMIN.value, AdminUser.is_active)
        .order_by(AdminUser.id)
        .with_for_update()
    ).all()


def _refuse_last_admin(work: Work, person: AdminUser, admins: Sequence[str]) -> None:
    if not work.actor.is_system and list(admins) == [person.id]:
        raise Refused(f"{person.email} is the last admin. Make somebody else an admin first.")
