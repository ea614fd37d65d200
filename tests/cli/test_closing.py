"""`python -m lib close`: a month is shown, frozen, restated, and written to files."""

import json
from pathlib import Path

import pytest

from lib.core.database import Database
from tests.cli.test_cli import Lib
from tests.metrics.ledger import entry, fill
from tests.services.month_close.conftest import company


@pytest.fixture
def lib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lib:
    return Lib(monkeypatch, capsys)


@pytest.fixture
def url(sqlite_url: str) -> str:
    database = Database(sqlite_url)
    company(database)
    database.dispose()
    return sqlite_url


def test_a_month_is_frozen_once_and_its_files_are_the_same_bytes_each_time(
    lib: Lib, url: str, tmp_path: Path
) -> None:
    where = ("2026-05", "--database", url)
    shown = json.loads(lib("close", "show", *where, "--json").stdout)
    first = json.loads(lib("close", "freeze", *where, "--reason", "Board", "--json").stdout)
    again = json.loads(lib("close", "freeze", *where, "--reason", "Again", "--json").stdout)
    written = []
    for folder in (str(tmp_path / "a"), str(tmp_path / "b")):
        names = json.loads(lib("close", "files", *where, "--to", folder, "--json").stdout)
        written.append([Path(name).read_bytes() for name in names])
    house = {each["measure"]: each for each in shown["figures"] if each["policy"] == "house"}

    assert (shown["state"], shown["version"]) == ("open", None)
    assert (house["closing_arr_cents"]["now"], house["closing_arr_cents"]["frozen"]) == (88_900, None)
    assert again == first
    assert (first["month"], first["version"], first["reason"]) == ("2026-05", 1, "Board")
    assert len(written[0]) == 2
    assert written[0] == written[1]


def test_a_late_entry_is_shown_and_restated(lib: Lib, url: str) -> None:
    where = ("2026-05", "--database", url)
    nothing = lib("close", "restate", *where, "--reason", "Late")
    lib("close", "freeze", *where, "--reason", "Board")
    database = Database(url)
    entry(database, "05-25", 0, status="canceled", cause="voluntary")
    fill(database, "05-25", "06-15")
    database.dispose()
    said = lib("close", "show", *where).stdout
    restated = json.loads(lib("close", "restate", *where, "--reason", "Late", "--json").stdout)

    assert nothing.returncode == 1
    assert "is not frozen" in nothing.stderr
    assert "May 2026, version 1: differs" in said
    assert "House policy · USD · Churn: −$360.00, now −$720.00" in said
    assert (restated["version"], restated["reason"]) == (2, "Late")


@pytest.mark.parametrize("month", ["May", "2026-13", "2026"])
def test_what_is_no_month_gets_a_sentence(lib: Lib, url: str, month: str) -> None:
    ended = lib("close", "show", month, "--database", url)

    assert ended.returncode == 1
    assert "Write it as YYYY-MM" in ended.stderr
