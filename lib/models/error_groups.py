"""Groups of errors (revision 0120): what production's `error_logs` has no column for.

The job `error-groups` puts every row of `error_logs` into one group and counts it. What staff did with a group
stands in the group itself; what they did with it before, in the audit trail.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base
from lib.models.types import Personal, TotalCents

_NONE = text("0")


class ErrorGroup(Base):
    """Errors that are one fault: the same type and the same own frames, or the same words without numbers.

    `title` is the message of the first one, `culprit` the innermost frame of the app's own code. `errors`,
    `people` and `couples` are of all time. `arr_cents` is what the couples pay in a year, `cost_cents` what the
    same people could not pay or asked back within 48 hours; both in `currency`, the one with the most.
    `trend` is the errors of each of the last 14 days up to `counted_at`, with blanks between.

    `rows_due` is what has to be done yet with the rows of `error_logs`: those up to `rows_moment` are resolved,
    or those that were resolved at `rows_moment` are opened again; `rows_at` and `rows_id` is how far that is.
    """

    __tablename__ = "admin_error_groups"
    __table_args__ = (
        Index("idx_admin_error_groups_cost", "cost_cents", "arr_cents", "id"),
        Index("idx_admin_error_groups_mrr", "arr_cents", "id"),
        Index("idx_admin_error_groups_seen", "last_seen", "id"),
        Index("idx_admin_error_groups_first", "first_seen", "id"),
        Index("idx_admin_error_groups_errors", "errors", "id"),
        Index(
            "idx_admin_error_groups_due",
            "rows_due",
            sqlite_where=text("rows_due IS NOT NULL"),
            postgresql_where=text("rows_due IS NOT NULL"),
        ),
        CheckConstraint(
            "state IN ('new', 'ongoing', 'escalating', 'regressed', 'ignored', 'resolved')",
            name="admin_error_groups_state",
        ),
        CheckConstraint("rows_due IN ('resolve', 'reopen')", name="admin_error_groups_rows_due"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    error_type: Mapped[str]
    title: Mapped[str] = mapped_column(Personal("log"))
    culprit: Mapped[str | None]
    severity: Mapped[str]
    state: Mapped[str]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    errors: Mapped[int]
    odd_clocks: Mapped[int] = mapped_column(server_default=_NONE)
    people: Mapped[int] = mapped_column(server_default=_NONE)
    couples: Mapped[int] = mapped_column(server_default=_NONE)
    currency: Mapped[str] = mapped_column(server_default=text("'USD'"))
    arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    cost_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    trend: Mapped[str] = mapped_column(server_default=text("''"))
    counted_at: Mapped[datetime | None]
    assigned_to: Mapped[str | None]
    assigned_email: Mapped[str | None]
    ignored_until: Mapped[datetime | None]
    ignored_until_errors: Mapped[int | None]
    resolved_at: Mapped[datetime | None]
    resolved_by_email: Mapped[str | None]
    regressed_at: Mapped[datetime | None]
    rows_due: Mapped[str | None]
    rows_moment: Mapped[datetime | None]
    rows_at: Mapped[datetime | None]
    rows_id: Mapped[str | None]


class ErrorOccurrence(Base):
    """Which group a row of `error_logs` is in. `seen_at`: its own moment, or ours where that is odd."""

    __tablename__ = "admin_error_occurrences"
    __table_args__ = (
        Index("idx_admin_error_occurrences_group", "group_id", "seen_at", "error_id"),
        {"sqlite_with_rowid": False},
    )

    error_id: Mapped[str] = mapped_column(primary_key=True)
    group_id: Mapped[str]
    seen_at: Mapped[datetime]


class ErrorDay(Base):
    """How many errors of a group came on one day (UTC)."""

    __tablename__ = "admin_error_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    group_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    errors: Mapped[int]


class ErrorSufferer(Base):
    """Somebody who ran into a group: a person and their couple, each empty where the app did not know."""

    __tablename__ = "admin_error_sufferers"
    __table_args__ = (
        Index("idx_admin_error_sufferers_user", "user_id"),
        Index("idx_admin_error_sufferers_couple", "relationship_id"),
        {"sqlite_with_rowid": False},
    )

    group_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    relationship_id: Mapped[str] = mapped_column(primary_key=True)
    errors: Mapped[int]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class ErrorFacet(Base):
    """How many errors of a group came on one page, from one kind of device, browser, or of one severity."""

    __tablename__ = "admin_error_facets"
    __table_args__ = (
        Index("idx_admin_error_facets_value", "kind", "value"),
        CheckConstraint("kind IN ('page', 'device', 'browser', 'severity')", name="admin_error_facets_kind"),
        {"sqlite_with_rowid": False},
    )

    group_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    errors: Mapped[int]


class ErrorAftermath(Base):
    """A payment or a refund request of somebody within 48 hours after they ran into a group, at `seen_at`."""

    __tablename__ = "admin_error_aftermath"
    __table_args__ = (
        Index("idx_admin_error_aftermath_at", "group_id", "at", "object_id"),
        CheckConstraint(
            "object_type IN ('payment_transactions', 'refunds')", name="admin_error_aftermath_object"
        ),
        {"sqlite_with_rowid": False},
    )

    group_id: Mapped[str] = mapped_column(primary_key=True)
    object_type: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    at: Mapped[datetime]
    seen_at: Mapped[datetime]


class ErrorMoney(Base):
    """What a group stands for in one currency: what the couples hit pay in a year, what failed, was asked back."""

    __tablename__ = "admin_error_money"

    group_id: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    couples: Mapped[int] = mapped_column(server_default=_NONE)
    arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    failed_payments: Mapped[int] = mapped_column(server_default=_NONE)
    failed_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    refund_requests: Mapped[int] = mapped_column(server_default=_NONE)
    refund_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
