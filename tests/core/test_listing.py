"""A list: one SELECT for a page, the export and the command line."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from lib.core.access import Permission
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.core.listing import AnySelect, Column, Listing
from lib.core.work import reading
from lib.models import User, sortable
from tests.factories import NOW, make_user
from tests.services.desk import read, somebody
from tests.statements import counted


def _newest(*, named: str | None = None) -> AnySelect:
    statement = select(User.id, User.name, User.created_at)
    if named:
        statement = statement.where(User.name == named)
    return statement.order_by(sortable(User.created_at).desc(), User.id.desc())


@pytest.fixture
def people() -> Iterator[Listing]:
    """A list that only these tests know."""
    from lib.core.listing import LISTINGS
    from lib.core.work import QUERIES

    made = Listing(_newest, Permission.PEOPLE_READ, (Column("id", "Id", "id"), Column("name", "Name")))
    yield made
    del LISTINGS[made.name], QUERIES[made.name]


def fill(database: Database, number: int) -> list[str]:
    """People, the newest first."""
    return [make_user(database, created_at=NOW - timedelta(hours=hours)) for hours in range(number)]


def test_pages_follow_each_other_without_gap_or_overlap(database: Database, people: Listing) -> None:
    everybody = fill(database, 7)

    pages = [read(database, people.page, number=number, size=3) for number in (1, 2, 3)]

    assert [row.id for page in pages for row in page.rows] == everybody
    assert [(page.total, page.pages, page.more_than_counted) for page in pages] == [(7, 3, False)] * 3


def test_a_page_past_the_end_is_the_last_one(database: Database, people: Listing) -> None:
    everybody = fill(database, 4)

    page = read(database, people.page, number=99, size=3)

    assert (page.number, [row.id for row in page.rows]) == (2, everybody[3:])


def test_an_empty_list_has_one_empty_page(database: Database, people: Listing) -> None:
    page = read(database, people.page)

    assert (list(page.rows), page.total, page.pages) == ([], 0, 1)


@pytest.mark.parametrize("number", [0, -1])
def test_pages_are_numbered_from_one(sqlite: Database, people: Listing, number: int) -> None:
    with pytest.raises(Invalid):
        read(sqlite, people.page, number=number)


def test_filters_reach_the_page_the_count_and_the_stream(database: Database, people: Listing) -> None:
    fill(database, 3)
    wanted = make_user(database, name="Ida Holm")

    page = read(database, people.page, named="Ida Holm")
    streamed = read(database, lambda view: [row.id for row in people.stream(view, named="Ida Holm")])

    assert ([row.id for row in page.rows], page.total, streamed) == ([wanted], 1, [wanted])


def test_both_text_forms_of_a_moment_sort_together(sqlite: Database, people: Listing) -> None:
    early, late = make_user(sqlite), make_user(sqlite)
    with sqlite.primary.begin() as connection:
        for user, moment in ((early, "2026-06-15T09:00:00.000Z"), (late, "2026-06-15 10:00:00")):
            connection.exec_driver_sql("UPDATE users SET created_at = ? WHERE id = ?", (moment, user))

    assert [row.id for row in read(sqlite, people.page).rows] == [late, early]


def test_counting_stops_at_ten_thousand(
    sqlite: Database, people: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.core.listing.COUNTED_UP_TO", 5)
    fill(sqlite, 8)

    page = read(sqlite, people.page, size=2)

    assert (page.total, page.more_than_counted, page.pages) == (6, True, 3)


def test_a_page_takes_two_statements_whatever_its_size(sqlite: Database, people: Listing) -> None:
    fill(sqlite, 30)

    with counted(sqlite) as statements:
        read(sqlite, people.page, size=30)

    assert len(statements) == 2


def test_a_list_asks_for_its_permission(sqlite: Database, people: Listing) -> None:
    with pytest.raises(NotAllowed):
        read(sqlite, people.page, by=somebody("product"))
    with pytest.raises(NotAllowed), reading(sqlite, somebody("product")) as view:
        next(people.stream(view))


def test_an_export_is_masked_as_the_page_is(database: Database, people: Listing) -> None:
    make_user(database, name="Ida Holm")

    streamed = read(database, lambda view: [row.name for row in people.stream(view)])

    assert streamed == ["Ida H."] == [row.name for row in read(database, people.page).rows]
