"""Remarks about a day: written by those who read revenue, removed by their author."""

from collections.abc import Iterator
from datetime import date

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.services import remarks
from tests.staff import FINANCE, PRODUCT, SUPPORT, do, read

DAY = date(2026, 6, 1)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_a_remark_stands_at_its_day_with_its_author(database: Database) -> None:
    do(database, PRODUCT, remarks.write, DAY, body=" New price page ")
    do(database, FINANCE, remarks.write, DAY, body="Campaign")
    do(database, FINANCE, remarks.write, date(2026, 7, 1), body="Later")
    found = read(database, FINANCE, remarks.between, DAY, date(2026, 6, 30))

    assert [(each.body, each.author_email) for each in found] == [
        ("Campaign", FINANCE.email),
        ("New price page", PRODUCT.email),
    ]
    assert remarks.by_day(found)[DAY] == f"Campaign ({FINANCE.email}); New price page ({PRODUCT.email})"


def test_only_its_author_takes_it_back_and_once(database: Database) -> None:
    written = do(database, PRODUCT, remarks.write, DAY, body="New price page")
    with pytest.raises(Refused, match="Only its author"):
        do(database, FINANCE, remarks.remove, written)
    do(database, PRODUCT, remarks.remove, written)

    assert read(database, FINANCE, remarks.between, DAY, DAY) == []
    with pytest.raises(NotFound):
        do(database, PRODUCT, remarks.remove, written)


def test_empty_and_overlong_remarks_are_refused_and_so_is_who_may_not(database: Database) -> None:
    with pytest.raises(Invalid, match="200 characters"):
        do(database, FINANCE, remarks.write, DAY, body="x" * 201)
    with pytest.raises(Invalid, match="empty"):
        do(database, FINANCE, remarks.write, DAY, body="  ")
    with pytest.raises(NotAllowed):
        do(database, SUPPORT, remarks.write, DAY, body="Hello")
