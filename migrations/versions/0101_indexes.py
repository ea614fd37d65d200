"""Revision 0101: indexes that production lacks, for what staff look at and for the app's own deletions.

Every name begins with `idx_admin_`, which is how the rest of the program knows that an index is ours. Only
CREATE INDEX and DROP INDEX: a table of the app is never rebuilt.
"""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

# Foreign keys without an index: without one, deleting a row of the parent reads the child from end to end.
# (The 24th, ab_test_assignments.variant_id, leads a wider index below.)
FOREIGN_KEYS = (
    ("relationships", "user_2_id"),
    ("important_dates", "created_by_user_id"),
    ("shared_goals", "created_by_user_id"),
    ("activities", "created_by_user_id"),
    ("communication_log", "initiated_by_user_id"),
    ("challenge_participation", "challenge_id"),
    ("challenge_entries", "user_id"),
    ("user_achievements", "achievement_id"),
    ("user_achievements", "earned_by_user_id"),
    ("notifications", "relationship_id"),
    ("subscriptions", "gift_from_user_id"),
    ("subscriptions", "plan_id"),
    ("user_addons", "addon_id"),
    ("refunds", "relationship_id"),
    ("refunds", "user_id"),
    ("discount_usage", "relationship_id"),
    ("discount_usage", "transaction_id"),
    ("page_views", "relationship_id"),
    ("conversion_funnels", "relationship_id"),
    ("ab_test_assignments", "relationship_id"),
    ("user_cohorts", "relationship_id"),
    ("error_logs", "relationship_id"),
    ("error_logs", "user_id"),
)

# What Stripe's events name, so that each finds its row.
STRIPE_OBJECTS = (
    ("payment_transactions", "stripe_charge_id"),
    ("refunds", "stripe_refund_id"),
    ("user_addons", "stripe_subscription_id"),
    ("ai_credits", "stripe_payment_id"),
)

# Lists, newest first: name, table, the columns that a filter fixes, the moment; the key breaks ties.
NEWEST_FIRST = (
    ("users_created", "users", (), "created_at"),
    ("users_updated", "users", (), "updated_at"),
    ("relationships_created", "relationships", (), "created_at"),
    ("relationships_status_created", "relationships", ("status",), "created_at"),
    ("subscriptions_created", "subscriptions", (), "created_at"),
    ("subscriptions_status_created", "subscriptions", ("status",), "created_at"),
    ("payment_transactions_created", "payment_transactions", (), "created_at"),
    ("payment_transactions_status_created", "payment_transactions", ("status",), "created_at"),
    ("refunds_requested", "refunds", (), "requested_at"),
    ("refunds_status_requested", "refunds", ("status",), "requested_at"),
    ("stripe_webhooks_created", "stripe_webhooks", (), "created_at"),
    ("discount_codes_created", "discount_codes", (), "created_at"),
    ("discount_usage_code_used", "discount_usage", ("discount_id",), "used_at"),
    ("notifications_created", "notifications", (), "created_at"),
    ("notifications_user_created", "notifications", ("user_id",), "created_at"),
    ("analytics_events_user_created", "analytics_events", ("user_id",), "created_at"),
    ("error_logs_created", "error_logs", (), "created_at"),
    ("error_logs_resolved_created", "error_logs", ("resolved",), "created_at"),
    ("error_logs_severity_created", "error_logs", ("severity",), "created_at"),
)


def upgrade() -> None:
    on_sqlite = op.get_context().dialect.name == "sqlite"
    for table, column in (*FOREIGN_KEYS, *STRIPE_OBJECTS):
        op.create_index(f"idx_admin_{table}_{column}", table, [column])
    for name, table, fixed, moment in NEWEST_FIRST:
        op.create_index(f"idx_admin_{name}", table, [*fixed, _in_order(moment, on_sqlite), "id"])
    _partial_and_covering(on_sqlite)
    if on_sqlite:
        op.create_index("idx_admin_users_email", "users", [sa.text("email COLLATE NOCASE")])
        op.create_index("idx_admin_users_name", "users", [sa.text("name COLLATE NOCASE")])
    else:
        op.create_index("idx_admin_users_email", "users", [sa.text('lower(email) COLLATE "C"')])
        op.create_index("idx_admin_users_name", "users", [sa.text('lower(name) COLLATE "C"')])
        op.execute(TRIGRAMS)


