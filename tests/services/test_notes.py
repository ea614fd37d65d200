"""Notes that staff write for each other."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.services import notes
from tests.factories import NOW
from tests.services.desk import act, read, somebody


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def bodies(database: Database, kind: str = "users", key: str = "u1") -> list[str]:
    return [note.body for note in read(database, notes.about, kind, key)]


def test_notes_are_read_newest_first_about_their_own_row(database: Database) -> None:
    act(database, notes.write, "users", "u1", body=" First ", now=NOW)
    act(database, notes.write, "users", "u1", body="Second", now=NOW + timedelta(minutes=1))
    act(database, notes.write, "relationships", "u1", body="Of a couple")

    assert bodies(database) == ["Second", "First"]


@pytest.mark.parametrize("body", ["", "  \n ", "x" * (notes.LONGEST + 1)])
def test_an_empty_or_endless_note_is_refused(database: Database, body: str) -> None:
    with pytest.raises(Invalid):
        act(database, notes.write, "users", "u1", body=body)

    assert bodies(database) == []


def test_product_writes_no_notes(database: Database) -> None:
    with pytest.raises(NotAllowed):
        act(database, notes.write, "users", "u1", body="x", by=somebody("product"))


def test_its_author_takes_a_note_back(database: Database) -> None:
    note = act(database, notes.write, "users", "u1", body="x")

    act(database, notes.remove, note)

    assert bodies(database) == []


def test_nobody_else_takes_it_back(database: Database) -> None:
    note = act(database, notes.write, "users", "u1", body="x")

    with pytest.raises(Refused):
        act(database, notes.remove, note, by=somebody("admin"))

    assert bodies(database) == ["x"]


def test_a_note_is_taken_back_once(database: Database) -> None:
    note = act(database, notes.write, "users", "u1", body="x")
    act(database, notes.remove, note)

    with pytest.raises(NotFound):
        act(database, notes.remove, note)
