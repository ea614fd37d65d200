"""Up, down, all or nothing, and only with revisions that nobody edited."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, text

from lib.core import schema
from lib.core.database import open_engine
from lib.core.errors import Invalid, Refused
from lib.core.schema import revisions
from lib.models import AuditHead
from tests.databases import opened
from tests.revisions import ALL, NEWEST, OURS


def test_up_down_and_up_again_end_where_they_began(empty: Engine) -> None:
    assert schema.upgrade(empty) == ALL
    first = schema.manifest_of(empty)

    assert schema.downgrade(empty, "base") == ALL[::-1]
    assert schema.manifest_of(empty) == {}
    assert schema.upgrade(empty) == ALL
    assert schema.manifest_of(empty) == first


def test_an_upgrade_of_a_database_at_the_newest_revision_does_nothing(full: Engine) -> None:
    assert schema.upgrade(full) == ()


def test_a_revision_may_be_named_in_full(empty: Engine) -> None:
    assert schema.upgrade(empty, "0002_payment_subscription_schema") == ("0001", "0002")


def test_a_revision_that_does_not_exist_is_refused_in_a_sentence(empty: Engine) -> None:
    with pytest.raises(Invalid, match="9999"):
        schema.upgrade(empty, "9999")

    assert schema.manifest_of(empty) == {}


def test_the_audit_chain_starts_with_its_head(full: Engine) -> None:
    with full.connect() as connection:
        head = connection.execute(select(AuditHead.id, AuditHead.seq, AuditHead.hash)).one()

    assert tuple(head) == (1, 0, "0" * 64)


def test_processes_that_upgrade_at_once_wait_for_each_other(empty: Engine) -> None:
    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(lambda _: schema.upgrade(empty), range(3)))

    assert sorted(applied) == [(), (), ALL]


def test_a_revision_that_fails_leaves_nothing_behind(empty: Engine, scratch_migrations: Path) -> None:
    (scratch_migrations / "versions" / "9000_fails.py").write_text(
        "from alembic import op\n"
        f"revision, down_revision, branch_labels, depends_on = '9000', '{NEWEST}', None, None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half_done (id INTEGER)')\n"
        "    raise ZeroDivisionError\n"
    )

    with pytest.raises(ZeroDivisionError):
        schema.upgrade(empty)

    assert inspect(empty).get_table_names() == []


WEBHOOK = "INSERT INTO stripe_webhooks (id, event_id, event_type, event_data) VALUES ('w', 'e', 't', '{}')"


@pytest.mark.parametrize(
    ("row", "to"),
    [
        ("INSERT INTO users (id, email, name) VALUES ('u', 'a@example.org', 'A')", "base"),
        (WEBHOOK, "0001"),
        ("INSERT INTO error_logs (id, error_type, error_message) VALUES ('e', 'x', 'y')", "0002"),
    ],
)
def test_a_production_revision_is_not_taken_back_while_its_tables_hold_rows(
    full: Engine, row: str, to: str
) -> None:
    with full.begin() as connection:
        connection.execute(text(row))
    before = schema.manifest_of(full)

    with pytest.raises(Refused, match="hold rows"):
        schema.downgrade(full, to)

    assert schema.manifest_of(full) == before
    assert schema.check(full).is_good


AUDITED = """
    INSERT INTO admin_audit_log (seq, at, actor_id, actor_email, actor_role, action, outcome, payload_digest,
        previous_hash, hash)
    VALUES (1, '2026-01-30 09:00:00', 'a', 'a@example.org', 'admin', 'x', 'done', 'd', 'p', 'h')
"""
OPERATION = """
    INSERT INTO admin_stripe_operations (id, kind, object_type, object_id, params, params_digest, state,
        next_attempt_at, requested_by, requested_by_email, reason, prepared_at)
    VALUES ('o', 'refund', 'refunds', 'r', '{}', 'd', 'prepared', '2026-01-30 09:00:00', 'a', 'a@example.org',
        'because', '2026-01-30 09:00:00')
