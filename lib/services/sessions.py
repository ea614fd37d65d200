"""Sessions: who is signed in, since when, and for how much longer.

The identity provider says who somebody is, once. From then on this row rules: it ends after a while of doing
nothing, ends anyway after some hours, and can be revoked. It is looked at on every run of every page.

    signed in --idle or absolute limit--> ended
    signed in --sign out, revoke, staff withdrawn--> revoked
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from sqlalchemy import Engine, and_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.core import audit, moments
from lib.core.access import Actor, Permission, Role, system
from lib.core.audit import Draft
from lib.core.database import Database
from lib.core.errors import NotFound, Refused
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.settings import SignIn
from lib.core.work import Work, action, note, working
from lib.models import AdminSession, AdminUser, new_id

SEEN_NOTED_ONCE_IN: Final = timedelta(minutes=1)


class SignInState(StrEnum):
    """Why somebody is not at the desk."""

    SIGNED_OUT = "signed_out"
    STALE = "stale"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an identity token says: whose it is, its sign-in (`claim`), and until when it is fresh."""

    email: str
    name: str
    claim: str
    fresh_until: datetime | None

    @classmethod
    def read(cls, claims: Mapping[str, Any]) -> Self | None:
        """Read the claims of an OpenID Connect identity token; None when they name nobody.

        The sign-in is known by what is unique to it: the `nonce`, which our own client makes for each. A
        session identifier of the provider (`sid`) would not do: it outlives a sign-out here.
        An address that the provider says it has not verified is nobody's.
        """
        email = str(claims.get("email") or "").strip().lower()
        unique = claims.get("nonce") or claims.get("jti") or claims.get("iat")
        if not email or not unique or claims.get("email_verified") is False:
            return None
        parts = (str(claims.get("iss", "")), str(claims.get("sub", "")), str(unique))
        expires = claims.get("exp")
        return cls(
            email=email,
            name=str(claims.get("name") or email),
            claim=hashlib.sha256("\x00".join(parts).encode()).hexdigest(),
            fresh_until=datetime.fromtimestamp(float(expires), UTC) if expires else None,
        )


def recognise(
    database: Database,
    claims: Mapping[str, Any],
    limits: SignIn,
    *,
    user_agent: str | None = None,
    now: datetime | None = None,
) -> Actor | SignInState:
    """The member of staff whom the claims belong to, or why they may not come in.

    Asked on every run: one statement, a second one once a minute. The first time opens the session, which
    needs a fresh identity token; an address that we do not know is noted once per sign-in.
    """
    identity = Identity.read(claims)
    if identity is None:
        return SignInState.SIGNED_OUT
    moment = now or moments.now()
    found = _find(database, identity)
    if found is None:
        _note_unknown(database, identity, moment)
        return SignInState.UNKNOWN
    if not found.is_active:
        return SignInState.WITHDRAWN
    if found.session_id is None:
        if identity.fresh_until is None or identity.fresh_until <= moment:
            return SignInState.STALE
        return _open(database, found, identity.claim, limits, user_agent, moment)
    if found.revoked_at is not None:
        return SignInState.REVOKED
    if moment >= min(found.expires_at, found.last_seen_at + limits.idle_limit):
        return SignInState.ENDED
    if moment - found.last_seen_at >= SEEN_NOTED_ONCE_IN:
        _note_seen(database, found.session_id, moment)
    return _actor(found, found.session_id)


@action(Permission.HOME_READ)
def sign_in(work: Work, claim: str, *, expires_at: datetime, user_agent: str | None = None) -> str:
    """Open the session of a sign-in and give its id; a second tab of the same sign-in finds the first's."""
    known = work.session.scalar(select(AdminSession).where(AdminSession.claim == claim))
    if known is not None:
        work.about("admin_sessions", known.id)
        return known.id
    opened = AdminSession(
        id=new_id(),
        claim=claim,
        admin_user_id=work.actor.id,
        signed_in_at=work.now,
        last_seen_at=work.now,
        expires_at=expires_at,
        user_agent=(user_agent or "")[:300] or None,
    )
    work.about("admin_sessions", opened.id)
    work.session.add(opened)
    return opened.id


@action(Permission.HOME_READ)
def sign_out(work: Work) -> None:
    """End one's own session; the cookie that is left in the browser opens nothing any more."""
    own = work.session.get(AdminSession, work.actor.session_id) if work.actor.session_id else None
    if own is None or own.revoked_at is not None:
        return
    work.about("admin_sessions", own.id)
    own.revoked_at, own.revoked_by = work.now, work.actor.email


