"""Tables of our own about drift (revision 0107): what differs from Stripe, and how far a walk has come."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base
from lib.models.types import Personal


class DriftFinding(Base):
    """One thing that our rows and Stripe disagree about.

        open -> asked -> repaired
          |       +----> open      it could not be repaired; `outcome` says why
          +-> gone                 a later walk did not find it any more

    `finding_key` names the class and the object, and is unique. `digest` stands for what was found: a repair
    counts only for what a person was shown. `rank` sorts by severity, the worst first.
    """

    __tablename__ = "admin_drift"
    __table_args__ = (
        Index("idx_admin_drift_state", "state", "rank", "first_seen_at", "id"),
        Index("idx_admin_drift_rank", "rank", "first_seen_at", "id"),
        Index("idx_admin_drift_kind", "kind", "state", "rank", "first_seen_at", "id"),
        Index("idx_admin_drift_object", "object_id"),
        Index("idx_admin_drift_stripe", "stripe_id"),
        CheckConstraint("state IN ('open', 'asked', 'repaired', 'gone')", name="admin_drift_state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    finding_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    rank: Mapped[int]
    state: Mapped[str]
    object_type: Mapped[str | None]
    object_id: Mapped[str | None]
    stripe_id: Mapped[str | None]
    relationship_id: Mapped[str | None]
    ours: Mapped[str | None]
    theirs: Mapped[str | None]
    money_cents: Mapped[int | None]
    currency: Mapped[str | None]
    since: Mapped[datetime | None]
    why_not: Mapped[str | None]
    digest: Mapped[str]
    walk_id: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    asked_by: Mapped[str | None]
    repaired_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Personal("log"))


class DriftWalk(Base):
    """One comparison of everything, or of what was made `since`; it goes on where it was stopped.

    `part`, `stage` and `cursor` say what is read next; `cursor` is None at the beginning of a stage.
    """

    __tablename__ = "admin_drift_walks"
    __table_args__ = (
        Index("idx_admin_drift_walks_started", "started_at", "id"),
        CheckConstraint("state IN ('running', 'done')", name="admin_drift_walks_state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    since: Mapped[datetime | None]
    state: Mapped[str]
    part: Mapped[str | None]
    stage: Mapped[str | None]
    cursor: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    requests: Mapped[int] = mapped_column(server_default=text("0"))
    compared: Mapped[int] = mapped_column(server_default=text("0"))
    found: Mapped[int] = mapped_column(server_default=text("0"))


class DriftSeen(Base):
    """An object that Stripe listed during the walk that is under way, so that what it did not list stands out."""

    __tablename__ = "admin_drift_seen"

    stripe_id: Mapped[str] = mapped_column(primary_key=True)
