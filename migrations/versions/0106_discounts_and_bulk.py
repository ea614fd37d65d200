"""Revision 0106: terms and batches of discount codes, and bulk runs with a row for each couple."""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Json, Moment
from migrations.guards import refuse_when_filled

revision = "0106"
down_revision = "0104"
branch_labels = None
depends_on = None

ZERO, NO = sa.text("0"), sa.text("FALSE")

TABLES = (
    "admin_discount_terms",
    "admin_discount_codes",
    "admin_discount_batches",
    "admin_bulk_runs",
    "admin_bulk_rows",
)
BY_COUPON = "idx_admin_discount_codes_coupon"


def upgrade() -> None:
    op.create_table(
        "admin_discount_terms",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("duration", sa.Text(), nullable=False),
        sa.Column("duration_in_months", sa.Integer()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("max_per_customer", sa.Integer()),
        sa.Column("first_time_only", sa.Boolean(), nullable=False, server_default=NO),
        sa.Column("plan_ids", Json()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "duration IN ('once', 'repeating', 'forever')", name="admin_discount_terms_duration"
        ),
    )
    op.create_table(
        "admin_discount_codes",
        sa.Column("discount_id", sa.Text(), primary_key=True),
        sa.Column("terms_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("promotion_code_id", sa.Text()),
        sa.Column("refusal", sa.Text()),
        sa.UniqueConstraint("terms_id", "number"),
    )
    op.create_table(
        "admin_discount_batches",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("sent", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("at_stripe", sa.Boolean(), nullable=False, server_default=NO),
        sa.Column("discount_type", sa.Text(), nullable=False),
        sa.Column("discount_value", sa.Integer(), nullable=False),
        sa.Column("applies_to", sa.Text(), nullable=False),
        sa.Column("max_uses", sa.Integer()),
        sa.Column("valid_from", Moment(), nullable=False),
        sa.Column("valid_until", Moment(), nullable=False),
        sa.Column("stripe_coupon_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("error", sa.Text()),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.CheckConstraint(
            "state IN ('making', 'sending', 'stopped', 'done', 'failed')", name="admin_discount_batches_state"
        ),
    )
    op.create_index("idx_admin_discount_batches_created", "admin_discount_batches", ["created_at"])
    op.create_table(
        "admin_bulk_runs",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("filters", Json(), nullable=False),
        sa.Column("arguments", Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("can", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("finished", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("error", sa.Text()),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("started_at", Moment()),
        sa.Column("finished_at", Moment()),
        sa.CheckConstraint(
            "state IN ('choosing', 'ready', 'running', 'stopped', 'done', 'dropped')",
            name="admin_bulk_runs_state",
        ),
    )
    op.create_index("idx_admin_bulk_runs_created", "admin_bulk_runs", ["created_at"])
    op.create_table(
        "admin_bulk_rows",
        sa.Column("run_id", sa.Text(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("relationship_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("operation_id", sa.Text()),
        sa.Column("at", Moment()),
        sa.UniqueConstraint("run_id", "object_id"),
        sa.CheckConstraint("state IN ('waiting', 'cannot', 'done', 'refused')", name="admin_bulk_rows_state"),
    )
    op.create_index("idx_admin_bulk_rows_state", "admin_bulk_rows", ["run_id", "state", "number"])
    # An event about a subscription asks for the code behind its coupon; a batch has up to 100,000 of them.
    op.create_index(BY_COUPON, "discount_codes", ["stripe_coupon_id"])


def downgrade() -> None:
    refuse_when_filled(TABLES)
    op.drop_index(BY_COUPON, "discount_codes")
    for table in reversed(TABLES):
        op.drop_table(table)
