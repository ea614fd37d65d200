"""Tables of our own about bulk runs (revision 0106): one action on a frozen selection, a row for each."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base
from lib.models.types import Json


class BulkRun(Base):
    """One action on many rows, in the name of the person who started it.

        choosing -> ready -> running <-> stopped
                      |         +-> done
                      +-> dropped

    While `choosing`, the worker freezes what the filters find as rows and says of each whether it can.
    `can` of `total` rows can; `finished` of those are behind it.
    """

    __tablename__ = "admin_bulk_runs"
    __table_args__ = (
        Index("idx_admin_bulk_runs_created", "created_at"),
        CheckConstraint(
            "state IN ('choosing', 'ready', 'running', 'stopped', 'done', 'dropped')",
            name="admin_bulk_runs_state",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str]
    filters: Mapped[Any] = mapped_column(Json(), nullable=False)
    arguments: Mapped[Any] = mapped_column(Json(), nullable=False)
    state: Mapped[str]
    total: Mapped[int] = mapped_column(server_default=text("0"))
    can: Mapped[int] = mapped_column(server_default=text("0"))
    finished: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    requested_by: Mapped[str]
    requested_by_email: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class BulkRow(Base):
    """One row of a bulk run: what it is about, whether it can, and what came of it.

    `cannot`: said at the preview, never tried. `refused`: a rule said no when its turn came.
    """

    __tablename__ = "admin_bulk_rows"
    __table_args__ = (
        UniqueConstraint("run_id", "object_id"),
        Index("idx_admin_bulk_rows_state", "run_id", "state", "number"),
        CheckConstraint("state IN ('waiting', 'cannot', 'done', 'refused')", name="admin_bulk_rows_state"),
    )

    run_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    object_id: Mapped[str]
    relationship_id: Mapped[str | None]
    state: Mapped[str]
    result: Mapped[str | None]
    operation_id: Mapped[str | None]
    at: Mapped[datetime | None]
