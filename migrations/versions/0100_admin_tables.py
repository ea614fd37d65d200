"""Revision 0100: the tables of the dashboard itself: staff, audit, notes, outbox, inbox, ledger, roll-ups.

They stand beside the app's tables and reference none of them by foreign key, which would block or widen the
app's own deletions.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents
from migrations.guards import refuse_when_filled

revision = "0100"
down_revision = "0003"
branch_labels = None
depends_on = None

YES, NO = sa.text("TRUE"), sa.text("FALSE")

TABLES = (
    "admin_users",
    "admin_sessions",
    "admin_sign_in_codes",
    "admin_sign_in_failures",
    "admin_audit_log",
    "admin_audit_objects",
    "admin_audit_head",
    "admin_notes",
    "admin_reveals",
    "admin_export_tickets",
    "admin_heartbeats",
    "job_runs",
    "admin_stripe_operations",
    "admin_inbox",
    "admin_stripe_objects",
    "subscription_changes",
    "admin_refund_limits",
    "admin_refund_attempts",
    "admin_metric_daily",
)
# What was done and what money moved is not ours to forget. Every other row came with an entry in the audit log.
KEPT = ("admin_audit_log", "admin_stripe_operations")


def upgrade() -> None:
    op.create_table(
        "admin_users",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False, server_default=YES),
        sa.Column("password_hash", sa.Text()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint("role IN ('support', 'finance', 'product', 'admin')", name="admin_users_role"),
    )
    op.create_table(
        "admin_sessions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("claim", sa.Text(), nullable=False, unique=True),
        sa.Column("admin_user_id", sa.Text(), nullable=False),
        sa.Column("signed_in_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment()),
        sa.Column("revoked_by", sa.Text()),
        sa.Column("user_agent", sa.Text()),
    )
    op.create_index("idx_admin_sessions_user", "admin_sessions", ["admin_user_id", "last_seen_at"])
    op.create_table(
        "admin_sign_in_codes",
        sa.Column("code_digest", sa.Text(), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text()),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
    )
    op.create_table(
        "admin_sign_in_failures",
        sa.Column("email", sa.Text(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", Moment()),
    )
    op.create_table(
        "admin_audit_log",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_email", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text()),
        sa.Column("object_id", sa.Text()),
        sa.Column("payload", sa.Text()),
        sa.Column("salt", sa.Text()),
        sa.Column("payload_digest", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('done', 'denied', 'refused', 'failed')", name="admin_audit_log_outcome"
        ),
    )
    op.create_index("idx_admin_audit_log_actor", "admin_audit_log", ["actor_id", "action", "object_id", "at"])
    op.create_index("idx_admin_audit_log_at", "admin_audit_log", ["at"])
    op.create_table(
        "admin_audit_objects",
        sa.Column("object_type", sa.Text(), primary_key=True),
        sa.Column("object_id", sa.Text(), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
    )
    op.create_table(
        "admin_audit_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name="admin_audit_head_single"),
    )
    op.create_table(
        "admin_notes",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("author_email", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("removed_at", Moment()),
    )
    op.create_index("idx_admin_notes_object", "admin_notes", ["object_type", "object_id", "created_at"])
    op.create_table(
        "admin_reveals",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("admin_user_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revealed_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
    )
    op.create_index("idx_admin_reveals_person", "admin_reveals", ["admin_user_id", "person_id", "until"])
    op.create_table(
        "admin_export_tickets",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("token_digest", sa.Text(), nullable=False, unique=True),
        sa.Column("admin_user_id", sa.Text(), nullable=False),
        sa.Column("export", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment()),
    )
    op.create_table(
        "admin_heartbeats",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("beat_at", Moment(), nullable=False),
        sa.Column("details", sa.Text()),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("argument", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_key", sa.Text(), unique=True),
        sa.Column("lease_until", Moment()),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.Column("done", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("total", sa.Integer()),
        sa.Column("summary", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="job_runs_state"),
    )
    op.create_index("idx_job_runs_name", "job_runs", ["name", "started_at"])
    op.create_table(
        "admin_stripe_operations",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("relationship_id", sa.Text()),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("params_digest", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), unique=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", Moment(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("prepared_at", Moment(), nullable=False),
        sa.Column("sent_at", Moment()),
        sa.Column("answered_at", Moment()),
        sa.Column("settled_at", Moment()),
        sa.CheckConstraint(
            "state IN ('prepared', 'sending', 'answered', 'unknown', 'done', 'failed')",
            name="admin_stripe_operations_state",
        ),
    )
    op.create_index(
        "idx_admin_stripe_operations_due", "admin_stripe_operations", ["state", "next_attempt_at"]
    )
    op.create_index(
        "idx_admin_stripe_operations_object",
        "admin_stripe_operations",
        ["object_type", "object_id", "prepared_at"],
    )
    op.create_table(
        "admin_inbox",
        sa.Column("event_id", sa.Text(), primary_key=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("stripe_object_id", sa.Text()),
        sa.Column("stripe_created", Moment()),
        sa.Column("api_version", sa.Text()),
        sa.Column("livemode", sa.Boolean(), nullable=False, server_default=NO),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("changed", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", Moment()),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("error", sa.Text()),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("applied_at", Moment()),
        sa.CheckConstraint(
            "state IN ('received', 'applied', 'ignored', 'unmatched', 'failed', 'parked')",
            name="admin_inbox_state",
        ),
    )
    op.create_index("idx_admin_inbox_due", "admin_inbox", ["state", "next_attempt_at"])
    op.create_index("idx_admin_inbox_object", "admin_inbox", ["stripe_object_id", "stripe_created"])
    op.create_index("idx_admin_inbox_received", "admin_inbox", ["received_at", "event_id"])
    op.create_table(
        "admin_stripe_objects",
        sa.Column("stripe_id", sa.Text(), primary_key=True),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", Moment()),
        sa.Column("applied_created", Moment()),
        sa.Column("applied_event_id", sa.Text()),
        sa.Column("fetched_at", Moment()),
    )
    op.create_table(
        "subscription_changes",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("relationship_id", sa.Text(), nullable=False),
        sa.Column("effective_at", Moment(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("billing_period", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("list_arr_cents", sa.Integer(), nullable=False),
        sa.Column("net_arr_cents", sa.Integer(), nullable=False),
        sa.Column("is_gift", sa.Boolean(), nullable=False),
        sa.Column("collection_paused", sa.Boolean(), nullable=False),
        sa.Column("set_to_cancel", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text()),
        sa.CheckConstraint("source IN ('action', 'event', 'backfill')", name="subscription_changes_source"),
        sa.CheckConstraint("cause IN ('voluntary', 'involuntary')", name="subscription_changes_cause"),
    )
    op.create_index(
        "idx_subscription_changes_couple", "subscription_changes", ["relationship_id", "effective_at", "seq"]
    )
    op.create_index("idx_subscription_changes_effective", "subscription_changes", ["effective_at", "seq"])
    op.create_index(
        "idx_subscription_changes_subscription",
        "subscription_changes",
        ["subscription_id", "effective_at", "seq"],
    )
    op.create_table(
        "admin_refund_limits",
        sa.Column("holder", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("limit_cents", sa.Integer(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "admin_refund_attempts",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("admin_user_id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("limit_cents", sa.Integer(), nullable=False),
        sa.Column("used_cents", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("refusal", sa.Text()),
    )
    op.create_index(
        "idx_admin_refund_attempts_actor", "admin_refund_attempts", ["admin_user_id", "currency", "at"]
    )
    op.create_index("idx_admin_refund_attempts_refund", "admin_refund_attempts", ["refund_id", "at"])
    op.create_table(
        "admin_metric_daily",
        sa.Column("day", Day(), primary_key=True),
        sa.Column("policy", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("plan_id", sa.Text(), primary_key=True, server_default=sa.text("''")),
        sa.Column("billing_period", sa.Text(), primary_key=True, server_default=sa.text("''")),
        sa.Column("source", sa.Text(), primary_key=True, server_default=sa.text("''")),
        sa.Column("arr_cents", TotalCents, nullable=False),
        sa.Column("subscriptions", sa.Integer(), nullable=False),
        sa.Column("couples", sa.Integer()),
        sa.Column("new_arr_cents", TotalCents, nullable=False, server_default=sa.text("0")),
        sa.Column("reactivation_arr_cents", TotalCents, nullable=False, server_default=sa.text("0")),
        sa.Column("expansion_arr_cents", TotalCents, nullable=False, server_default=sa.text("0")),
        sa.Column("contraction_arr_cents", TotalCents, nullable=False, server_default=sa.text("0")),
        sa.Column("churn_arr_cents", TotalCents, nullable=False, server_default=sa.text("0")),
        sa.Column("new_couples", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("reactivated_couples", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("churned_couples", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("computed_at", Moment(), nullable=False),
    )
    # The empty chain: the first entry follows 64 zeros.
    columns = sa.column("id", sa.Integer), sa.column("seq", sa.Integer), sa.column("hash", sa.Text)
    op.execute(sa.table("admin_audit_head", *columns).insert().values(id=1, seq=0, hash="0" * 64))


def downgrade() -> None:
    refuse_when_filled(KEPT)
    for table in reversed(TABLES):
        op.drop_table(table)