@action(Permission.STAFF_MANAGE, about="admin_sessions")
def revoke(work: Work, session_id: str, *, reason: str) -> None:
    """End somebody's session; it works on their next click.

    Raises NotFound when there is no such session, and Refused when it has ended already.
    """
    session = work.session.get(AdminSession, session_id)
    if session is None:
        raise NotFound("There is no such session. Reload the page.")
    if session.revoked_at is not None or session.expires_at <= work.now:
        raise Refused("That session has already ended.")
    session.revoked_at, session.revoked_by = work.now, work.actor.email


@listing(
    Permission.STAFF_READ,
    columns=(
        Column("email", "Person"),
        Column("role", "Role", "status"),
        Column("signed_in_at", "Signed in", "moment"),
        Column("last_seen_at", "Last seen", "moment"),
        Column("expires_at", "Ends at the latest", "moment"),
        Column("user_agent", "Browser"),
    ),
)
def live(*, idle_limit: timedelta, now: datetime | None = None) -> AnySelect:
    """Sessions that are open at this moment, the one seen last first."""
    moment = now or moments.now()
    return (
        select(
            AdminSession.id,
            AdminUser.email,
            AdminUser.role,
            AdminSession.signed_in_at,
            AdminSession.last_seen_at,
            AdminSession.expires_at,
            AdminSession.user_agent,
        )
        .join(AdminUser, AdminUser.id == AdminSession.admin_user_id)
        .where(
            AdminSession.revoked_at.is_(None),
            AdminSession.expires_at > moment,
            AdminSession.last_seen_at > moment - idle_limit,
            AdminUser.is_active,
        )
        .order_by(AdminSession.last_seen_at.desc(), AdminSession.id.desc())
    )


def _find(database: Database, identity: Identity) -> AnyRow | None:
    """The staff row of an address with the session of this sign-in beside it, if there is one yet.

    Read before anybody is signed in, so it can be neither a @query nor masked.
    """
    statement = (
        select(
            AdminUser.id,
            AdminUser.email,
            AdminUser.name,
            AdminUser.role,
            AdminUser.is_active,
            AdminSession.id.label("session_id"),
            AdminSession.last_seen_at,
            AdminSession.expires_at,
            AdminSession.revoked_at,
        )
        .outerjoin(
            AdminSession,
            and_(AdminSession.admin_user_id == AdminUser.id, AdminSession.claim == identity.claim),
        )
        .where(AdminUser.email == identity.email)
    )
    with _reading(database).connect() as connection:
        return connection.execute(statement).one_or_none()


def _open(
    database: Database,
    staff: AnyRow,
    claim: str,
    limits: SignIn,
    user_agent: str | None,
    now: datetime,
) -> Actor:
    actor = _actor(staff, None)
    try:
        with working(database, actor, now=now) as work:
            session_id = sign_in(work, claim, expires_at=now + limits.absolute_limit, user_agent=user_agent)
    except IntegrityError:
        # On PostgreSQL two tabs may open the session of one sign-in at the same moment: one of them made it.
        with _reading(database).connect() as connection:
            session_id = connection.execute(
                select(AdminSession.id).where(AdminSession.claim == claim)
            ).scalar_one()
    return _actor(staff, session_id)


def _actor(staff: AnyRow, session_id: str | None) -> Actor:
    return Actor(staff.id, staff.email, Role(staff.role), staff.name, session_id)


def _note_seen(database: Database, session_id: str, now: datetime) -> None:
    """Move `last_seen_at`.

    Housekeeping, not an act: a raw statement, because an audit entry a minute per person would bury the rest.
    """
    statement = (
        update(AdminSession.__table__)  # type: ignore[arg-type]
        .where(AdminSession.id == session_id, AdminSession.last_seen_at < now)
        .values(last_seen_at=now)
    )
    with database.primary.execution_options(writes=True).begin() as connection:
        connection.execute(statement)


def _note_unknown(database: Database, identity: Identity, now: datetime) -> None:
    doorman, about = system("sign-in"), ("sign_in", identity.claim)
    with Session(_reading(database)) as session:
        noted, end = audit.seen_since(session, doorman, "sign_in", [about], now - timedelta(days=365))
    if noted:
        return
    note(
        database,
        Draft(
            doorman,
            "sign_in",
            now,
            {"email": identity.email, "name": identity.name},
            about=about,
            outcome="denied",
            message="Nobody with this address works here.",
        ),
        end=end,
    )


def _reading(database: Database) -> Engine:
    return database.primary.execution_options(writes=False, postgresql_readonly=True)
