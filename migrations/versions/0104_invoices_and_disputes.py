"""Revision 0104: Stripe's invoices and disputes, as it last told of them; payments by kind and by amount.

They stand beside the app's tables and reference none of them by foreign key, which would block or widen the
app's own deletions.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Moment

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None


PAYMENTS_BY = {
    "idx_admin_payment_transactions_type_created": "transaction_type",
    "idx_admin_payment_transactions_amount_created": "amount_cents",
}
"""Indexes on the app's table: the list of payments, newest first, of one kind or amount."""


def upgrade() -> None:
    op.create_table(
        "admin_invoices",
        sa.Column("stripe_invoice_id", sa.Text(), primary_key=True),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("stripe_customer_id", sa.Text()),
        sa.Column("number", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_due_cents", sa.Integer(), nullable=False),
        sa.Column("amount_paid_cents", sa.Integer(), nullable=False),
        sa.Column("amount_remaining_cents", sa.Integer(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Moment()),
        sa.Column("issued_at", Moment()),
        sa.Column("told_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'open', 'paid', 'void', 'uncollectible')", name="admin_invoices_status"
        ),
    )
    op.create_index(
        "idx_admin_invoices_status", "admin_invoices", ["status", "next_attempt_at", "stripe_invoice_id"]
    )
    op.create_index("idx_admin_invoices_payment", "admin_invoices", ["payment_id"])
    op.create_table(
        "admin_disputes",
        sa.Column("stripe_dispute_id", sa.Text(), primary_key=True),
        sa.Column("payment_id", sa.Text()),
        sa.Column("stripe_charge_id", sa.Text()),
        sa.Column("stripe_payment_intent_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("evidence_due_at", Moment()),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("told_at", Moment(), nullable=False),
    )
    op.create_index(
        "idx_admin_disputes_status", "admin_disputes", ["status", "evidence_due_at", "stripe_dispute_id"]
    )
    op.create_index("idx_admin_disputes_payment", "admin_disputes", ["payment_id"])
    on_sqlite = op.get_context().dialect.name == "sqlite"
    # The one form of a moment that sorts: `lib.models.types.sortable` compiles to the same text.
    created = sa.text("replace(substr(created_at, 1, 19), 'T', ' ')") if on_sqlite else "created_at"
    for name, column in PAYMENTS_BY.items():
        op.create_index(name, "payment_transactions", [column, created, "id"])


def downgrade() -> None:
    for name in PAYMENTS_BY:
        op.drop_index(name, "payment_transactions")
    # Stripe can be asked for all of it again.
    op.drop_table("admin_disputes")
    op.drop_table("admin_invoices")
