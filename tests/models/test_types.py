"""Column types: every form that is there is read, one is written, and masked is the default."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, Text, create_engine, insert, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.pool import StaticPool

from lib.models import masks
from lib.models.types import Day, Json, Moment, Personal, read_moment, sortable
from tests.databases import opened

SAMPLE = Table(
    "sample",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("at", Moment),
    Column("day", Day),
    Column("document", Json(personal=True)),
    Column("plain", Json),
    Column("email", Personal("email")),
)
NINE = datetime(2026, 1, 30, 9, tzinfo=UTC)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection to a database that has the sample table, on each engine in turn."""
    with opened(database_url) as engine:
        SAMPLE.create(engine)
        with engine.begin() as connection:
            yield connection


@pytest.fixture
def sqlite() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SAMPLE.create(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("2026-01-30 09:00:00", NINE),
        ("2026-01-30T09:00:00.000Z", NINE),
        ("2026-01-30T09:00:00+02:00", NINE - timedelta(hours=2)),
        ("2026-01-30 09:00:00.250", NINE + timedelta(milliseconds=250)),
        ("2026-01-30", NINE.replace(hour=0)),
        ("a while ago", None),
        ("0001-01-01T00:00:00+02:00", None),
        ("", None),
        (1_769_760_000, None),
        (None, None),
    ],
)
def test_a_moment_is_read_from_every_form_that_the_app_left(
    sqlite: Connection, stored: Any, read: datetime | None
) -> None:
    sqlite.execute(text("INSERT INTO sample (id, at) VALUES ('a', :at)"), {"at": stored})

    assert sqlite.scalar(select(SAMPLE.c.at)) == read


def test_a_moment_is_written_in_one_form_whatever_its_zone(sqlite: Connection) -> None:
    in_berlin = NINE.astimezone(timezone(timedelta(hours=1)))

    sqlite.execute(insert(SAMPLE).values(id="a", at=in_berlin))

    assert sqlite.scalar(text("SELECT at FROM sample")) == "2026-01-30 09:00:00"


def test_a_moment_without_a_zone_is_a_mistake(connection: Connection) -> None:
    with pytest.raises(StatementError, match="needs a zone"):
        connection.execute(insert(SAMPLE).values(id="a", at=NINE.replace(tzinfo=None)))


FIRST, LAST = datetime(1000, 1, 1), datetime(9999, 12, 30)  # noqa: DTZ001 - Hypothesis wants them so


@given(st.datetimes(FIRST, LAST, timezones=st.timezones()))
def test_a_moment_that_was_written_is_read_again_to_the_second(moment: datetime) -> None:
    written = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    assert read_moment(written) == moment.astimezone(UTC).replace(microsecond=0)


def test_values_come_back_as_they_went_in_on_both_engines(connection: Connection) -> None:
    values = {
        "at": NINE,
        "day": date(2026, 1, 30),
        "plain": {"a": [1, None, "ü"]},
        "email": "mia@example.org",
    }
    connection.execute(insert(SAMPLE).values(id="a", **values))

    with masks.unmasked():
        read = connection.execute(select(*(SAMPLE.c[name] for name in values))).one()

    assert read._asdict() == values
    assert read.at.tzinfo is UTC


def test_nothing_stays_nothing_on_both_engines(connection: Connection) -> None:
    connection.execute(
        insert(SAMPLE).values(id="a", at=None, day=None, plain=None, document=None, email=None)
    )

    assert connection.execute(select(SAMPLE)).one()[1:] == (None,) * 5
    assert connection.scalar(select(SAMPLE.c.id).where(SAMPLE.c.plain.is_(None))) == "a"


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("2026-01-30", date(2026, 1, 30)),
        ("2026-01-30T08:00:00.000Z", date(2026, 1, 30)),
        ("30/01/2026", None),
        (None, None),
    ],
)
def test_a_day_is_read_by_its_first_ten_characters(
    sqlite: Connection, stored: str | None, read: date | None
) -> None:
    sqlite.execute(text("INSERT INTO sample (id, day) VALUES ('a', :day)"), {"day": stored})

    assert sqlite.scalar(select(SAMPLE.c.day)) == read


@pytest.mark.parametrize("stored", ["{broken", "", "[" * 100_000])
def test_text_that_is_not_json_is_shown_as_it_is(sqlite: Connection, stored: str) -> None:
    sqlite.execute(text("INSERT INTO sample (id, plain) VALUES ('a', :stored)"), {"stored": stored})

    assert sqlite.scalar(select(SAMPLE.c.plain)) == {"unreadable": stored}


def test_personal_data_is_masked_unless_it_was_asked_for(connection: Connection) -> None:
    document = {"customer_email": "mia@example.org", "lines": [{"note": "hello"}], "amount": 5}
    connection.execute(insert(SAMPLE).values(id="a", email="mia@example.org", document=document))

    masked = connection.execute(select(SAMPLE.c.email, SAMPLE.c.document)).one()
    with masks.unmasked():
        plain = connection.execute(select(SAMPLE.c.email, SAMPLE.c.document)).one()

    assert tuple(masked) == (
        "m•••@example.org",
        {"customer_email": "•••", "lines": [{"note": "•••"}], "amount": 5},
    )
    assert tuple(plain) == ("mia@example.org", document)


def test_personal_data_is_compared_as_it_is_stored(connection: Connection) -> None:
    connection.execute(insert(SAMPLE).values(id="a", email="mia@example.org"))

    assert connection.scalar(select(SAMPLE.c.id).where(SAMPLE.c.email == "mia@example.org")) == "a"


def test_both_text_forms_sort_together(sqlite: Connection) -> None:
    forms = ["2026-01-30T08:00:00.000Z", "2026-01-30 09:00:00", "2026-01-30T10:00:00.000Z"]
    sqlite.execute(
        text("INSERT INTO sample (id, at) VALUES (:id, :at)"),
        [{"id": str(number), "at": form} for number, form in enumerate(forms)],
    )
    order = sortable(SAMPLE.c.at)

    assert sqlite.scalars(select(SAMPLE.c.id).order_by(order)).all() == ["0", "1", "2"]
    assert sqlite.scalars(select(SAMPLE.c.id).where(order >= NINE).order_by(order)).all() == ["1", "2"]
    assert sqlite.scalars(select(SAMPLE.c.id).where(order == NINE)).all() == ["1"]
    assert sqlite.scalars(select(order).order_by(order)).first() == NINE - timedelta(hours=1)


def test_moments_sort_and_compare_on_both_engines(connection: Connection) -> None:
    for hour in (2, 0, 1):
        connection.execute(insert(SAMPLE).values(id=str(hour), at=NINE + timedelta(hours=hour)))
    order = sortable(SAMPLE.c.at)

    assert connection.scalars(select(SAMPLE.c.id).order_by(order.desc())).all() == ["2", "1", "0"]
    assert connection.scalars(select(SAMPLE.c.id).where(order < NINE + timedelta(hours=1))).all() == ["0"]
