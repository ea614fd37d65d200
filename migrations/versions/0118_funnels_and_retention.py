"""Revision 0118: ready-made funnels and retention as the daily jobs count them, and indexes for any other.

The indexes hold all that a funnel reads of events and page views, so that the rows themselves, which are wide
and many, are left alone.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None

TABLES = ("admin_funnel_entries", "admin_funnel_days", "admin_retention_cells")
# What a step is found by, then when it happened, then who did it.
INDEXES = (
    ("analytics_events_what", "analytics_events", ["event_name", "created_at", "user_id", "relationship_id"]),
    ("page_views_what", "page_views", ["page_path", "created_at", "user_id", "relationship_id"]),
    ("conversion_funnels_what", "conversion_funnels", ["step_name", "created_at"]),
    ("user_sessions_when", "user_sessions", ["session_start", "user_id", "relationship_id"]),
)


def upgrade() -> None:
    op.create_table(
        "admin_funnel_entries",
        sa.Column("funnel", sa.Text(), primary_key=True),
        sa.Column("entered_on", Day(), primary_key=True),
        sa.Column("reached", sa.Integer(), primary_key=True),
        sa.Column("unit_id", sa.Text(), primary_key=True),
        sa.Column("entered_at", Moment(), nullable=False),
        *(sa.Column(f"seconds_{number}", sa.Integer()) for number in range(2, 7)),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_funnel_days",
        sa.Column("funnel", sa.Text(), primary_key=True),
        sa.Column("day", Day(), primary_key=True),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.Column("computed_at", Moment(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_retention_cells",
        sa.Column("definition", sa.Text(), primary_key=True),
        sa.Column("cohort", Day(), primary_key=True),
        sa.Column("age", sa.Integer(), primary_key=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("computed_at", Moment(), nullable=False),
        sqlite_with_rowid=False,
    )
    for name, table, columns in INDEXES:
        op.create_index(f"idx_admin_{name}", table, columns)


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(f"idx_admin_{name}", table)
    for table in reversed(TABLES):
        op.drop_table(table)
