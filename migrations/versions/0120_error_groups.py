"""Revision 0120: groups of errors, their counts, whom they hit and what came of it.

The job `error-groups` fills all of it from `error_logs`. What staff decided about a group is known from here
alone.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents
from migrations.guards import refuse_when_filled

revision = "0120"
down_revision = "0118"
branch_labels = None
depends_on = None

GROUPS = "admin_error_groups"
COUNTS = (
    "admin_error_occurrences",
    "admin_error_days",
    "admin_error_sufferers",
    "admin_error_facets",
    "admin_error_aftermath",
    "admin_error_money",
)
_ZERO = {"nullable": False, "server_default": sa.text("0")}


def upgrade() -> None:
    _groups()
    _counts()
    _hit()


def _groups() -> None:
    op.create_table(
        GROUPS,
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("error_type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("culprit", sa.Text()),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.Column("last_seen", Moment(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), **_ZERO) for name in ("odd_clocks", "people", "couples")),
        sa.Column("currency", sa.Text(), nullable=False, server_default=sa.text("'USD'")),
        *(sa.Column(name, TotalCents, **_ZERO) for name in ("arr_cents", "cost_cents")),
        sa.Column("trend", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("counted_at", Moment()),
        sa.Column("assigned_to", sa.Text()),
        sa.Column("assigned_email", sa.Text()),
        sa.Column("ignored_until", Moment()),
        sa.Column("ignored_until_errors", sa.Integer()),
        sa.Column("resolved_at", Moment()),
        sa.Column("resolved_by_email", sa.Text()),
        sa.Column("regressed_at", Moment()),
        sa.Column("rows_due", sa.Text()),
        sa.Column("rows_moment", Moment()),
        sa.Column("rows_at", Moment()),
        sa.Column("rows_id", sa.Text()),
        sa.CheckConstraint(
            "state IN ('new', 'ongoing', 'escalating', 'regressed', 'ignored', 'resolved')",
            name="admin_error_groups_state",
        ),
        sa.CheckConstraint("rows_due IN ('resolve', 'reopen')", name="admin_error_groups_rows_due"),
    )
    for name, columns in (
        ("cost", ["cost_cents", "arr_cents", "id"]),
        ("mrr", ["arr_cents", "id"]),
        ("seen", ["last_seen", "id"]),
        ("first", ["first_seen", "id"]),
        ("errors", ["errors", "id"]),
    ):
        op.create_index(f"idx_{GROUPS}_{name}", GROUPS, columns)
    op.create_index(
        f"idx_{GROUPS}_due",
        GROUPS,
        ["rows_due"],
        sqlite_where=sa.text("rows_due IS NOT NULL"),
        postgresql_where=sa.text("rows_due IS NOT NULL"),
    )


def _counts() -> None:
    op.create_table(
        "admin_error_occurrences",
        sa.Column("error_id", sa.Text(), primary_key=True),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "idx_admin_error_occurrences_group", "admin_error_occurrences", ["group_id", "seen_at", "error_id"]
    )
    op.create_table(
        "admin_error_days",
        sa.Column("group_id", sa.Text(), primary_key=True),
        sa.Column("day", Day(), primary_key=True),
        sa.Column("errors", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_error_facets",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("group_id", "kind", "value")),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('page', 'device', 'browser', 'severity')", name="admin_error_facets_kind"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_admin_error_facets_value", "admin_error_facets", ["kind", "value"])


def _hit() -> None:
    op.create_table(
        "admin_error_sufferers",
        *(
            sa.Column(name, sa.Text(), primary_key=True)
            for name in ("group_id", "user_id", "relationship_id")
        ),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.Column("last_seen", Moment(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_admin_error_sufferers_user", "admin_error_sufferers", ["user_id"])
    op.create_index("idx_admin_error_sufferers_couple", "admin_error_sufferers", ["relationship_id"])
    op.create_table(
        "admin_error_aftermath",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("group_id", "object_type", "object_id")),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "object_type IN ('payment_transactions', 'refunds')", name="admin_error_aftermath_object"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_admin_error_aftermath_at", "admin_error_aftermath", ["group_id", "at", "object_id"])
    op.create_table(
        "admin_error_money",
        sa.Column("group_id", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("couples", sa.Integer(), **_ZERO),
        sa.Column("arr_cents", TotalCents, **_ZERO),
        sa.Column("failed_payments", sa.Integer(), **_ZERO),
        sa.Column("failed_cents", TotalCents, **_ZERO),
        sa.Column("refund_requests", sa.Integer(), **_ZERO),
        sa.Column("refund_cents", TotalCents, **_ZERO),
    )


def downgrade() -> None:
    # It says who had what in hand, what was ignored, and which rows have to follow yet.
    refuse_when_filled([GROUPS])
    for table in (*reversed(COUNTS), GROUPS):
        op.drop_table(table)
