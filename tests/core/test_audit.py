"""The audit chain finds every way to change it, and lets one person's payload be erased."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from lib.core import audit
from lib.core.access import Actor, Role
from lib.core.audit import Draft, Verdict
from lib.core.database import Database
from lib.core.work import note, reading
from tests.factories import NOW
from tests.services.desk import somebody
from tests.statements import counted

LENGTH = 6


def write_chain(database: Database, length: int = LENGTH) -> None:
    actor = Actor("staff_1", "agent@example.org", Role.SUPPORT)
    for number in range(length):
        about = ("users", f"u{number}")
        note(database, Draft(actor, "people.reveal", NOW, {"number": number}, about=about, reason="Because"))


def verdict(database: Database) -> Verdict:
    with reading(database, somebody("admin")) as view:
        return audit.verify(view.session)


def test_a_chain_that_nobody_touched_holds(database: Database) -> None:
    write_chain(database)

    assert verdict(database) == Verdict(entries=LENGTH, erased=0)


def test_an_empty_chain_holds(database: Database) -> None:
    assert verdict(database) == Verdict(entries=0, erased=0)


def run(*statements: str) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return tamper


WHO_AND_WHAT = ("actor_id", "actor_email", "actor_role", "action", "outcome", "object_type", "object_id")
COPY = ", ".join((*WHO_AND_WHAT, "at", "payload", "salt", "payload_digest"))
TAMPERINGS = {
    "a payload": (run("UPDATE admin_audit_log SET payload = '{}' WHERE seq = 3"), 3, "payload"),
    "the salt": (run("UPDATE admin_audit_log SET salt = 'x' WHERE seq = 3"), 3, "payload"),
    "the digest of a payload": (
        run("UPDATE admin_audit_log SET payload = NULL, payload_digest = 'x' WHERE seq = 3"),
        3,
        "columns",
    ),
    **{
        f"the column {column}": (
            run(f"UPDATE admin_audit_log SET {column} = 'denied' WHERE seq = 3"),
            3,
            "columns",
        )
        for column in (
            "actor_id",
            "actor_email",
            "actor_role",
            "action",
            "outcome",
            "object_type",
            "object_id",
        )
    },
    "the time": (run("UPDATE admin_audit_log SET at = '2020-01-01 00:00:00' WHERE seq = 3"), 3, "columns"),
    "the hash": (run("UPDATE admin_audit_log SET hash = 'x' WHERE seq = 3"), 3, "columns"),
    "a removed entry": (run("DELETE FROM admin_audit_log WHERE seq = 3"), 4, "missing"),
    "a removed first entry": (run("DELETE FROM admin_audit_log WHERE seq = 1"), 2, "missing"),
    "a removed last entry": (run(f"DELETE FROM admin_audit_log WHERE seq = {LENGTH}"), LENGTH, "head"),
    "a removed end, head moved back": (
        run(
            "DELETE FROM admin_audit_log WHERE seq = 4",
            "UPDATE admin_audit_log SET seq = seq - 1 WHERE seq = 5",
            "UPDATE admin_audit_log SET seq = seq - 1 WHERE seq = 6",
            "UPDATE admin_audit_head SET seq = 5",
        ),
        4,
        "follow",
    ),
    "an entry that was slipped in": (
        run(
            f"INSERT INTO admin_audit_log (seq, previous_hash, hash, {COPY}) "
            f"SELECT {LENGTH + 1}, hash, 'x', {COPY} FROM admin_audit_log WHERE seq = {LENGTH}"
        ),
        LENGTH + 1,
        "columns",
    ),
    "two entries in each other's place": (
        run(
            "UPDATE admin_audit_log SET seq = 99 WHERE seq = 3",
            "UPDATE admin_audit_log SET seq = 3 WHERE seq = 4",
            "UPDATE admin_audit_log SET seq = 4 WHERE seq = 99",
        ),
        3,
        "follow",
    ),
    "the head": (run("UPDATE admin_audit_head SET hash = 'x'"), LENGTH + 1, "head"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_every_way_to_change_the_chain_is_found_at_its_place(database: Database, what: str) -> None:
    tamper, place, why = TAMPERINGS[what]
    write_chain(database)
    with database.primary.begin() as connection:
        tamper(connection)

    found = verdict(database)

    assert found.broken_at == place or (why == "head" and found.broken_at is not None)
    assert why in str(found.why)


def test_a_payload_may_be_erased_and_the_chain_still_holds(database: Database) -> None:
    write_chain(database)
    with database.primary.begin() as connection:
        connection.execute(text("UPDATE admin_audit_log SET payload = NULL, salt = NULL WHERE seq = 3"))

    assert verdict(database) == Verdict(entries=LENGTH, erased=1)


def test_an_entry_takes_a_statement_less_where_the_chains_end_is_known(database: Database) -> None:
    draft = Draft(somebody(), "open", NOW, {}, about=("users", "u1"))
    with counted(database) as unaware:
        note(database, draft)
    end = end_of(database)
    with counted(database) as aware:
        note(database, draft, end=end)

    assert (len(unaware), len(aware)) == (4, 3)
    assert verdict(database) == Verdict(entries=2, erased=0)


def test_the_chain_holds_where_somebody_added_to_it_since_its_end_was_read(database: Database) -> None:
    write_chain(database)
    outdated = end_of(database)
    write_chain(database, 1)
    note(database, Draft(somebody(), "open", NOW, {}, about=("users", "u1")), end=outdated)

    assert verdict(database) == Verdict(entries=LENGTH + 2, erased=0)


def end_of(database: Database) -> audit.End:
    with reading(database, somebody()) as view:
        _, end = audit.seen_since(view.session, somebody(), "open", [("users", "u1")], NOW)
    return end


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert audit.canonical({"b": 1, "a": [NOW.date()]}) == '{"a":["2026-06-15"],"b":1}'
