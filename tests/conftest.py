"""Fixtures that every test may use: databases at the newest revision, and golden data."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.core import schema
from lib.core.settings import ROOT
from tests import matrices
from tests.databases import WORKER, Server, opened, running_server, unavailable


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest revision, without rows, to be copied and never opened."""
    path = tmp_path_factory.mktemp("template") / "admin.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database of the test's own at the newest revision."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'admin.db')}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The run's PostgreSQL server."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: Server) -> str:
    """The name of a PostgreSQL database at the newest revision, to be copied and never opened."""
    name = f"template_{WORKER}"
    _migrate(postgres.create(name))
    return name


@pytest.fixture
def postgres_url(postgres: Server, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own at the newest revision."""
    with postgres.database(template=postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of the test's own at the newest revision, on each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def golden(name: str) -> Path:
    """The path of published examples; where they are missing the test is skipped, on CI it fails."""
    folder = Path(os.environ.get("GOLDEN_DIR", ROOT.parent / "shared" / "golden"))
    path = folder / name
    if not path.exists():
        unavailable(f"There is no golden data {name} in {folder}: set GOLDEN_DIR.")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests filled cell by cell."""
    reports = [
        (outcome, report)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
    ]
    for title, lines in matrices.tables(reports):
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.line(line)


def _migrate(url: str) -> None:
    with opened(url) as engine:
        schema.upgrade(engine)
