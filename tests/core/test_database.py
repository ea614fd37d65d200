"""A database address that cannot work is refused in a sentence, never with its password."""

from pathlib import Path

import pytest

from lib.core.database import Database, shown
from lib.core.errors import Invalid

PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://admin:hunter2@db/admin", "mysql"),
        ("not a url hunter2", "not a database address"),
        ("", "not a database address"),
        ("http://admin:hunter2@db", "sqlite:///path or postgresql://"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:////no/such/folder/admin.db", "/no/such/folder"),
        ("postgresql://admin:hunter2@db:port/admin", "not a database address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refusal:
        Database(url)

    assert PASSWORD not in str(refusal.value)


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    database = Database(f"postgresql://admin:{PASSWORD}@127.0.0.1:1/admin")

    with pytest.raises(Invalid, match=r"127\.0\.0\.1:1/admin does not answer.*DATABASE_URL") as refusal:
        database.ping()

    assert PASSWORD not in str(refusal.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, this is a letter and no database at all.\n" * 20)

    with pytest.raises(Invalid, match="not a database"):
        Database(f"sqlite:///{path}").ping()


def test_a_database_that_answers_is_silent(database: Database) -> None:
    database.ping()

    assert PASSWORD not in shown(database.primary.url)


def test_on_sqlite_rows_are_durable_and_foreign_keys_are_kept(sqlite: Database) -> None:
    with sqlite.primary.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_without_a_replica_reads_go_to_the_primary(sqlite: Database) -> None:
    assert sqlite.replica is sqlite.primary


def test_a_replica_is_its_own_engine(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url, replica_url=f"sqlite:///{tmp_path / 'replica.db'}")

    assert database.replica is not database.primary
    database.dispose()
