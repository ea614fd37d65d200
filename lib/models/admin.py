"""Tables of our own (revision 0100): staff, audit, notes. The app does not know them.

No foreign key leads from here to production's tables: it would block or widen the app's own deletions.
Ids are uuid7 text made in Python (`new_id`).
"""

from datetime import datetime

import uuid_utils
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import YES, Base


def new_id() -> str:
    """Make an id: a uuid7, so that ids made later sort later."""
    return str(uuid_utils.uuid7())


class AdminUser(Base):
    """A member of staff. `password_hash` serves the embedded sign-in of the demo only."""

    __tablename__ = "admin_users"
    __table_args__ = (
        CheckConstraint("role IN ('support', 'finance', 'product', 'admin')", name="admin_users_role"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=YES)
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    updated_at: Mapped[datetime]


class AdminSession(Base):
    """One sign-in of a member of staff; `claim` is a digest of what is unique to it in the identity token."""

    __tablename__ = "admin_sessions"
    __table_args__ = (Index("idx_admin_sessions_user", "admin_user_id", "last_seen_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    claim: Mapped[str] = mapped_column(unique=True)
    admin_user_id: Mapped[str]
    signed_in_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    user_agent: Mapped[str | None]


class SignInCode(Base):
    """A one-minute authorization code of the embedded sign-in; only its digest is kept."""

    __tablename__ = "admin_sign_in_codes"

    code_digest: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    nonce: Mapped[str | None]
    challenge: Mapped[str]
    expires_at: Mapped[datetime]


class SignInFailure(Base):
    """How often a password was wrong for an address, and until when it is locked."""

    __tablename__ = "admin_sign_in_failures"

    email: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    locked_until: Mapped[datetime | None]


class AuditEntry(Base):
    """One link of the audit chain: what a person (or the system) did, tried, or looked at.

    `payload` is canonical JSON with the arguments, the reason and each changed field before and after. The
    hash covers `payload_digest`, a salted digest of it, so a payload can be erased and the chain still holds.
    """

    __tablename__ = "admin_audit_log"
    __table_args__ = (
        Index("idx_admin_audit_log_at", "at"),
        Index("idx_admin_audit_log_actor", "actor_id", "action", "object_id", "at"),
        CheckConstraint("outcome IN ('done', 'denied', 'refused', 'failed')", name="admin_audit_log_outcome"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[str]
    actor_email: Mapped[str]
    actor_role: Mapped[str]
    action: Mapped[str]
    outcome: Mapped[str]
    object_type: Mapped[str | None]
    object_id: Mapped[str | None]
    payload: Mapped[str | None]
    salt: Mapped[str | None]
    payload_digest: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class AuditedObject(Base):
    """Which rows an audit entry touched, for the history of one object."""

    __tablename__ = "admin_audit_objects"

    object_type: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class AuditHead(Base):
    """The end of the audit chain: the one row that every entry moves."""

    __tablename__ = "admin_audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="admin_audit_head_single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str]


class Note(Base):
    """What a member of staff wrote about a person, a couple or a payment."""

    __tablename__ = "admin_notes"
    __table_args__ = (Index("idx_admin_notes_object", "object_type", "object_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    object_type: Mapped[str]
    object_id: Mapped[str]
    body: Mapped[str]
    author_id: Mapped[str]
    author_email: Mapped[str]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Reveal(Base):
    """A member of staff asked to see one person's data unmasked, said why, and may until `until`."""

    __tablename__ = "admin_reveals"
    __table_args__ = (Index("idx_admin_reveals_person", "admin_user_id", "person_id", "until"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    admin_user_id: Mapped[str]
    person_id: Mapped[str]
    reason: Mapped[str]
    revealed_at: Mapped[datetime]
    until: Mapped[datetime]


class ExportTicket(Base):
    """Leave to download one list once, within a minute, by the person who asked."""

    __tablename__ = "admin_export_tickets"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    token_digest: Mapped[str] = mapped_column(unique=True)
    admin_user_id: Mapped[str]
    export: Mapped[str]
    arguments: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Heartbeat(Base):
    """When a long-running process of ours last said that it lives."""

    __tablename__ = "admin_heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]
    details: Mapped[str | None]


class JobRun(Base):
    """One run of a scheduled job. `lease_key` is filled while it runs, so that no two run the same at once."""

    __tablename__ = "job_runs"
    __table_args__ = (
        Index("idx_job_runs_name", "name", "started_at"),
        CheckConstraint("state IN ('running', 'done', 'failed')", name="job_runs_state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    argument: Mapped[str | None]
    state: Mapped[str]
    lease_key: Mapped[str | None] = mapped_column(unique=True)
    lease_until: Mapped[datetime | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(server_default=text("0"))
    total: Mapped[int | None]
    summary: Mapped[str | None]
    error: Mapped[str | None]
