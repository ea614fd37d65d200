"""What stands around every query, action and job: permission, one transaction, one entry in the audit."""

import json
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lib.core import audit
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, Refused
from lib.core.guard import GuardedSession, WriteOutsideAction
from lib.core.work import View, Work, reading, together
from lib.models import AuditedObject, AuditEntry, Note, Refund, User
from tests.core import verbs
from tests.factories import make_refund, make_user
from tests.services.desk import act, read, somebody
from tests.statements import counted


def name(database: Database, user_id: str) -> str:
    with database.primary.connect() as connection:
        return str(connection.exec_driver_sql(f"SELECT name FROM users WHERE id = '{user_id}'").scalar_one())


def entries(database: Database) -> list[AuditEntry]:
    with Session(database.primary) as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def undecorated(work: Work, user_id: str) -> None:
    row = work.session.get(User, user_id)
    assert row is not None
    row.name = "Unnoted"


def payload(entry: AuditEntry) -> Any:
    return json.loads(entry.payload or "{}")


def test_a_denied_read_is_noted(database: Database) -> None:
    user = make_user(database)

    with pytest.raises(NotAllowed, match="people:read"):
        read(database, verbs.name_of, user, by=somebody("product"))

    (entry,) = entries(database)
    assert (entry.actor_id, entry.action, entry.outcome) == ("staff_product", "read", "denied")
    assert "people:read" in payload(entry)["message"]


def test_a_denied_action_changes_nothing_and_is_noted(database: Database) -> None:
    user = make_user(database, name="Before")

    with pytest.raises(NotAllowed):
        act(database, verbs.rename, user, name="After", by=somebody("product"))

    (entry,) = entries(database)
    assert name(database, user) == "Before"
    assert (entry.action, entry.outcome, entry.object_id) == ("verbs.rename", "denied", user)


def test_an_action_is_noted_with_who_what_and_before_and_after(database: Database) -> None:
    user = make_user(database, name="Before")

    act(database, verbs.rename_and_say_why, user, name="After", reason="They married")

    (entry,) = entries(database)
    said = payload(entry)
    assert (entry.actor_email, entry.actor_role, entry.outcome) == ("support@example.org", "support", "done")
    assert (entry.object_type, entry.object_id) == ("users", user)
    assert said["reason"] == "They married"
    assert said["arguments"]["name"] == "After"
    assert said["changes"][f"users/{user}"]["name"] == ["Before", "After"]


def test_an_action_moves_updated_at(database: Database) -> None:
    user = make_user(database, name="Before")

    act(database, verbs.rename, user, name="After")

    (entry,) = entries(database)
    assert payload(entry)["changes"][f"users/{user}"]["updated_at"][1].startswith("2026-06-15 12:00:00")


@pytest.mark.parametrize("reason", ["", "   "])
def test_where_a_reason_is_asked_for_it_is_needed(database: Database, reason: str) -> None:
    user = make_user(database, name="Before")

    with pytest.raises(Invalid, match="Say why"):
        act(database, verbs.rename_and_say_why, user, name="After", reason=reason)

    assert name(database, user) == "Before"


def test_a_refused_action_leaves_nothing_but_its_entry(database: Database) -> None:
    user = make_user(database, name="Before")

    with pytest.raises(Refused):
        act(database, verbs.refuse, user)

    (entry,) = entries(database)
    assert name(database, user) == "Before"
    assert (entry.outcome, payload(entry)["message"]) == ("refused", "A rule says no.")
    assert "changes" not in payload(entry)


