import asyncio
import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, literal, select, update

from lib.core import moments
from lib.core.access import Actor, Permission, Role, system
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.core.listing import LISTINGS, AnySelect, Column, listing
from lib.core.work import working
from lib.models import AuditEntry, ExportTicket, User
from lib.services import exports, people, staff
from tests.factories import make_user
from tests.web.conftest import Site


def actor(site: Site, role: Role) -> Actor:
    with site.database.primary.connect() as connection:
        row = connection.execute(
            select(staff.AdminUser.id, staff.AdminUser.email).where(staff.AdminUser.role == role.value)
        ).one()
    return Actor(row.id, row.email, role)


def ticket(site: Site, role: Role, name: str = "people.users", **filters: Any) -> str:
    with working(site.database, actor(site, role)) as work:
        return exports.ticket(work, name, filters)


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def outcomes(database: Database, action: str) -> list[str]:
    with database.primary.connect() as connection:
        return list(connection.scalars(select(AuditEntry.outcome).where(AuditEntry.action == action)))


@pytest.fixture
def odd_list() -> Iterator[str]:
    """A list with every kind of cell that a spreadsheet may misread."""

    @listing(
        Permission.HOME_READ,
        columns=(
            Column("text", "Text"),
            Column("amount", "Amount", "money"),
            Column("at", "At", "moment"),
            Column("day", "Day", "day"),
            Column("flag", "Flag", "flag"),
            Column("missing", "Missing"),
        ),
    )
    def odd(*, text: str, at: Any, amount: int = -1234, currency: str = "USD") -> AnySelect:
        return select(
            literal(text).label("text"),
            literal(amount).label("amount"),
            literal(currency).label("currency"),
            literal(at, people.User.__table__.c.created_at.type).label("at"),
            literal("2026-01-31").label("day"),
            literal(True).label("flag"),
            literal(None).label("missing"),
        )

    yield odd.name
    del LISTINGS[odd.name]


def test_a_list_is_downloaded_once_by_the_person_who_asked(site: Site) -> None:
    make_user(site.database, id="usr_x", email="person@example.org")
    link = ticket(site, Role.SUPPORT)
    site.sign_in(Role.SUPPORT)
    first = site.client.get(f"/export/{link}")
    second = site.client.get(f"/export/{link}")

    assert first.status_code == 200
    assert first.headers["content-type"] == "text/csv; charset=utf-8"
    assert first.headers["content-disposition"].startswith('attachment; filename="people-users-')
    assert first.content.startswith(b"\xef\xbb\xbf")
    assert rows_of(first.content.decode())[0] == [column.title for column in people.users.columns]
    assert second.status_code == 410
    assert "used already" in second.text


def test_personal_data_is_masked_as_on_screen(site: Site) -> None:
    make_user(site.database, email="person@example.org", name="Petra Example")
    site.sign_in(Role.SUPPORT)
    text = site.client.get(f"/export/{ticket(site, Role.SUPPORT)}").text

    assert "person@example.org" not in text
    assert "p•••@example.org" in text


def test_somebody_elses_ticket_is_refused_and_stays_good_for_its_owner(site: Site) -> None:
    link = ticket(site, Role.SUPPORT)
    site.sign_in(Role.ADMIN)
    stolen = site.client.get(f"/export/{link}")
    site.client.cookies.clear()
    site.sign_in(Role.SUPPORT)
    own = site.client.get(f"/export/{link}")

    assert (stolen.status_code, own.status_code) == (410, 200)


def test_nobody_downloads_without_being_signed_in(site: Site) -> None:
    answer = site.client.get(f"/export/{ticket(site, Role.SUPPORT)}")

    assert answer.status_code == 403
    assert "not signed in" in answer.text


def test_a_forged_cookie_is_nobody(site: Site) -> None:
    site.sign_in(Role.SUPPORT)
    name, value = next(iter(site.client.cookies.items()))
    site.client.cookies.clear()
    site.client.cookies.set(name, value[:-4] + "AAAA")

    assert site.client.get(f"/export/{ticket(site, Role.SUPPORT)}").status_code == 403


def test_a_ticket_lasts_a_minute(site: Site) -> None:
    link = ticket(site, Role.SUPPORT)
    with site.database.primary.begin() as connection:
        connection.execute(update(ExportTicket).values(expires_at=moments.now()))
    site.sign_in(Role.SUPPORT)

    assert site.client.get(f"/export/{link}").status_code == 410


def test_an_unknown_ticket_is_refused_in_the_same_words_as_a_used_one(site: Site) -> None:
    site.sign_in(Role.SUPPORT)
    link = ticket(site, Role.SUPPORT)
    site.client.get(f"/export/{link}")

    assert site.client.get("/export/unknown").text == site.client.get(f"/export/{link}").text