def downgrade() -> None:
    names = [f"{table}_{column}" for table, column in (*FOREIGN_KEYS, *STRIPE_OBJECTS)]
    names += [name for name, *_ in NEWEST_FIRST]
    names += ["error_logs_critical", "subscriptions_active_user", "subscriptions_plans"]
    names += ["subscriptions_set_to_cancel", "inbox_state_received"]
    names += ["ab_test_assignments_variant_id", "users_email", "users_name"]
    names += ["audit_log_actor_seq", "audit_log_action", "audit_log_outcome", "stripe_operations_couple"]
    for name in names:
        op.drop_index(f"idx_admin_{name}")
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP INDEX IF EXISTS idx_admin_users_email_trigrams")
        op.execute("DROP INDEX IF EXISTS idx_admin_users_name_trigrams")
        op.execute("DROP INDEX IF EXISTS idx_admin_users_nickname_trigrams")


def _in_order(moment: str, on_sqlite: bool) -> "str | sa.TextClause":
    """A moment in the one form that sorts. `lib.models.types.sortable` must compile to the same text."""
    return sa.text(f"replace(substr({moment}, 1, 19), 'T', ' ')") if on_sqlite else moment


def _partial_and_covering(on_sqlite: bool) -> None:
    critical, active = sa.text("severity = 'critical'"), sa.text("status = 'active'")
    op.create_index(
        "idx_admin_error_logs_critical",
        "error_logs",
        ["resolved", _in_order("created_at", on_sqlite), "id"],
        sqlite_where=critical,
        postgresql_where=critical,
    )
    op.create_index(
        "idx_admin_subscriptions_active_user",
        "subscriptions",
        ["user_id", "current_period_end"],
        sqlite_where=active,
        postgresql_where=active,
    )
    set_to_cancel = sa.text("status != 'canceled' AND canceled_at IS NOT NULL")
    op.create_index(
        "idx_admin_subscriptions_set_to_cancel",
        "subscriptions",
        [_in_order("created_at", on_sqlite), "id"],
        sqlite_where=set_to_cancel,
        postgresql_where=set_to_cancel,
    )
    # Stripe's events in one state, newest first.
    op.create_index("idx_admin_inbox_state_received", "admin_inbox", ["state", "received_at", "event_id"])
    # The audit trail, newest first, by who acted, what was done and how it ended.
    op.create_index("idx_admin_audit_log_actor_seq", "admin_audit_log", ["actor_id", "seq"])
    op.create_index("idx_admin_audit_log_action", "admin_audit_log", ["action", "seq"])
    op.create_index("idx_admin_audit_log_outcome", "admin_audit_log", ["outcome", "seq"])
    # What staff did for a couple, in its timeline.
    op.create_index(
        "idx_admin_stripe_operations_couple", "admin_stripe_operations", ["relationship_id", "prepared_at"]
    )
    # Subscriptions by plan, and the arms of a test, are counted from these alone.
    op.create_index(
        "idx_admin_subscriptions_plans",
        "subscriptions",
        ["status", "plan_id", "billing_period", "currency", "price_cents"],
    )
    op.create_index(
        "idx_admin_ab_test_assignments_variant_id",
        "ab_test_assignments",
        ["variant_id", "converted", "conversion_value_cents"],
    )


# Any part of a name or an address. Where the extension is not there, or not ours to create, search does
# without: it reads more rows and finds the same.
TRIGRAMS = """
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX idx_admin_users_email_trigrams ON users USING gin (email gin_trgm_ops);
    CREATE INDEX idx_admin_users_name_trigrams ON users USING gin (name gin_trgm_ops);
    CREATE INDEX idx_admin_users_nickname_trigrams ON users USING gin (nickname gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'pg_trgm is not available: people are searched without an index of trigrams';
END
$$
"""
