"""A version's files: the same bytes for the same figures, and a text that can be searched."""

import csv
import io
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from lib.core import schema
from lib.core.database import Database
from lib.core.money import show
from lib.services import month_close
from lib.services.month_close.files import csv_of, pdf_of
from tests.factories import make_payment
from tests.metrics.ledger import ANNUAL, BOX, MONTHLY, NOW
from tests.services.desk import act, read, somebody
from tests.services.month_close.conftest import at, company

MAY = date(2026, 5, 1)
FINANCE = somebody("finance")


def freeze(database: Database, *, now: datetime = NOW) -> str:
    close_id: str = act(
        database, month_close.freeze, MAY, by=FINANCE, now=now, reason="For the board: <Q2> & more"
    )
    return close_id


def files(database: Database, close_id: str) -> tuple[bytes, bytes]:
    return read(database, csv_of, close_id, by=FINANCE), read(database, pdf_of, close_id, by=FINANCE)


def text_of(document: bytes) -> str:
    with pypdfium2.PdfDocument(document) as pdf:
        return "\n".join(page.get_textpage().get_text_bounded() for page in pdf).replace("\r\n", "\n")


def test_a_month_closed_twice_on_a_day_gives_byte_identical_files(sqlite: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    schema.upgrade(other.primary)
    company(other)
    first, again = freeze(sqlite), freeze(sqlite, now=NOW + timedelta(hours=3))
    elsewhere = freeze(other, now=NOW + timedelta(hours=5))

    assert again == first
    assert elsewhere != first
    assert files(sqlite, again) == files(sqlite, first)
    assert files(other, elsewhere) == files(sqlite, first)
    other.dispose()


def test_other_figures_give_other_files(sqlite: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    schema.upgrade(other.primary)
    company(other)
    make_payment(other, amount_cents=1, processed_at=at(9), created_at=at(9))
    mine, theirs = files(sqlite, freeze(sqlite)), files(other, freeze(other))
    other.dispose()

    assert mine[0] != theirs[0]
    assert mine[1] != theirs[1]


def test_the_csv_has_every_line_in_whole_units(sqlite: Database) -> None:
    close_id = freeze(sqlite)
    document, _ = files(sqlite, close_id)
    rows = list(csv.DictReader(io.StringIO(document.decode("utf-8-sig"))))
    version = read(sqlite, month_close.version, close_id, by=FINANCE)
    found: dict[str, Any] = {
        row["measure"]: row
        for row in rows
        if row["policy"] in {"house", ""} and "each month" not in row["section"]
    }

    assert len(rows) == len(version.lines)
    assert (found["closing_arr_cents"]["value"], found["closing_arr_cents"]["unit"]) == ("889.00", "money")
    assert (found["closing_couples"]["value"], found["closing_couples"]["unit"]) == ("3", "count")
    assert (found["fees_cents"]["value"], found["fees_cents"]["remark"][:4]) == ("", "Fees")
    assert {row["digest"] for row in rows} == {version.digest}


def test_the_pdf_can_be_searched_and_names_currency_definitions_and_policy(sqlite: Database) -> None:
    _, document = files(sqlite, freeze(sqlite))
    text = text_of(document)

    assert "Month close: May 2026, version 1" in text
    assert "Frozen on 2026-06-15 by finance@example.org." in text
    assert "For the board: <Q2> & more" in text
    assert show(MONTHLY + ANNUAL + BOX, "USD") in text
    assert f"−{show(MONTHLY, 'USD')}" in text
    assert "House policy, USD" in text
    assert "Churn: to none." in text
    assert "Past due: counts" in text
    assert "2026-05" in text
    assert "Page 1" in text


@pytest.mark.parametrize("months", [1, 2])
def test_a_month_with_nothing_before_it_has_a_pdf_too(sqlite: Database, months: int) -> None:
    month = date(2026, 6 - months, 1)
    close_id = act(sqlite, month_close.freeze, month, by=FINANCE, now=NOW, reason="First of all")

    with pypdfium2.PdfDocument(read(sqlite, pdf_of, close_id, by=FINANCE)) as pdf:
        assert len(pdf) >= 1
