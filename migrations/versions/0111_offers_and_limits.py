"""Revision 0111: the switching off of a batch of codes, and who stayed by month and code; attempts in order."""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Moment
from migrations.guards import refuse_when_filled

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None

ZERO, NO = sa.text("0"), sa.text("FALSE")
SWITCH_OFFS, CODES = "admin_batch_switch_offs", "admin_discount_codes"
STAYED = "admin_stayed_months"
ATTEMPTS = "idx_admin_credit_attempts_at"


def upgrade() -> None:
    op.create_table(
        SWITCH_OFFS,
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_stopped", sa.Boolean(), nullable=False, server_default=NO),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("wanted_at_stripe", sa.Integer(), nullable=False),
        sa.Column("here", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("there", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("reached", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("open_key", sa.Text(), unique=True),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.CheckConstraint("state IN ('here', 'at_stripe', 'done')", name="admin_batch_switch_offs_state"),
    )
    op.create_index("idx_admin_batch_switch_offs_batch", SWITCH_OFFS, ["batch_id", "created_at"])
    op.add_column(CODES, sa.Column("switch_off_id", sa.Text()))
    op.add_column(CODES, sa.Column("switch_off_refusal", sa.Text()))
    counts = [f"{what}_{months}" for months in (1, 3, 6) for what in ("mature", "stayed")]
    op.create_table(
        STAYED,
        sa.Column("discount_id", sa.Text(), primary_key=True),
        sa.Column("month", sa.Text(), primary_key=True),
        sa.Column("couples", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("counted_at", Moment(), nullable=False),
    )
    # Everybody's tries to give, newest first.
    op.create_index(ATTEMPTS, "admin_credit_attempts", ["at", "id"])


def downgrade() -> None:
    # It says who took the codes away, and which of them Stripe still takes.
    refuse_when_filled([SWITCH_OFFS])
    op.drop_index(ATTEMPTS, "admin_credit_attempts")
    op.drop_table(STAYED)
    op.drop_column(CODES, "switch_off_refusal")
    op.drop_column(CODES, "switch_off_id")
    op.drop_table(SWITCH_OFFS)
