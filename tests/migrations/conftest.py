"""Databases before their first revision, and one that the app made."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lib.core.schema import revisions
from tests.databases import Server, opened
from tests.migrations.from_manifest import create_from_manifest


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def empty_postgres_url(postgres: Server) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database without a table, on each engine in turn."""
    with opened(request.getfixturevalue(f"empty_{request.param}_url")) as engine:
        yield engine


@pytest.fixture
def full(database_url: str) -> Iterator[Engine]:
    """A database at the newest revision, on each engine in turn."""
    with opened(database_url) as engine:
        yield engine


@pytest.fixture
def full_sqlite(sqlite_url: str) -> Iterator[Engine]:
    """A SQLite database at the newest revision."""
    with opened(sqlite_url) as engine:
        yield engine


@pytest.fixture
def apps_own(tmp_path: Path) -> Path:
    """A SQLite file that the app's migrations made."""
    path = tmp_path / "d1.sqlite"
    create_from_manifest(path)
    return path


@pytest.fixture
def scratch_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations that a test may spoil; the program uses it instead of its own."""
    copy = Path(shutil.copytree(revisions.MIGRATIONS, tmp_path / "migrations"))
    monkeypatch.setattr(revisions, "MIGRATIONS", copy)
    return copy
