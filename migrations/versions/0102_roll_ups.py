"""Revision 0102: couples' movements by day, and the counts of A/B tests, so that their pages read few rows.

Jobs fill the tables from the ledger and from the app's assignments; nothing in them is known from them alone.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

TABLES = ("admin_couple_movements", "admin_experiment_counts", "admin_experiment_arm_counts")


def upgrade() -> None:
    op.create_table(
        "admin_couple_movements",
        sa.Column("policy", sa.Text(), primary_key=True),
        sa.Column("day", Day(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("relationship_id", sa.Text(), primary_key=True),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("before_arr_cents", sa.Integer(), nullable=False),
        sa.Column("after_arr_cents", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "movement IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')",
            name="admin_couple_movements_movement",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_experiment_counts",
        sa.Column("test_name", sa.Text(), primary_key=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("people_in_several_arms", sa.Integer(), nullable=False),
        sa.Column("couples", sa.Integer(), nullable=False),
        sa.Column("split_couples", sa.Integer(), nullable=False),
        sa.Column("without_couple", sa.Integer(), nullable=False),
        sa.Column("counted_at", Moment(), nullable=False),
    )
    op.create_table(
        "admin_experiment_arm_counts",
        sa.Column("test_name", sa.Text(), primary_key=True),
        sa.Column("variant_id", sa.Text(), primary_key=True),
        sa.Column("assigned", sa.Integer(), nullable=False),
        sa.Column("converted", sa.Integer(), nullable=False),
        sa.Column("value_cents", TotalCents, nullable=False),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
