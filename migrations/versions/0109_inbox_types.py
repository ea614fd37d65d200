"""Revision 0109: events of one type, newest first, from an index."""

from alembic import op

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("idx_admin_inbox_type", "admin_inbox", ["event_type", "received_at", "event_id"])


def downgrade() -> None:
    op.drop_index("idx_admin_inbox_type", table_name="admin_inbox")
