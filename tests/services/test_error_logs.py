from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import AuditEntry, ErrorLog
from lib.services import error_logs
from tests.factories import NOW, make_error, make_user
from tests.staff import FINANCE, PRODUCT, SUPPORT, do, read


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def ids(database: Database, **filters: Any) -> list[str]:
    return [row.id for row in read(database, SUPPORT, error_logs.error_logs.page, **filters).rows]


def stored(database: Database, key: str) -> ErrorLog:
    table = ErrorLog.__table__
    with database.primary.connect() as connection:
        return connection.execute(
            select(table.c.resolved, table.c.resolved_at).where(table.c.id == key)
        ).one()


def test_open_errors_come_newest_first(database: Database) -> None:
    make_error(database, "old", created_at=NOW - timedelta(hours=2))
    make_error(database, "new")
    make_error(database, "done", resolved=True, resolved_at=NOW)

    assert ids(database) == ["new", "old"]
    assert ids(database, state="resolved") == ["done"]
    assert ids(database, state=None) == ["new", "done", "old"]


def test_both_forms_of_a_moment_sort_together(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    for key, moment in (
        ("a", "2026-06-15 10:00:00"),
        ("b", "2026-06-15T09:00:00.000Z"),
        ("c", "2026-06-15 11:00:00"),
    ):
        make_error(database, key)
        with database.primary.begin() as connection:
            connection.exec_driver_sql("UPDATE error_logs SET created_at = ? WHERE id = ?", (moment, key))
    found = ids(database)
    database.dispose()

    assert found == ["c", "a", "b"]


def test_the_list_is_filtered_by_severity(database: Database) -> None:
    make_error(database, "bad", severity="critical")
    make_error(database, "meh", severity="low")

    assert ids(database, severity="critical") == ["bad"]
    assert ids(database, severity="low") == ["meh"]


@pytest.mark.parametrize("q", ["e1", "usr_9", "sess_1", "Payment", "declined by", "100 %_'\"\\"])
def test_a_search_finds_an_id_or_a_part_of_the_text_as_it_is_written(database: Database, q: str) -> None:
    make_user(database, id="usr_9")
    make_error(
        database,
        "e1",
        error_type="PaymentError",
        error_message="card declined by bank, 100 %_'\"\\ sure",
        user_id="usr_9",
        session_id="sess_1",
    )
    make_error(database, "e2", error_message="declined")

    assert ids(database, q=q) == ["e1"]


def test_what_does_not_exist_cannot_be_asked_for(database: Database) -> None:
    with pytest.raises(Invalid, match="An error is open, resolved"):
        ids(database, state="closed")
    with pytest.raises(Invalid, match="critical, high, medium, low"):
        ids(database, severity="x' OR 1=1 --")
    with pytest.raises(Invalid, match="at most 200 letters"):
        ids(database, q="x" * 10_000)


def test_one_error_says_how_often_its_type_was_seen_lately(database: Database) -> None:
    make_error(database, "e1")
    make_error(database, "e2", created_at=NOW - timedelta(days=1))
    make_error(database, "e3", error_type="OtherError")
    make_error(database, "e4", created_at=NOW - timedelta(days=8))
    with reading(database, PRODUCT, now=NOW) as view:
        found = error_logs.one(view, "e1")

    assert (found.error_type, found.seen, found.couples, found.masked) == ("TypeError", 2, 0, True)


def test_what_people_wrote_is_masked_in_messages(database: Database) -> None:
    make_error(database, "e1", error_message="mail to anna@example.org failed")

    assert "anna" not in read(database, PRODUCT, error_logs.one, "e1").error_message


def test_opening_the_error_of_a_person_is_noted(database: Database) -> None:
    make_error(database, "e1", user_id=make_user(database, id="usr_1"))
    read(database, SUPPORT, error_logs.one, "e1")
    with database.primary.connect() as connection:
        noted = connection.execute(select(AuditEntry.action, AuditEntry.object_id)).all()

    assert noted == [("open", "usr_1")]


def test_resolving_fills_both_columns_and_reopening_empties_them(database: Database) -> None:
    make_error(database, "e1")
    do(
        database,
        PRODUCT,
        error_logs.resolve,
        "e1",
        shown=read(database, PRODUCT, error_logs.one, "e1").digest,
    )
    resolved = stored(database, "e1")
    do(database, PRODUCT, error_logs.reopen, "e1", shown=read(database, PRODUCT, error_logs.one, "e1").digest)
    reopened = stored(database, "e1")

    assert resolved.resolved is True
    assert resolved.resolved_at is not None
    assert tuple(reopened) == (False, None)


def test_resolving_is_in_the_audit_with_what_changed(database: Database) -> None:
    make_error(database, "e1")
    do(
        database,
        PRODUCT,
        error_logs.resolve,
        "e1",
        shown=read(database, PRODUCT, error_logs.one, "e1").digest,
    )
    with database.primary.connect() as connection:
        entry = connection.execute(select(AuditEntry.action, AuditEntry.object_id, AuditEntry.payload)).one()

    assert (entry.action, entry.object_id) == ("error_logs.resolve", "e1")
    assert '"resolved":[false,true]' in entry.payload


def test_what_is_resolved_already_is_refused_and_keeps_its_moment(database: Database) -> None:
    make_error(database, "e1", resolved=True, resolved_at=NOW)
    shown = read(database, PRODUCT, error_logs.one, "e1").digest

    with pytest.raises(Refused, match="resolved already"):
        do(database, PRODUCT, error_logs.resolve, "e1", shown=shown)
    assert stored(database, "e1").resolved_at == NOW


def test_an_error_that_changed_since_it_was_shown_is_refused(database: Database) -> None:
    make_error(database, "e1")
    shown = read(database, PRODUCT, error_logs.one, "e1").digest
    do(database, PRODUCT, error_logs.resolve, "e1", shown=shown)
    do(database, PRODUCT, error_logs.reopen, "e1", shown=read(database, PRODUCT, error_logs.one, "e1").digest)
    make_error(database, "e2")

    with pytest.raises(Refused, match="while you were looking"):
        do(database, PRODUCT, error_logs.resolve, "e2", shown=shown)
    with pytest.raises(Refused, match="open already"):
        do(database, PRODUCT, error_logs.reopen, "e1", shown=shown)


def test_an_error_that_is_gone_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="no error nowhere"):
        read(database, SUPPORT, error_logs.one, "nowhere")
    with pytest.raises(NotFound, match="no error nowhere"):
        do(database, PRODUCT, error_logs.resolve, "nowhere", shown="")


def test_support_reads_but_does_not_resolve_and_finance_does_neither(database: Database) -> None:
    make_error(database, "e1")
    shown = read(database, SUPPORT, error_logs.one, "e1").digest

    with pytest.raises(NotAllowed):
        do(database, SUPPORT, error_logs.resolve, "e1", shown=shown)
    with pytest.raises(NotAllowed):
        read(database, FINANCE, error_logs.error_logs.page)


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"state": None}, "idx_admin_error_logs_created"),
        ({"state": "open"}, "idx_admin_error_logs_resolved_created"),
        ({"state": "open", "severity": "critical"}, "idx_admin_error_logs_critical"),
        ({"state": "open", "severity": "low"}, "idx_admin_error_logs_resolved_created"),
    ],
)
def test_the_list_is_served_by_an_index(sqlite_url: str, filters: dict[str, Any], index: str) -> None:
    database = Database(sqlite_url)
    statement = error_logs.error_logs.build(**filters).limit(50)
    with database.primary.connect() as connection:
        sql = str(statement.compile(connection, compile_kwargs={"render_postcompile": True}))
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql.replace('?', '1')}"))]
    database.dispose()

    assert len(plan) == 1
    assert f"USING INDEX {index}" in plan[0]
