"""Taking over the app's own database: nothing is lost, and nothing is touched that does not fit."""

import hashlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from lib.core import schema
from lib.core.database import open_engine
from lib.core.errors import Invalid, Refused
from lib.models import User, masks
from lib.models.types import sortable
from tests.databases import opened
from tests.revisions import NEWEST, OURS

ROWS = """
INSERT INTO users (id, email, name, created_at) VALUES
    ('u1', 'first@example.org', 'First', '2026-01-30 09:00:00'),
    ('u2', 'second@example.org', 'Second', '2026-01-30T08:00:00.000Z'),
    ('u3', 'third@example.org', 'Third', 'a while ago');
INSERT INTO relationships (id, user_1_id, user_2_id) VALUES
    ('r1', 'u1', 'u2'), ('r2', 'u2', 'u1'), ('r3', 'u1', 'u1');
"""


def test_the_apps_database_is_adopted_with_its_rows(apps_own: Path) -> None:
    _run(apps_own, ROWS)

    with opened(f"sqlite:///{apps_own}") as engine:
        report = schema.adopt(engine)
        checked = schema.check(engine)
        with Session(engine) as session, masks.unmasked():
            newest_first = select(User.name, User.created_at).order_by(sortable(User.created_at).desc())
            people = [tuple(row) for row in session.execute(newest_first)]

    assert report.other_tables == ("push_subscriptions",)
    assert report.applied == OURS
    assert checked.is_good
    assert people == [
        ("Third", None),
        ("First", datetime(2026, 1, 30, 9, tzinfo=UTC)),
        ("Second", datetime(2026, 1, 30, 8, tzinfo=UTC)),
    ]


def test_what_the_app_reads_is_the_same_after_the_adoption(apps_own: Path) -> None:
    _run(apps_own, ROWS)
    before = _dump(apps_own)

    with opened(f"sqlite:///{apps_own}") as engine:
        schema.adopt(engine)

    assert before <= _dump(apps_own)


def test_an_adopted_database_has_the_schema_of_one_that_we_made(apps_own: Path, full_sqlite: Engine) -> None:
    with opened(f"sqlite:///{apps_own}") as engine:
        schema.adopt(engine)
        adopted = schema.manifest_of(engine)

    adopted.pop("push_subscriptions")
    assert schema.differences(schema.manifest_of(full_sqlite), adopted) == []


MISFITS = {
    "DROP TABLE partner_analytics": "The table partner_analytics is missing.",
    "ALTER TABLE users DROP COLUMN nickname": "The column users.nickname is missing.",
    "ALTER TABLE users ADD COLUMN shoe_size INTEGER": "There is an unexpected column users.shoe_size.",
    "DROP INDEX idx_refunds_status": "In refunds the index idx_refunds_status is missing.",
    "CREATE INDEX idx_more ON refunds(notes)": "In refunds the index idx_more is unexpected.",
    "CREATE TABLE admin_users (id TEXT)": "There is a table admin_users",
    "CREATE INDEX idx_admin_users_email ON push_subscriptions(endpoint)": "push_subscriptions has an index",
    "DROP INDEX idx_refunds_status; CREATE INDEX idx_refunds_status ON refunds(status, notes)": (
        "In refunds the index idx_refunds_status differs: columns is (status, notes) instead of (status)."
    ),
    "DROP TABLE ai_credits; CREATE TABLE ai_credits (id TEXT PRIMARY KEY, credits_amount TEXT)": (
        "The column ai_credits.credits_amount is TEXT nullable instead of INTEGER NOT NULL."
    ),
    "DROP TABLE error_logs; CREATE TABLE error_logs (id TEXT PRIMARY KEY, severity TEXT)": (
        "The table error_logs lacks CHECK (severity IN ('low', 'medium', 'high', 'critical'))."
    ),
}


@pytest.mark.parametrize(("change", "sentence"), MISFITS.items(), ids=range(len(MISFITS)))
def test_a_database_that_does_not_fit_is_refused_and_not_a_byte_of_it_changes(
    apps_own: Path, change: str, sentence: str
) -> None:
    _run(apps_own, ROWS + change)
    before = _bytes(apps_own)

    with pytest.raises(Refused) as refused:
        schema.adopt(open_engine(f"sqlite:///{apps_own}"))

    assert f"- {sentence}" in str(refused.value)
    assert _bytes(apps_own) == before


def test_every_difference_is_listed(apps_own: Path) -> None:
    _run(apps_own, "DROP INDEX idx_refunds_status; DROP INDEX idx_users_email; DROP TABLE ai_credits")

    with pytest.raises(Refused) as refused:
        schema.adopt(open_engine(f"sqlite:///{apps_own}"))

    assert str(refused.value).count("\n- ") == 3


def test_a_database_of_ours_is_not_adopted_again(full_sqlite: Engine) -> None:
    with pytest.raises(Refused, match=f"ours already, at revision {NEWEST}"):
        schema.adopt(full_sqlite)


@pytest.mark.postgres
def test_postgresql_is_not_adopted(empty_postgres_url: str) -> None:
    with pytest.raises(Refused, match="Only a SQLite or D1 database"):
        schema.adopt(open_engine(empty_postgres_url))


def test_a_file_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is no database file"):
        schema.adopt(open_engine(f"sqlite:///{tmp_path / 'none.db'}"))

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, " * 100)

    with pytest.raises(Invalid, match="cannot be read as a SQLite database"):
        schema.adopt(open_engine(f"sqlite:///{tmp_path / 'letter.db'}"))


def _run(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def _dump(path: Path) -> set[str]:
    """Every statement that would make the database again."""
    connection = sqlite3.connect(path)
    statements = set(connection.iterdump())
    connection.close()
    return statements


def _bytes(path: Path) -> dict[str, str]:
    """What lies in the folder, the journals of SQLite with it."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.parent.iterdir()}
