"""Revision 0110: the refund desk: recommendations and hand-ons of refunds, combined plans, attempts in order."""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Moment
from migrations.guards import refuse_when_filled

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None

TABLES = (
    "admin_refund_recommendations",
    "admin_refund_hand_ons",
    "admin_plans",
    "admin_plan_steps",
)
# Money may be on its way because of them.
KEPT = ("admin_plans", "admin_plan_steps")


def upgrade() -> None:
    op.create_table(
        "admin_refund_recommendations",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_by_email", sa.Text()),
        sa.Column("overruled", sa.Boolean()),
        sa.CheckConstraint("stage IN ('request', 'decision')", name="admin_refund_recommendations_stage"),
        sa.CheckConstraint(
            "verdict IN ('refund', 'mixed', 'keep')", name="admin_refund_recommendations_verdict"
        ),
        sa.CheckConstraint(
            "decision IN ('approved', 'denied')", name="admin_refund_recommendations_decision"
        ),
    )
    op.create_index(
        "idx_admin_refund_recommendations_refund", "admin_refund_recommendations", ["refund_id", "at"]
    )
    op.create_table(
        "admin_refund_hand_ons",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=False),
        sa.Column("from_email", sa.Text(), nullable=False),
        sa.Column("to_id", sa.Text(), nullable=False),
        sa.Column("to_email", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
    )
    op.create_index("idx_admin_refund_hand_ons_refund", "admin_refund_hand_ons", ["refund_id", "at", "id"])
    op.create_index("idx_admin_refund_hand_ons_to", "admin_refund_hand_ons", ["to_id", "refund_id"])
    _plans()
    # Everybody's tries to approve, newest first.
    op.create_index("idx_admin_refund_attempts_at", "admin_refund_attempts", ["at", "id"])


def _plans() -> None:
    op.create_table(
        "admin_plans",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("relationship_id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), unique=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_email", sa.Text(), nullable=False),
        sa.Column("requested_at", Moment(), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_by_email", sa.Text()),
        sa.Column("decided_at", Moment()),
        sa.Column("decision_reason", sa.Text()),
        sa.Column("stopped_because", sa.Text()),
        sa.Column("finished_at", Moment()),
        sa.CheckConstraint(
            "state IN ('proposed', 'running', 'stopped', 'done', 'denied', 'withdrawn', 'given_up')",
            name="admin_plans_state",
        ),
    )
    op.create_index("idx_admin_plans_state", "admin_plans", ["state", "requested_at", "id"])
    op.create_index("idx_admin_plans_requested", "admin_plans", ["requested_at", "id"])
    op.create_index("idx_admin_plans_couple", "admin_plans", ["relationship_id", "requested_at"])
    op.create_index("idx_admin_plans_refund", "admin_plans", ["refund_id"])
    op.create_table(
        "admin_plan_steps",
        sa.Column("plan_id", sa.Text(), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("operation_id", sa.Text()),
        sa.Column("said", sa.Text()),
        sa.Column("started_at", Moment()),
        sa.Column("finished_at", Moment()),
        sa.CheckConstraint(
            "state IN ('planned', 'running', 'done', 'failed', 'skipped')", name="admin_plan_steps_state"
        ),
    )


def downgrade() -> None:
    refuse_when_filled(KEPT)
    op.drop_index("idx_admin_refund_attempts_at", "admin_refund_attempts")
    for table in reversed(TABLES):
        op.drop_table(table)
