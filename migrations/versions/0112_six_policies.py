"""Revision 0112: what six policies of recurring revenue need to know.

The ledger learns how much of a discount lasts for ever, how a couple came, and until when an entry holds: the
database itself keeps the last one, by a trigger, because a figure that reads it must be right whoever wrote.
Two indexes hold all that a policy looks at, in the order of time.

`admin_couple_moves` takes the place of `admin_couple_movements`: a movement that several policies share is one
row. The next daily run fills it; the former one stays, since revisions only add, and nothing reads it.
"""

import sqlalchemy as sa
from alembic import op

from lib.models.types import Day, Moment, TotalCents

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None

_LEDGER = "subscription_changes"
_COUNTED = [
    "status",
    "collection_paused",
    "set_to_cancel",
    "is_gift",
    "list_arr_cents",
    "net_arr_cents",
    "goodwill_arr_cents",
    "forever_arr_cents",
]
_ZERO = {"nullable": False, "server_default": sa.text("0")}
_MOVEMENTS = "movement IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')"
_DAY_COLUMNS = (
    ("involuntary_churn_arr_cents", TotalCents),
    ("expanded_couples", sa.Integer()),
    ("contracted_couples", sa.Integer()),
    ("involuntary_churned_couples", sa.Integer()),
)
# The entry before a new one in its subscription's chain ends; one that is added late ends as well.
_BEFORE = """
    UPDATE subscription_changes SET superseded_at = NEW.effective_at WHERE seq = (
        SELECT earlier.seq FROM subscription_changes AS earlier
        WHERE earlier.subscription_id = NEW.subscription_id AND earlier.effective_at <= NEW.effective_at
          AND (earlier.effective_at < NEW.effective_at OR earlier.seq < NEW.seq)
        ORDER BY earlier.effective_at DESC, earlier.seq DESC LIMIT 1);
"""
_AFTER = """
    UPDATE subscription_changes SET superseded_at = (
        SELECT later.effective_at FROM subscription_changes AS later
        WHERE later.subscription_id = NEW.subscription_id AND later.effective_at >= NEW.effective_at
          AND (later.effective_at > NEW.effective_at OR later.seq > NEW.seq)
        ORDER BY later.effective_at, later.seq LIMIT 1)
    WHERE seq = NEW.seq AND EXISTS (
        SELECT 1 FROM subscription_changes AS later
        WHERE later.subscription_id = NEW.subscription_id AND later.effective_at >= NEW.effective_at
          AND (later.effective_at > NEW.effective_at OR later.seq > NEW.seq));
"""


def upgrade() -> None:
    op.add_column(_LEDGER, sa.Column("forever_arr_cents", sa.Integer(), **_ZERO))
    op.add_column(_LEDGER, sa.Column("acquired_via", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column(_LEDGER, sa.Column("superseded_at", Moment()))
    _fill_what_older_entries_lack()
    op.create_index("idx_subscription_changes_begun", _LEDGER, ["currency", "effective_at", "seq", *_COUNTED])
    op.create_index(
        "idx_subscription_changes_over",
        _LEDGER,
        ["currency", "superseded_at", *_COUNTED],
        sqlite_where=sa.text("superseded_at IS NOT NULL"),
        postgresql_where=sa.text("superseded_at IS NOT NULL"),
    )
    _create_trigger()
    for name, kind in _DAY_COLUMNS:
        op.add_column("admin_metric_daily", sa.Column(name, kind, **_ZERO))
    op.create_table(
        "admin_couple_moves",
        sa.Column("day", Day(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("relationship_id", sa.Text(), primary_key=True),
        sa.Column("policies", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("before_arr_cents", sa.Integer(), nullable=False),
        sa.Column("after_arr_cents", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.CheckConstraint(_MOVEMENTS, name="admin_couple_moves_movement"),
        sqlite_with_rowid=False,
    )


def _fill_what_older_entries_lack() -> None:
    op.execute(
        """
        UPDATE subscription_changes SET superseded_at = chain.following FROM (
            SELECT seq, lead(effective_at) OVER (PARTITION BY subscription_id ORDER BY effective_at, seq)
                AS following
            FROM subscription_changes) AS chain
        WHERE chain.seq = subscription_changes.seq AND chain.following IS NOT NULL
        """
    )
    op.execute(
        """
        UPDATE subscription_changes SET acquired_via = came.via FROM (
            SELECT relationship_id, min(joined_via) AS via FROM user_cohorts
            WHERE relationship_id IS NOT NULL AND joined_via IS NOT NULL GROUP BY relationship_id) AS came
        WHERE came.relationship_id = subscription_changes.relationship_id
        """
    )


def _create_trigger() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER subscription_changes_chain AFTER INSERT ON {_LEDGER} BEGIN {_BEFORE}{_AFTER} END"
        )
        return
    op.execute(
        f"CREATE FUNCTION subscription_changes_chain() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {_BEFORE}{_AFTER} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER subscription_changes_chain AFTER INSERT ON {_LEDGER} "
        "FOR EACH ROW EXECUTE FUNCTION subscription_changes_chain()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER subscription_changes_chain")
    else:
        op.execute(f"DROP TRIGGER subscription_changes_chain ON {_LEDGER}")
        op.execute("DROP FUNCTION subscription_changes_chain()")
    op.drop_table("admin_couple_moves")
    for name, _ in reversed(_DAY_COLUMNS):
        op.drop_column("admin_metric_daily", name)
    op.drop_index("idx_subscription_changes_over", _LEDGER)
    op.drop_index("idx_subscription_changes_begun", _LEDGER)
    for name in ("superseded_at", "acquired_via", "forever_arr_cents"):
        op.drop_column(_LEDGER, name)
