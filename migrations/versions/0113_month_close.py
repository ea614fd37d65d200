"""Revision 0113: the month close: frozen figures, payments tied to Stripe's balance, exchange rates."""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents
from migrations.guards import refuse_when_filled

revision = "0113"
down_revision = "0112"
branch_labels = None
depends_on = None

TABLES = (
    "admin_month_closes",
    "admin_month_close_lines",
    "admin_payment_reconciliations",
    "admin_reconciled_payments",
    "admin_exchange_rates",
)
# What was reported, and what people typed.
KEPT = ("admin_month_closes", "admin_month_close_lines", "admin_exchange_rates")
_NUMBER = {"nullable": False, "server_default": sa.text("0")}


def upgrade() -> None:
    _closes()
    _reconciliations()
    op.create_table(
        "admin_exchange_rates",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reporting_currency", sa.Text(), nullable=False),
        sa.Column("valid_from", Day(), nullable=False),
        sa.Column("rate", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_by_email", sa.Text(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
    )
    op.create_index(
        "idx_admin_exchange_rates_pair",
        "admin_exchange_rates",
        ["reporting_currency", "currency", "valid_from", "recorded_at", "id"],
    )
    _indexes()


def _closes() -> None:
    op.create_table(
        "admin_month_closes",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("month", Day(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reporting_currency", sa.Text(), nullable=False),
        sa.Column("as_of", Moment()),
        sa.Column("ledger_seq", sa.Integer(), nullable=False),
        sa.Column("audit_seq", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closed_by_email", sa.Text(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=False),
        sa.UniqueConstraint("month", "version", name="admin_month_closes_version"),
    )
    op.create_table(
        "admin_month_close_lines",
        sa.Column("close_id", sa.Text(), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", TotalCents),
        sa.Column("why_not", sa.Text()),
    )


def _reconciliations() -> None:
    op.create_table(
        "admin_payment_reconciliations",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("month", Day(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("open_key", sa.Text(), unique=True),
        sa.Column("expected", sa.Integer(), **_NUMBER),
        sa.Column("compared", sa.Integer(), **_NUMBER),
        sa.Column("requests", sa.Integer(), **_NUMBER),
        sa.Column("asked_by_email", sa.Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("started_at", Moment()),
        sa.Column("finished_at", Moment()),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "state IN ('asked', 'running', 'done', 'failed')", name="admin_payment_reconciliations_state"
        ),
        sa.CheckConstraint(
            "stage IN ('stripe', 'payments', 'refunds', 'disputes', 'through')",
            name="admin_payment_reconciliations_stage",
        ),
    )
    op.create_index(
        "idx_admin_payment_reconciliations_month",
        "admin_payment_reconciliations",
        ["month", "state", "asked_at", "id"],
    )
    op.create_table(
        "admin_reconciled_payments",
        sa.Column("reconciliation_id", sa.Text(), primary_key=True),
        sa.Column("object_id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("ours_cents", sa.Integer()),
        sa.Column("theirs_cents", sa.Integer()),
        sa.Column("settled_currency", sa.Text()),
        sa.Column("fee_cents", sa.Integer()),
        sa.Column("net_cents", sa.Integer()),
        sa.Column("moved_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('payment', 'refund', 'dispute', 'payout', 'other')",
            name="admin_reconciled_payments_kind",
        ),
        sa.CheckConstraint(
            "state IN ('matched', 'other_month', 'amount_differs', 'only_ours', 'only_theirs', 'no_payment')",
            name="admin_reconciled_payments_state",
        ),
    )
    op.create_index(
        "idx_admin_reconciled_payments_state",
        "admin_reconciled_payments",
        ["reconciliation_id", "state", "moved_at", "object_id"],
    )
    op.create_index(
        "idx_admin_reconciled_payments_payment",
        "admin_reconciled_payments",
        ["reconciliation_id", "payment_id", "kind"],
    )


def _indexes() -> None:
    """What a month's cash is summed from, read from an index alone, and which entries came late."""
    on_sqlite = op.get_context().dialect.name == "sqlite"
    processed = sa.text("replace(substr(processed_at, 1, 19), 'T', ' ')") if on_sqlite else "processed_at"
    op.create_index(
        "idx_admin_payment_transactions_processed",
        "payment_transactions",
        [processed, "status", "currency", "amount_cents", "id"],
    )
    op.create_index(
        "idx_admin_refunds_processed", "refunds", [processed, "status", "refund_amount_cents", "id"]
    )
    op.create_index("idx_subscription_changes_recorded", "subscription_changes", ["recorded_at", "seq"])


def downgrade() -> None:
    refuse_when_filled(KEPT)
    op.drop_index("idx_subscription_changes_recorded", "subscription_changes")
    op.drop_index("idx_admin_refunds_processed", "refunds")
    op.drop_index("idx_admin_payment_transactions_processed", "payment_transactions")
    for table in reversed(TABLES):
        op.drop_table(table)
