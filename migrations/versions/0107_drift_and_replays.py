"""Revision 0107: what differs from Stripe, how far a comparison has come, and replays of events.

Only new tables of the dashboard's own. What a walk found can be found again, so a downgrade may drop it; who
asked for a repair or a replay stands in the audit log as well.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Moment

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

TABLES = (
    "admin_drift",
    "admin_drift_walks",
    "admin_drift_seen",
    "admin_inbox_replays",
    "admin_inbox_replay_steps",
)


def upgrade() -> None:
    op.create_table(
        "admin_drift",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("finding_key", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text()),
        sa.Column("object_id", sa.Text()),
        sa.Column("stripe_id", sa.Text()),
        sa.Column("relationship_id", sa.Text()),
        sa.Column("ours", sa.Text()),
        sa.Column("theirs", sa.Text()),
        sa.Column("money_cents", sa.Integer()),
        sa.Column("currency", sa.Text()),
        sa.Column("since", Moment()),
        sa.Column("why_not", sa.Text()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("walk_id", sa.Text()),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("gone_at", Moment()),
        sa.Column("asked_at", Moment()),
        sa.Column("asked_by", sa.Text()),
        sa.Column("repaired_at", Moment()),
        sa.Column("outcome", sa.Text()),
        sa.CheckConstraint("state IN ('open', 'asked', 'repaired', 'gone')", name="admin_drift_state"),
    )
    order = ["rank", "first_seen_at", "id"]
    op.create_index("idx_admin_drift_state", "admin_drift", ["state", *order])
    op.create_index("idx_admin_drift_rank", "admin_drift", order)
    op.create_index("idx_admin_drift_kind", "admin_drift", ["kind", "state", *order])
    op.create_index("idx_admin_drift_object", "admin_drift", ["object_id"])
    op.create_index("idx_admin_drift_stripe", "admin_drift", ["stripe_id"])
    op.create_table(
        "admin_drift_walks",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("since", Moment()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("part", sa.Text()),
        sa.Column("stage", sa.Text()),
        sa.Column("cursor", sa.Text()),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.Column("requests", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("compared", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("found", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("state IN ('running', 'done')", name="admin_drift_walks_state"),
    )
    op.create_index("idx_admin_drift_walks_started", "admin_drift_walks", ["started_at", "id"])
    op.create_table("admin_drift_seen", sa.Column("stripe_id", sa.Text(), primary_key=True))
    op.create_table(
        "admin_inbox_replays",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("event_id", sa.Text()),
        sa.Column("since", Moment()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer()),
        sa.Column("done", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("digest", sa.Text()),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_by_email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("rehearsed_at", Moment()),
        sa.Column("approved_at", Moment()),
        sa.Column("finished_at", Moment()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", Moment()),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.CheckConstraint(
            "state IN ('rehearsing', 'rehearsed', 'running', 'done', 'dropped')",
            name="admin_inbox_replays_state",
        ),
    )
    op.create_index("idx_admin_inbox_replays_state", "admin_inbox_replays", ["state", "next_attempt_at"])
    op.create_index("idx_admin_inbox_replays_event", "admin_inbox_replays", ["event_id", "asked_at"])
    op.create_index("idx_admin_inbox_replays_asked", "admin_inbox_replays", ["asked_at", "id"])
    op.create_table(
        "admin_inbox_replay_steps",
        sa.Column("replay_id", sa.Text(), primary_key=True),
        sa.Column("stripe_object_id", sa.Text(), primary_key=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.CheckConstraint(
            "state IN ('waiting', 'rehearsed', 'applied', 'refused', 'failed')",
            name="admin_inbox_replay_steps_state",
        ),
    )
    op.create_index(
        "idx_admin_inbox_replay_steps_state",
        "admin_inbox_replay_steps",
        ["replay_id", "state", "stripe_object_id"],
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
