"""Fixtures that every test may use: databases at the newest revision, and golden data."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner

from lib.core import schema
from lib.core.database import Database
from lib.core.settings import ROOT
from lib.demo.staff import create_demo_staff
from tests import local_stripe, matrices
from tests.databases import Server, opened, running_server, unavailable
from tests.filled import Dialect, Filled
from tests.local_stripe import LocalStripe
from tests.once import built_once


@pytest.fixture(scope="session", autouse=True)
def _packages_looked_through_once() -> Iterator[None]:
    """An AppTest looks through every installed package for Streamlit's components, at each of its runs."""
    with pytest.MonkeyPatch.context() as patch:
        found = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest revision, without rows, to be copied and never opened."""
    folder = built_once(
        tmp_path_factory, "migrated", lambda folder: _migrate(f"sqlite:///{folder / 'admin.db'}")
    )
    return folder / "admin.db"


@pytest.fixture(scope="session")
def staffed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the four demo accounts, to be copied and never opened."""

    def build(folder: Path) -> None:
        database = Database(f"sqlite:///{shutil.copy(sqlite_template, folder / 'admin.db')}")
        create_demo_staff(database)
        database.dispose()

    return built_once(tmp_path_factory, "staffed", build) / "admin.db"


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
    return postgres.template("migrated", _migrate)


@pytest.fixture
def postgres_url(postgres: Server, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own at the newest revision."""
    with postgres.database(template=postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Each dialect in turn."""
    name: Dialect = request.param
    return name


@pytest.fixture
def database_url(request: pytest.FixtureRequest, dialect: Dialect) -> str:
    """A database of the test's own at the newest revision, on each engine in turn."""
    url: str = request.getfixturevalue(f"{dialect}_url")
    return url


@pytest.fixture
def filled(request: pytest.FixtureRequest) -> Iterator[Filled]:
    """Databases of the test's own that begin with the same rows, copied from one that was filled once."""
    with ExitStack() as open_ones:
        yield Filled(request, open_ones)


@pytest.fixture(scope="session")
def running_stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    """The local Stripe of this process."""
    with local_stripe.running(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
def stripe(running_stripe: LocalStripe) -> LocalStripe:
    """The local Stripe, with its objects for tests to use up; nothing goes wrong there by itself."""
    running_stripe.goes_right()
    return running_stripe


def golden(name: str) -> Path:
    """The path of published examples; where they are missing the test is skipped, on CI it fails."""
    folder = Path(os.environ.get("GOLDEN_DIR", ROOT.parent / "shared" / "golden"))
    path = folder / name
    if not path.exists():
        unavailable(f"There is no golden data {name} in {folder}: set GOLDEN_DIR.")
    return path


def pytest_collection_finish() -> None:
    """Keep the thousands of collected tests out of the garbage collector's way: they stay till the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
