"""Revision 0108: what staff gave away, and how much of a discount in the ledger is that.

A free month from support is not a lower price. So the ledger keeps apart what a code takes off and what was
given, and a policy can count the second as if it had been paid. The ledger's new column is 0 in older rows:
nothing was given before.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Moment
from migrations.guards import refuse_when_filled

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admin_goodwill",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("relationship_id", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer()),
        sa.Column("percent_off", sa.Integer()),
        sa.Column("amount_off_cents", sa.Integer()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("stripe_coupon_id", sa.Text(), nullable=False, unique=True),
        sa.Column("operation_id", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.CheckConstraint("kind IN ('free_months', 'comp')", name="admin_goodwill_kind"),
    )
    op.create_index("idx_admin_goodwill_couple", "admin_goodwill", ["relationship_id", "given_at"])
    op.create_index("idx_admin_goodwill_operation", "admin_goodwill", ["operation_id"])
    op.add_column(
        "subscription_changes",
        sa.Column("goodwill_arr_cents", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )


def downgrade() -> None:
    refuse_when_filled(("admin_goodwill",))
    op.drop_column("subscription_changes", "goodwill_arr_cents")
    op.drop_table("admin_goodwill")
