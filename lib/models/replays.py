"""Tables of our own about replaying events (revision 0107): what a dry run showed, and what was done."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base
from lib.models.types import Personal


class InboxReplay(Base):
    """Applying one event again, or all since a time: a dry run first, then exactly what it showed.

        rehearsing -> rehearsed -> running -> done
                          +----> dropped

    `event_id` is None for all events since `since`. `digest` stands for everything that the dry run showed.
    `total` is None until the objects that it is about are noted as its steps.
    """

    __tablename__ = "admin_inbox_replays"
    __table_args__ = (
        Index("idx_admin_inbox_replays_state", "state", "next_attempt_at"),
        Index("idx_admin_inbox_replays_event", "event_id", "asked_at"),
        Index("idx_admin_inbox_replays_asked", "asked_at", "id"),
        CheckConstraint(
            "state IN ('rehearsing', 'rehearsed', 'running', 'done', 'dropped')",
            name="admin_inbox_replays_state",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    event_id: Mapped[str | None]
    since: Mapped[datetime | None]
    state: Mapped[str]
    total: Mapped[int | None]
    done: Mapped[int] = mapped_column(server_default=text("0"))
    digest: Mapped[str | None]
    asked_by: Mapped[str]
    asked_by_email: Mapped[str]
    reason: Mapped[str] = mapped_column(Personal("log"))
    asked_at: Mapped[datetime]
    rehearsed_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class InboxReplayStep(Base):
    """One object of a replay: what applying its events would change, and what became of it.

    `difference` is canonical JSON, `{"table/id": {"column": [before, after]}}`, of the dry run.
    """

    __tablename__ = "admin_inbox_replay_steps"
    __table_args__ = (
        Index("idx_admin_inbox_replay_steps_state", "replay_id", "state", "stripe_object_id"),
        CheckConstraint(
            "state IN ('waiting', 'rehearsed', 'applied', 'refused', 'failed')",
            name="admin_inbox_replay_steps_state",
        ),
    )

    replay_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_object_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    difference: Mapped[str | None]
    outcome: Mapped[str | None] = mapped_column(Personal("log"))
