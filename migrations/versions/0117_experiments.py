"""Revision 0117: sums that the statistics of A/B tests stand on, how a test is read, and what was decided.

A job fills the sums; plans and decisions are known from here alone.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents
from migrations.guards import refuse_when_filled

revision = "0117"
down_revision = "0115"
branch_labels = None
depends_on = None

TABLES = (
    "admin_experiment_cells",
    "admin_experiment_days",
    "admin_experiment_arms_seen",
    "admin_experiment_plans",
    "admin_experiment_decisions",
)
# People wrote them.
KEPT = ("admin_experiment_plans", "admin_experiment_decisions")
NEW_COUNTS = ("visitors", "in_future", "without_moment", "before_start", "after_end", "of_other_tests")
NEW_MOMENTS = ("first_at", "last_at")

CELL_KEY = ("test_name", "unit", "variant_id")
SEGMENTS = ("plan", "device", "arrival")
SUMS = (
    ("units", sa.Integer()),
    ("claimed", sa.Integer()),
    ("conversions", sa.Integer()),
    ("cents", TotalCents),
    ("squares", TotalCents),
    ("before_cents", TotalCents),
    ("before_squares", TotalCents),
    ("before_cross", TotalCents),
    ("before_conversions", TotalCents),
    ("before_claimed", TotalCents),
    ("over", sa.Integer()),
    ("kept_units", sa.Integer()),
    ("kept_paid", sa.Integer()),
    ("kept_cents", TotalCents),
    ("kept_squares", TotalCents),
    ("renewed", sa.Integer()),
    ("refunded", sa.Integer()),
    ("erred", sa.Integer()),
    ("subscribed", sa.Integer()),
    ("churned", sa.Integer()),
    ("other_currency", sa.Integer()),
    ("negative", sa.Integer()),
    ("clusters", sa.Integer()),
    ("users_squared", TotalCents),
    ("conversions_squared", TotalCents),
    ("users_by_conversions", TotalCents),
    ("claimed_squared", TotalCents),
    ("users_by_claimed", TotalCents),
    ("cents_squared", TotalCents),
    ("users_by_cents", TotalCents),
)


def upgrade() -> None:
    _sums()
    _people()
    for name in NEW_COUNTS:
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
        op.add_column("admin_experiment_counts", column)
    for name in NEW_MOMENTS:
        op.add_column("admin_experiment_counts", sa.Column(name, Moment()))
    op.add_column("admin_experiment_counts", sa.Column("card", sa.Text()))


def _sums() -> None:
    op.create_table(
        "admin_experiment_cells",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in CELL_KEY),
        sa.Column("contaminated", sa.Boolean(), primary_key=True),
        *(sa.Column(name, sa.Text(), primary_key=True) for name in SEGMENTS),
        *(sa.Column(name, kind, nullable=False) for name, kind in SUMS),
    )
    op.create_table(
        "admin_experiment_days",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in CELL_KEY),
        sa.Column("day", Day(), primary_key=True),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.Column("conversions", sa.Integer(), nullable=False),
        sa.Column("cents", TotalCents, nullable=False),
    )
    op.create_table(
        "admin_experiment_arms_seen",
        sa.Column("variant_id", sa.Text(), primary_key=True),
        sa.Column("seen_at", Moment(), primary_key=True),
        sa.Column("test_name", sa.Text(), nullable=False),
        sa.Column("traffic_percentage", sa.Integer()),
        sa.Column("is_active", sa.Boolean(), nullable=False),
    )


def _people() -> None:
    op.create_table(
        "admin_experiment_plans",
        sa.Column("test_name", sa.Text(), primary_key=True),
        sa.Column("control_id", sa.Text()),
        sa.Column("deciding", sa.Text(), nullable=False, server_default=sa.text("'paid'")),
        sa.Column("minimum_days", sa.Integer(), nullable=False, server_default=sa.text("14")),
        sa.Column("lift", sa.Integer(), nullable=False, server_default=sa.text("100")),
        sa.Column("power", sa.Integer(), nullable=False, server_default=sa.text("800")),
        sa.Column("set_by_email", sa.Text(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "deciding IN ('paid', 'claimed', 'revenue')", name="admin_experiment_plans_deciding"
        ),
    )
    op.create_table(
        "admin_experiment_decisions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("test_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("winner_id", sa.Text()),
        sa.Column("until", Day()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), unique=True),
        sa.Column("against", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("card_variant", sa.Text()),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_by_email", sa.Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_by_email", sa.Text()),
        sa.Column("decided_at", Moment()),
        sa.CheckConstraint("kind IN ('stop', 'winner', 'extend')", name="admin_experiment_decisions_kind"),
        sa.CheckConstraint("state IN ('asked', 'done', 'denied')", name="admin_experiment_decisions_state"),
        sa.CheckConstraint(
            "card IN ('ship', 'keep_running', 'roll_back', 'review')", name="admin_experiment_decisions_card"
        ),
    )
    op.create_index(
        "idx_admin_experiment_decisions_test", "admin_experiment_decisions", ["test_name", "asked_at", "id"]
    )


def downgrade() -> None:
    refuse_when_filled(KEPT)
    for name in (*NEW_COUNTS, *NEW_MOMENTS, "card"):
        op.drop_column("admin_experiment_counts", name)
    for table in reversed(TABLES):
        op.drop_table(table)
