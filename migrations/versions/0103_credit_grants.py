"""Revision 0103: grants of credits and add-ons by a second person, and indexes for gifts, credits and add-ons.

Tables of our own and indexes only; no table of the app is touched.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Moment
from migrations.guards import refuse_when_filled

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

TABLES = ("admin_credit_grants", "admin_credit_limits", "admin_credit_attempts")
# What was given away, and by whose decision, is not ours to forget.
KEPT = ("admin_credit_grants",)

# Lists, newest first: name, table, the columns that a filter fixes.
NEWEST_FIRST = (
    ("ai_credits_created", "ai_credits", ()),
    ("ai_credits_type_created", "ai_credits", ("transaction_type",)),
    ("user_addons_created", "user_addons", ()),
    ("user_addons_status_created", "user_addons", ("status",)),
)


def upgrade() -> None:
    op.create_table(
        "admin_credit_grants",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("relationship_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("addon_id", sa.Text()),
        sa.Column("lasts_days", sa.Integer()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_email", sa.Text(), nullable=False),
        sa.Column("requested_at", Moment(), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_by_email", sa.Text()),
        sa.Column("decided_at", Moment()),
        sa.Column("decision", sa.Text()),
        sa.Column("row_id", sa.Text(), unique=True),
        sa.CheckConstraint("status IN ('pending', 'given', 'denied')", name="admin_credit_grants_status"),
        sa.CheckConstraint("what IN ('credits', 'add_on')", name="admin_credit_grants_what"),
        sa.CheckConstraint("amount > 0", name="admin_credit_grants_amount"),
    )
    op.create_index("idx_admin_credit_grants_status", "admin_credit_grants", ["status", "requested_at", "id"])
    op.create_index("idx_admin_credit_grants_requested", "admin_credit_grants", ["requested_at", "id"])
    op.create_index(
        "idx_admin_credit_grants_couple", "admin_credit_grants", ["relationship_id", "requested_at"]
    )
    op.create_table(
        "admin_credit_limits",
        sa.Column("holder", sa.Text(), primary_key=True),
        sa.Column("unit", sa.Text(), primary_key=True),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "admin_credit_attempts",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("admin_user_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("refusal", sa.Text()),
    )
    op.create_index(
        "idx_admin_credit_attempts_actor", "admin_credit_attempts", ["admin_user_id", "unit", "at"]
    )
    op.create_index("idx_admin_credit_attempts_grant", "admin_credit_attempts", ["grant_id", "at"])
    on_sqlite = op.get_context().dialect.name == "sqlite"
    for name, table, fixed in NEWEST_FIRST:
        op.create_index(f"idx_admin_{name}", table, [*fixed, _in_order("created_at", on_sqlite), "id"])
    gifts = sa.text("is_gift")
    op.create_index(
        "idx_admin_subscriptions_gifts",
        "subscriptions",
        [_in_order("created_at", on_sqlite), "id"],
        sqlite_where=gifts,
        postgresql_where=gifts,
    )


def downgrade() -> None:
    refuse_when_filled(KEPT)
    op.drop_index("idx_admin_subscriptions_gifts")
    for name, *_ in reversed(NEWEST_FIRST):
        op.drop_index(f"idx_admin_{name}")
    for table in reversed(TABLES):
        op.drop_table(table)


def _in_order(moment: str, on_sqlite: bool) -> "str | sa.TextClause":
    """A moment in the one form that sorts. `lib.models.types.sortable` must compile to the same text."""
    return sa.text(f"replace(substr({moment}, 1, 19), 'T', ' ')") if on_sqlite else moment