"""


@pytest.mark.parametrize(
    ("row", "table"), [(AUDITED, "admin_audit_log"), (OPERATION, "admin_stripe_operations")]
)
def test_our_tables_are_not_taken_back_while_they_hold_an_audit_entry_or_an_operation(
    full: Engine, row: str, table: str
) -> None:
    with full.begin() as connection:
        connection.execute(text(row))

    with pytest.raises(Refused, match=table):
        schema.downgrade(full, "0003")

    assert schema.check(full).is_good


def test_an_edited_revision_is_refused_by_name(empty: Engine, scratch_migrations: Path) -> None:
    file = scratch_migrations / "versions" / "0002_payment_subscription_schema.py"
    file.write_text(file.read_text() + "\n# a harmless word\n")

    with pytest.raises(Refused, match=r"0002_payment_subscription_schema\.py"):
        schema.upgrade(empty)

    assert schema.manifest_of(empty) == {}
    assert schema.check(empty).edited == ("0002_payment_subscription_schema.py",)


def test_a_revision_that_was_removed_is_refused_by_name(empty: Engine, scratch_migrations: Path) -> None:
    (scratch_migrations / "versions" / "0101_indexes.py").unlink()

    with pytest.raises(Refused, match=r"0101_indexes\.py"):
        schema.upgrade(empty)


def test_every_revision_is_pinned_and_pinning_never_changes_an_old_checksum(scratch_migrations: Path) -> None:
    assert schema.pin() == ()
    edited = scratch_migrations / "versions" / "0101_indexes.py"
    edited.write_text("# emptied")
    (scratch_migrations / "versions" / "9000_new.py").write_text("# new")

    assert schema.pin() == ("9000_new.py",)
    assert revisions.edited_revisions() == ("0101_indexes.py",)


def test_a_database_with_tables_of_somebody_else_is_refused(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))

    with pytest.raises(Refused, match="db adopt"):
        schema.upgrade(empty)

    assert inspect(empty).get_table_names() == ["invoices"]


def test_a_database_of_a_newer_version_is_refused(full: Engine) -> None:
    with full.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))

    for attempt in (schema.upgrade, schema.check):
        with pytest.raises(Refused, match="0999"):
            attempt(full)


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, " * 100)

    with pytest.raises(Invalid, match="does not answer: file is not a database"):
        schema.upgrade(open_engine(f"sqlite:///{tmp_path / 'letter.db'}"))


def test_a_server_that_cannot_be_reached_is_refused_without_its_password() -> None:
    engine = open_engine("postgresql://admin:open-sesame@127.0.0.1:1/admin?connect_timeout=2")

    with pytest.raises(Invalid, match="does not answer") as refused:
        schema.upgrade(engine)

    assert "open-sesame" not in str(refused.value)


# The ledger's own, which closes the entry before a new one.
_OF_THE_TRIGGER = {"CREATE TRIGGER", "CREATE FUNCTION", "RETURN NULL", "END", "END $$"}


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_our_revisions_never_change_a_table_of_production(dialect: str) -> None:
    statements = _statements(schema.as_sql(dialect, "0003", "head"))

    kinds = {_kind(statement) for statement in statements}
    assert kinds - {"DO", "BEGIN", "COMMIT", *_OF_THE_TRIGGER} == {
        "CREATE TABLE",
        "CREATE INDEX",
        "INSERT INTO",
        "ALTER TABLE",
        "UPDATE alembic_version",
        "UPDATE subscription_changes",
    }
    created = {statement.split()[2] for statement in statements if _kind(statement) == "CREATE TABLE"}
    altered = [statement for statement in statements if _kind(statement) == "ALTER TABLE"]
    assert not created & schema.production().keys()
    assert not {statement.split()[2] for statement in altered} & schema.production().keys()
    assert all(" ADD COLUMN " in statement for statement in altered)
    assert not [s for s in statements if re.search(r"\b(DROP|DELETE|RENAME)\b", s)]


def test_the_sql_of_an_upgrade_makes_the_same_schema_by_hand(apps_own: Path, full_sqlite: Engine) -> None:
    sql = schema.as_sql("sqlite", "0003", "head")
    without_version = re.sub(r"UPDATE alembic_version[^;]*;", "", sql)
    with sqlite3.connect(apps_own) as connection:
        connection.executescript(without_version)
    connection.close()

    with opened(f"sqlite:///{apps_own}") as engine:
        by_hand = schema.manifest_of(engine)

    by_hand.pop("push_subscriptions")
    assert schema.differences(schema.manifest_of(full_sqlite), by_hand) == []


def test_a_downgrade_is_not_rendered_as_text() -> None:
    with pytest.raises(Invalid, match="only an upgrade can be written as SQL"):
        schema.as_sql("sqlite", "0003", "0002")


def test_check_names_what_is_pending(empty: Engine) -> None:
    schema.upgrade(empty, "0003")

    report = schema.check(empty)

    assert (report.revision, report.pending, report.differences) == ("0003", OURS, ())
    assert not report.is_good


def test_check_says_how_a_table_differs(full: Engine) -> None:
    with full.begin() as connection:
        connection.execute(text("DROP INDEX idx_refunds_status"))
        connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size INTEGER"))

    assert schema.check(full).differences == (
        "There is an unexpected column users.shoe_size.",
        "In refunds the index idx_refunds_status is missing.",
    )


def _statements(sql: str) -> list[str]:
    blocks = re.sub(r"--[^\n]*", "", re.sub(r"DO \$\$.*?\$\$", "DO", sql, flags=re.DOTALL))
    return [statement.strip() for statement in blocks.split(";") if statement.strip()]


def _kind(statement: str) -> str:
    words = statement.split()
    return words[0] if words[0] in {"DO", "BEGIN", "COMMIT"} else " ".join(words[:2])
