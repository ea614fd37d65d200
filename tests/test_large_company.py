"""The company that analytics are measured on: a build that was stopped goes on, and comes out the same."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lib.core.database import Database
from tests.bench import analytics, large
from tests.bench.large import Size

SIZE = Size(events=1_000, assignments=1_000, errors=300, couples=200)
TABLES = ("users", "relationships", "payment_transactions", "ab_test_assignments", "analytics_events")


class Killed(BaseException):
    """Stands for the end of the process."""


def contents(path: Path) -> dict[str, Any]:
    """Every row of the tables, the number of errors, and all indexes."""
    connection = sqlite3.connect(path)
    found: dict[str, Any] = {
        table: connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
        for table in (*TABLES, "error_logs", "ab_test_variants")
    }
    found["indexes"] = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
    ).fetchall()
    found["broken"] = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    return found


@pytest.fixture(scope="module")
def whole(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("large") / "admin.db"))
    large.enlarge(path, SIZE, chunk=100)
    return path


def test_it_has_as_many_rows_as_were_asked_for_and_all_the_indexes(
    whole: Path, sqlite_template: Path
) -> None:
    found, before = contents(whole), contents(sqlite_template)

    assert [len(found[table]) for table in TABLES] == [400, 200, 200, 1_000, 1_000]
    assert len(found["error_logs"]) == 300
    assert len(found["ab_test_variants"]) == 3 * len(large.ARMS)
    assert {name for name, _ in before["indexes"]} <= {name for name, _ in found["indexes"]}
    assert found["broken"] == []


def test_a_build_that_was_killed_goes_on_and_comes_out_the_same(
    whole: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path / "admin.db"))

    def dies_on_the_way(line: str) -> None:
        if line == "500 of 1,000 events":
            raise Killed

    with pytest.raises(Killed):
        large.enlarge(path, SIZE, chunk=100, tell=dies_on_the_way)
    half = len(contents(path)["analytics_events"])
    large.enlarge(path, SIZE, chunk=100)

    assert half == 500
    assert contents(path) == contents(whole)


def test_every_measure_runs_on_it_and_says_what_it_took(whole: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{shutil.copy(whole, tmp_path / 'admin.db')}")
    told: list[Any] = []
    analytics.measured(database, analytics.MEASURES, told.append)
    database.dispose()

    assert [each.name for each in told] == [measure.name for measure in analytics.MEASURES]
    assert all("ms" in each.value for each in told)
