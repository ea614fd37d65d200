"""Revision 0115: what was paid, given back, refused and recovered, by day.

A job fills the table from payments and refunds; nothing in it is known from it alone.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents

revision = "0115"
down_revision = "0114"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admin_payment_days",
        sa.Column("day", Day(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("what", sa.Text(), primary_key=True),
        sa.Column("detail", sa.Text(), primary_key=True, server_default=sa.text("''")),
        sa.Column("cents", TotalCents, nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("computed_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "what IN ('paid', 'refunded', 'failed', 'recovered')", name="admin_payment_days_what"
        ),
    )


def downgrade() -> None:
    op.drop_table("admin_payment_days")
