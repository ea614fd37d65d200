"""The audit trail for people: filtered, masked, linked, and checked."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from lib.core.access import Actor
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound
from lib.services import audit_trail, notes, people, refunds
from tests.core import verbs
from tests.factories import make_payment, make_user
from tests.services.desk import act, hired, plan, read, somebody


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


ADMIN = somebody("admin")


def listed(database: Database, **filters: str) -> list[str]:
    return [row.action for row in read(database, audit_trail.entries.page, by=ADMIN, **filters).rows]


def newest(database: Database, by: Actor = ADMIN) -> audit_trail.EntryCase:
    seq = read(database, audit_trail.entries.page, by=by).rows[0].seq
    entry: audit_trail.EntryCase = read(database, audit_trail.one, seq, by=by)
    return entry


def test_the_latest_entry_comes_first(database: Database) -> None:
    act(database, notes.write, "users", "u1", body="x")
    act(database, refunds.request, make_payment(database), amount_cents=1, reason="duplicate")

    assert listed(database) == ["refunds.request", "notes.write"]


def test_entries_are_filtered_by_who_what_outcome_and_row(database: Database) -> None:
    agent = hired(database)
    act(database, notes.write, "users", "u1", body="x", by=agent)
    act(database, notes.write, "users", "u2", body="x")
    with pytest.raises(NotAllowed):
        act(database, notes.write, "users", "u1", body="x", by=somebody("product"))

    assert listed(database, actor=agent.email) == listed(database, actor=agent.id) == ["notes.write"]
    assert len(listed(database, action="notes.write")) == 3
    assert listed(database, outcome="denied") == ["notes.write"]
    assert len(listed(database, object_id="u2")) == 1
    assert listed(database, actor="nobody@example.org") == []


def test_an_outcome_that_does_not_exist_is_told_so(sqlite: Database) -> None:
    with pytest.raises(Invalid, match="lost"):
        listed(sqlite, outcome="lost")


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"actor": "a@example.org"}, "idx_admin_audit_log_actor"),
        ({"action": "notes.write"}, "idx_admin_audit_log_action"),
        ({"outcome": "denied"}, "idx_admin_audit_log_outcome"),
        ({"object_id": "u1"}, "sqlite_autoindex_admin_audit_objects"),
    ],
)
def test_every_filter_uses_an_index(sqlite: Database, filters: dict[str, str], index: str) -> None:
    assert index in plan(sqlite, audit_trail.entries, **filters)


def test_an_entry_shows_what_changed_masked_as_its_column_is(database: Database) -> None:
    user = make_user(database, name="Ida Holm")
    act(database, verbs.rename_and_say_why, user, name="Ida Berg", reason="They married")

    entry = newest(database)

    change = next(each for each in entry.changes if each.field == "name")
    assert (change.object, change.before, change.after) == (f"users/{user}", "Ida H.", "Ida B.")
    assert (entry.reason, entry.masked, entry.person_ids) == ("They married", True, (user,))
    assert "Berg" not in str(entry.arguments)
    assert entry.objects == (("users", user),)


def test_a_revealed_person_is_shown_in_the_entry(database: Database) -> None:
    admin = hired(database, "admin")
    user = make_user(database, name="Ida Holm")
    act(database, verbs.rename, user, name="Ida Berg")
    seq = read(database, audit_trail.entries.page, by=admin).rows[0].seq
    act(database, people.reveal, (user,), reason="legal_request", by=admin)

    entry = read(database, audit_trail.one, seq, by=admin)

    assert ("Ida Holm", "Ida Berg") in {(change.before, change.after) for change in entry.changes}
    assert not entry.masked


def test_an_erased_entry_says_so_and_still_opens(database: Database) -> None:
    act(database, notes.write, "users", "u1", body="x")
    with database.primary.begin() as connection:
        connection.execute(text("UPDATE admin_audit_log SET payload = NULL, salt = NULL"))

    entry = newest(database)

    assert (entry.erased, entry.changes, entry.reason) == (True, (), None)


@pytest.mark.parametrize("seq", ["99", "0", "-1", "x", "9" * 40, "١"])
def test_an_entry_that_does_not_exist_is_not_found(database: Database, seq: str) -> None:
    with pytest.raises(NotFound):
        read(database, audit_trail.one, seq, by=ADMIN)


def test_the_chain_is_checked(database: Database) -> None:
    act(database, notes.write, "users", "u1", body="x")
    act(database, notes.write, "users", "u1", body="y")
    before = read(database, audit_trail.check, by=ADMIN)
    with database.primary.begin() as connection:
        connection.execute(text("UPDATE admin_audit_log SET actor_id = 'somebody else' WHERE seq = 2"))

    after = read(database, audit_trail.check, by=ADMIN)

    assert (before.entries, before.why) == (2, None)
    assert (after.broken_at, after.why) == (2, "its columns were changed")


@pytest.mark.parametrize("role", ["support", "product"])
def test_who_may_not_read_the_trail_is_refused(sqlite: Database, role: str) -> None:
    with pytest.raises(NotAllowed):
        read(sqlite, audit_trail.entries.page, by=somebody(role))
    with pytest.raises(NotAllowed):
        read(sqlite, audit_trail.check, by=somebody(role))


def test_support_sees_who_did_something_for_a_person_not_what_was_said(database: Database) -> None:
    user = make_user(database)
    act(database, notes.write, "users", user, body="Private")

    (row,) = read(database, audit_trail.history, "users", user)

    assert (row.actor_email, row.action, row.outcome) == ("support@example.org", "notes.write", "done")
    assert "Private" not in str(row)


def test_every_action_and_job_can_be_asked_for() -> None:
    assert {"refunds.request", "people.reveal", "open", "read"} <= set(audit_trail.actions())