def test_a_bug_in_an_action_is_noted_without_its_details(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        act(database, verbs.break_down, make_user(database))

    (entry,) = entries(database)
    assert (entry.outcome, payload(entry)["message"]) == ("failed", "ZeroDivisionError")


def test_secrets_never_reach_the_audit(database: Database) -> None:
    act(database, verbs.keep_secrets, password="p1", api_token="t1", client_secret="s1", colour="red")

    arguments = payload(entries(database)[0])["arguments"]
    assert arguments == {"password": "•••", "api_token": "•••", "client_secret": "•••", "colour": "red"}


def test_one_transaction_takes_one_action(sqlite: Database) -> None:
    user = make_user(sqlite, name="Before")

    def twice(work: Work) -> None:
        verbs.rename(work, user, name="First")
        verbs.rename(work, user, name="Second")

    with pytest.raises(RuntimeError, match="inside"):
        act(sqlite, twice)

    assert name(sqlite, user) == "Before"


def test_an_action_does_not_call_another(sqlite: Database) -> None:
    user = make_user(sqlite, name="Before")

    with pytest.raises(RuntimeError, match="share a private function"):
        act(sqlite, verbs.act_within_an_action, user)

    assert name(sqlite, user) == "Before"


def test_a_view_cannot_write_through_the_orm(database: Database) -> None:
    def add(view: View) -> None:
        view.session.add(User(id="new", email="new@example.org", name="New"))
        view.session.flush()

    with pytest.raises(WriteOutsideAction):
        read(database, add)


@pytest.mark.parametrize(
    "statement",
    [insert(User).values(id="x", email="x", name="x"), update(User).values(name="x"), delete(User)],
    ids=["insert", "update", "delete"],
)
def test_a_view_cannot_write_statements(database: Database, statement: Any) -> None:
    user = make_user(database, name="Before")

    with pytest.raises(WriteOutsideAction), reading(database, somebody()) as view:
        view.session.execute(statement)

    assert name(database, user) == "Before"


@pytest.mark.parametrize(
    "statement", ["UPDATE users SET name = 'x'", "DELETE FROM users", "DROP TABLE users"]
)
def test_a_view_cannot_write_past_the_session_either(database: Database, statement: str) -> None:
    user = make_user(database, name="Before")

    with (
        pytest.raises(DBAPIError, match=r"readonly|read-only"),
        reading(database, somebody()) as view,
    ):
        view.session.connection().exec_driver_sql(statement)

    assert name(database, user) == "Before"


def test_a_write_is_possible_again_on_a_connection_that_was_read_from(database: Database) -> None:
    user = make_user(database, name="Before")

    for turn in range(3):
        read(database, verbs.name_of, user)
        act(database, verbs.rename, user, name=f"After {turn}")

    assert name(database, user) == "After 2"


def test_a_forgotten_decorator_is_loud(sqlite: Database) -> None:
    user = make_user(sqlite, name="Before")

    with pytest.raises(WriteOutsideAction):
        act(sqlite, undecorated, user)

    assert name(sqlite, user) == "Before"
    assert entries(sqlite) == []


def test_changes_after_the_action_are_loud_too(sqlite: Database) -> None:
    user = make_user(sqlite, name="Before")

    def more(work: Work) -> None:
        verbs.rename(work, user, name="Noted")
        undecorated(work, user)

    with pytest.raises(WriteOutsideAction):
        act(sqlite, more)

    assert name(sqlite, user) == "Before"


def test_a_session_of_its_own_writes_nothing(sqlite: Database) -> None:
    with GuardedSession(sqlite.primary) as session:
        session.add(User(id="new", email="new@example.org", name="New"))

        with pytest.raises(WriteOutsideAction):
            session.flush()


def test_an_action_works_on_rows_never_in_bulk(sqlite: Database) -> None:
    user = make_user(sqlite, name="Before")

    with pytest.raises(WriteOutsideAction, match="Bulk"):
        act(sqlite, verbs.rename_everybody)

    assert name(sqlite, user) == "Before"


def test_a_job_works_in_bulk_and_leaves_one_entry_with_counts(database: Database) -> None:
    users = [make_user(database), make_user(database)]

    act(database, verbs.rename_in_bulk, "Everybody", by=system("worker"))

    (entry,) = entries(database)
    assert {name(database, user) for user in users} == {"Everybody"}
    assert (entry.actor_role, payload(entry)["counts"]) == ("system", {"users": 2})


def test_no_person_runs_a_job_not_even_an_admin(sqlite: Database) -> None:
    user = make_user(sqlite, name="Before")

    with pytest.raises(NotAllowed):
        act(sqlite, verbs.rename_in_bulk, "Everybody", by=somebody("admin"))

    assert name(sqlite, user) == "Before"
    assert entries(sqlite)[0].outcome == "denied"


def test_jobs_that_are_done_together_are_committed_at_once_with_an_entry_each(database: Database) -> None:
    users = [make_user(database, name="Before") for _ in range(3)]

    with counted(database) as statements, together(database, system("worker")) as begin:
        for user in users:
            verbs.rename_by_job(begin(), user, f"Name of {user}")

    assert [name(database, user) for user in users] == [f"Name of {user}" for user in users]
    assert sum(each.startswith("UPDATE admin_audit_head") for each in statements) == 1
    for user, entry in zip(users, entries(database), strict=True):
        changes = payload(entry)["changes"]
        assert list(changes) == [f"users/{user}"]
        assert changes[f"users/{user}"]["name"] == ["Before", f"Name of {user}"]
    with reading(database, system("worker")) as view:
        assert audit.verify(view.session) == audit.Verdict(entries=3, erased=0)


def test_of_jobs_that_are_done_together_one_that_fails_undoes_all_and_nothing_is_noted(
    database: Database,
) -> None:
    user = make_user(database, name="Before")

    def rename_two() -> None:
        with together(database, system("worker")) as begin:
            verbs.rename_by_job(begin(), user, "After")
            verbs.rename_by_job(begin(), "nobody", "After")

    with pytest.raises(AssertionError):
        rename_two()

    assert name(database, user) == "Before"
    assert entries(database) == []


def test_a_person_is_never_deleted(database: Database) -> None:
    user = make_user(database)

    with pytest.raises(Refused, match="seven years"):
        act(database, verbs.delete_person, user)

    assert name(database, user)


def test_of_two_who_read_the_same_row_the_second_is_refused(database: Database) -> None:
    refund = make_refund(database)
    before = read(database, verbs.shown, refund)
    act(database, verbs.decide, refund, status="denied", by=somebody("finance"), shown=before)

    with pytest.raises(Refused, match="Somebody changed this"):
        act(
            database,
            verbs.decide,
            refund,
            status="approved",
            by=somebody("finance", key="other"),
            shown=before,
        )

    with database.primary.connect() as connection:
        assert connection.exec_driver_sql("SELECT status FROM refunds").scalar_one() == "denied"


@pytest.mark.parametrize("meanwhile", ["status = 'denied'", "refund_amount_cents = 1, status = 'denied'"])
@pytest.mark.postgres
def test_a_row_that_changed_between_reading_and_writing_is_not_overwritten(
    postgres_url: str, meanwhile: str
) -> None:
    # SQLite's write lock, taken before the first read, makes this impossible there.
    database = Database(postgres_url)
    refund = make_refund(database)

    def late(work: Work) -> None:
        held = work.session.get(Refund, refund)
        assert held is not None
        with database.primary.begin() as other:
            other.exec_driver_sql(f"UPDATE refunds SET {meanwhile}")
        verbs.decide(work, refund, status="approved")

    with pytest.raises(Refused):
        act(database, late, by=somebody("finance"))

    with database.primary.connect() as connection:
        assert connection.exec_driver_sql("SELECT status FROM refunds").scalar_one() == "denied"
    database.dispose()


def test_every_row_that_an_entry_touched_is_found_again(database: Database) -> None:
    user = make_user(database)
    act(database, verbs.rename, user, name="After")

    with Session(database.primary) as session:
        touched = session.execute(select(AuditedObject.object_type, AuditedObject.object_id)).all()

    assert [tuple(row) for row in touched] == [("users", user)]


@pytest.mark.parametrize(
    ("ending", "outcome", "body"),
    [
        (None, "done", "done"),
        (Refused, "refused", "A rule says no."),
        (ZeroDivisionError, "failed", "ZeroDivisionError"),
    ],
)
def test_a_row_that_is_to_be_kept_is_written_whatever_comes_of_the_action(
    database: Database, ending: type[Exception] | None, outcome: str, body: str
) -> None:
    user = make_user(database)

    if ending is None:
        act(database, verbs.keep_a_note, user)
    else:
        with pytest.raises(ending):
            act(database, verbs.keep_a_note, user, ending=ending)

    with Session(database.primary) as session:
        assert [note.body for note in session.scalars(select(Note))] == [body]
    assert [entry.outcome for entry in entries(database)] == [outcome]


def test_an_action_that_is_not_for_the_role_keeps_nothing(database: Database) -> None:
    with pytest.raises(NotAllowed):
        act(database, verbs.keep_a_note, make_user(database), by=somebody("product"))

    with Session(database.primary) as session:
        assert session.scalars(select(Note)).all() == []
