"""Revision 0119: what people did in the app, by day: features, engagement, couples, visits and pages.

A job fills them, and every row can be made again.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None

TABLES = (
    "admin_feature_days",
    "admin_feature_people",
    "admin_engagement_days",
    "admin_dyad_days",
    "admin_dyads",
    "admin_visit_days",
    "admin_page_days",
    "admin_usage_checks",
)


def upgrade() -> None:
    _features()
    _couples()
    _visits()
    op.create_table(
        "admin_usage_checks",
        sa.Column("roll_up", sa.Text(), primary_key=True),
        *_key(),
        *_numbers("stored_rows", "counted_rows", "missing", "differing", "unsupported"),
        *_sums("stored_total", "counted_total"),
        sa.Column("written", sa.Boolean(), nullable=False),
        sa.Column("compared_at", Moment(), nullable=False),
        sqlite_with_rowid=False,
    )


def _features() -> None:
    op.create_table(
        "admin_feature_days",
        *_key("feature"),
        *_numbers("people", "people_7", "people_28", "couples_28", "both_28"),
        *(
            sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
            for name in ("new_people", "total_people")
        ),
        *_numbers("uses"),
        _computed(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_feature_people",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("feature", "user_id")),
        sa.Column("relationship_id", sa.Text()),
        *(sa.Column(name, Day(), nullable=False) for name in ("first_day", "last_day")),
        *_numbers("days_28"),
        sqlite_with_rowid=False,
    )
    for name, columns in (
        ("last", ["feature", "last_day", "user_id"]),
        ("first", ["feature", "first_day"]),
        ("person", ["user_id"]),
    ):
        op.create_index(f"idx_admin_feature_people_{name}", "admin_feature_people", columns)
    op.create_table(
        "admin_engagement_days",
        *_key(),
        *_numbers("people", "scores"),
        *_numbers("check_in_points", "activity_points", "talk_points", "feature_points", "time_points"),
        _computed(),
    )


def _couples() -> None:
    op.create_table(
        "admin_dyad_days",
        *_key("state", "currency"),
        *_numbers("couples"),
        *_sums("arr_cents"),
        *_numbers("imbalance_permille"),
        sa.Column("churned", sa.Integer()),
        _computed(),
        sa.CheckConstraint("state IN ('both', 'one', 'none')", name="admin_dyad_days_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_dyads",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("relationship_id", "currency")),
        sa.Column("state", sa.Text(), nullable=False),
        *_numbers("arr_cents", "days_1", "days_2", "imbalance_permille"),
        sa.Column("day", Day(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "idx_admin_dyads_state",
        "admin_dyads",
        ["state", "arr_cents", "relationship_id", "currency", "imbalance_permille"],
    )


def _visits() -> None:
    op.create_table(
        "admin_visit_days",
        *_key("device"),
        *_numbers("visits", "bounced", "timed"),
        *_sums("seconds"),
        *_numbers("pages", "converted"),
        _computed(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_page_days",
        *_key("page"),
        *_numbers("views", "timed"),
        *_sums("seconds"),
        *_numbers("entries", "bounced", "exits"),
        sqlite_with_rowid=False,
    )


def _key(*more: str) -> Sequence[sa.Column[Any]]:
    return [
        sa.Column("day", Day(), primary_key=True),
        *(sa.Column(name, sa.Text(), primary_key=True) for name in more),
    ]


def _numbers(*names: str) -> Sequence[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _sums(*names: str) -> Sequence[sa.Column[Any]]:
    return [sa.Column(name, TotalCents, nullable=False) for name in names]


def _computed() -> sa.Column[Any]:
    return sa.Column("computed_at", Moment(), nullable=False)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