def test_a_role_that_was_withdrawn_meanwhile_downloads_nothing(site: Site) -> None:
    link = ticket(site, Role.SUPPORT)
    with working(site.database, system("test")) as work:
        staff.grant(work, "support@example.org", "product")
    site.sign_in(Role.SUPPORT)
    answer = site.client.get(f"/export/{link}")

    assert answer.status_code == 403
    assert outcomes(site.database, "exports.download") == ["denied"]


def test_a_ticket_is_made_only_for_a_list_that_one_may_read(site: Site) -> None:
    with pytest.raises(NotAllowed):
        ticket(site, Role.PRODUCT)
    with pytest.raises(Invalid, match="no list called"):
        ticket(site, Role.ADMIN, "people.nothing")

    assert outcomes(site.database, "exports.ticket") == ["denied", "refused"]


def test_asking_and_downloading_are_both_noted_without_the_ticket_itself(site: Site) -> None:
    link = ticket(site, Role.SUPPORT, q="petra")
    site.sign_in(Role.SUPPORT)
    site.client.get(f"/export/{link}")
    with site.database.primary.connect() as connection:
        payloads = list(connection.scalars(select(AuditEntry.payload)))

    assert outcomes(site.database, "exports.ticket") == ["done"]
    assert outcomes(site.database, "exports.download") == ["done"]
    assert not any(link in (payload or "") for payload in payloads)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_made_text(site: Site, odd_list: str, start: str) -> None:
    site.sign_in(Role.ADMIN)
    link = ticket(site, Role.ADMIN, odd_list, text=f"{start}HYPERLINK(1)", at=moments.now())
    cells = rows_of(site.client.get(f"/export/{link}").content.decode())[1]

    assert cells[0] == f"'{start}HYPERLINK(1)"


def test_values_are_written_so_that_programs_can_read_them(site: Site, odd_list: str) -> None:
    site.sign_in(Role.ADMIN)
    at = moments.now()
    link = ticket(site, Role.ADMIN, odd_list, text='a "quoted", text\nin two lines · ü', at=at)
    cells = rows_of(site.client.get(f"/export/{link}").content.decode())[1]

    moment = f"{at:%Y-%m-%d %H:%M:%S}Z"
    assert cells == ['a "quoted", text\nin two lines · ü', "-12.34", moment, "2026-01-31", "yes", ""]


def test_an_amount_has_its_currencys_decimals(site: Site, odd_list: str) -> None:
    site.sign_in(Role.ADMIN)
    link = ticket(site, Role.ADMIN, odd_list, text="x", at=moments.now(), amount=1234, currency="JPY")

    assert rows_of(site.client.get(f"/export/{link}").content.decode())[1][1] == "1234"


def test_filters_come_back_as_they_were(site: Site) -> None:
    now = moments.now()
    filters = {
        "a": None,
        "b": 1,
        "c": "x",
        "d": now,
        "e": now.date(),
        "f": timedelta(hours=1),
        "g": ["x", now],
    }
    person = actor(site, Role.ADMIN)
    with working(site.database, person) as work:
        link = exports.ticket(work, "people.users", filters)
    with working(site.database, person) as work:
        export = exports.download(work, link)

    assert export.filters == filters


def test_a_long_list_streams_with_constant_memory_and_its_head_comes_first(site: Site) -> None:
    count, now = 10_000, moments.now()
    with site.database.primary.begin() as connection:
        connection.execute(
            insert(User),
            [
                {
                    "id": f"usr_{n}",
                    "email": f"p{n}@example.org",
                    "name": "Somebody " * 5,
                    "created_at": now,
                }
                for n in range(count)
            ],
        )
    link = ticket(site, Role.SUPPORT)
    site.sign_in(Role.SUPPORT)
    received: list[int] = []
    peaks: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            received.append(len(message["body"]))
            peaks.append(tracemalloc.get_traced_memory()[1])

    async def receive() -> Any:
        await asyncio.sleep(3600)

    cookies = "; ".join(f"{name}={value}" for name, value in site.client.cookies.items())
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/export/{link}",
        "query_string": b"",
        "headers": [(b"cookie", cookies.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 8501),
        "scheme": "http",
    }
    tracemalloc.start()
    try:
        asyncio.run(site.client.app(scope, receive, send))  # type: ignore[arg-type, func-returns-value]
    finally:
        tracemalloc.stop()
    total, quarter = sum(received), len(received) // 4

    assert received[0] < 1000, "the head goes out before the first row is read"
    assert max(received) < 64 * 1024
    assert total > 500_000
    assert peaks[-1] - peaks[quarter] < total / 4, "memory does not grow with what was sent"
