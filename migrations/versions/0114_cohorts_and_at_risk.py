"""Revision 0114: cohorts by month, and the work list of couples at risk with what was done about each.

Jobs fill the cohorts and the list; the answers that staff gave are known from here alone.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents
from migrations.guards import refuse_when_filled

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None

TABLES = (
    "admin_cohort_couples",
    "admin_cohort_months",
    "admin_cohort_checks",
    "admin_cards_on_file",
    "admin_couples_at_risk",
    "admin_risk_answers",
)
# People wrote them.
KEPT = ("admin_risk_answers",)


def upgrade() -> None:
    _cohorts()
    _at_risk()


def _cohorts() -> None:
    op.create_table(
        "admin_cohort_couples",
        sa.Column("relationship_id", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("policy", sa.Text(), primary_key=True),
        sa.Column("cohort", Day(), nullable=False),
        sa.Column("joined_on", Day(), nullable=False),
        sa.Column("opening_arr_cents", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("joined_via", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "idx_admin_cohort_couples_cohort",
        "admin_cohort_couples",
        ["policy", "cohort", "currency", "relationship_id"],
    )
    op.create_table(
        "admin_cohort_months",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("policy", "currency")),
        *(sa.Column(name, Day(), primary_key=True) for name in ("cohort", "month")),
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("plan_id", "joined_via")),
        *(
            sa.Column(name, kind, nullable=False, server_default=sa.text("0"))
            for name, kind in (
                ("joined_couples", sa.Integer()),
                ("opening_arr_cents", TotalCents),
                ("couples_change", sa.Integer()),
                ("arr_change_cents", TotalCents),
                ("paid_cents", TotalCents),
                ("refunded_cents", TotalCents),
            )
        ),
        sa.Column("computed_at", Moment(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "admin_cohort_checks",
        sa.Column("cohort", Day(), primary_key=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("differing", sa.Integer(), nullable=False),
        sa.Column("stored_revenue_cents", TotalCents, nullable=False),
        sa.Column("revenue_cents", TotalCents, nullable=False),
        sa.Column("stored_active", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("written", sa.Boolean(), nullable=False),
        sa.Column("compared_at", Moment(), nullable=False),
    )


def _at_risk() -> None:
    op.create_table(
        "admin_cards_on_file",
        sa.Column("stripe_customer_id", sa.Text(), primary_key=True),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("good_until", Moment(), nullable=False),
        sa.Column("told_at", Moment(), nullable=False),
    )
    op.create_index("idx_admin_cards_on_file_good", "admin_cards_on_file", ["good_until"])
    op.create_index("idx_admin_cards_on_file_card", "admin_cards_on_file", ["card_id"])
    op.create_table(
        "admin_couples_at_risk",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("relationship_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("arr_cents", sa.Integer(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("due_at", Moment()),
        sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")),
        sa.Column("before", sa.Integer()),
        sa.Column("after", sa.Integer()),
        sa.Column("computed_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('past_due', 'card_expiring', 'set_to_cancel', 'trial_without_card', 'gift_ending',"
            " 'falling_engagement', 'one_sided')",
            name="admin_couples_at_risk_reason",
        ),
    )
    for name, columns in (
        ("order", ["urgent", "arr_cents", "id"]),
        ("reason", ["reason", "urgent", "arr_cents", "id"]),
        ("couple", ["relationship_id"]),
    ):
        op.create_index(f"idx_admin_couples_at_risk_{name}", "admin_couples_at_risk", columns)
    op.create_table(
        "admin_risk_answers",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("at_risk_id", sa.Text(), nullable=False),
        sa.Column("relationship_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("until", Moment()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("author_email", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("ended_at", Moment()),
        sa.CheckConstraint("kind IN ('handled', 'snoozed')", name="admin_risk_answers_kind"),
    )
    op.create_index("idx_admin_risk_answers_about", "admin_risk_answers", ["at_risk_id", "at"])


def downgrade() -> None:
    refuse_when_filled(KEPT)
    for table in reversed(TABLES):
        op.drop_table(table)
