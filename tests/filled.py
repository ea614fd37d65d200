"""Databases of a test's own that begin with the same rows: filled once in a run, and copied for each test."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from lib.core.database import Database
from tests.databases import Server
from tests.once import built_once

Fill = Callable[[Database], object]
Dialect = Literal["sqlite", "postgres"]


class Filled:
    """Copies of filled databases. `copy` opens one; it is closed, and dropped, when the test is over."""

    def __init__(self, request: pytest.FixtureRequest, open_ones: ExitStack) -> None:
        self._request, self._open = request, open_ones

    def copy(self, dialect: Dialect, fill: Fill) -> Database:
        """A database at the newest revision that `fill`, known by its module and name, has filled."""
        name = f"{fill.__module__}_{fill.__qualname__}".replace(".", "_")
        url = self._sqlite(name, fill) if dialect == "sqlite" else self._postgres(name, fill)
        database = Database(url)
        self._open.callback(database.dispose)
        return database

    def _sqlite(self, name: str, fill: Fill) -> str:
        empty: Path = self._request.getfixturevalue("sqlite_template")

        def build(folder: Path) -> None:
            _fill(f"sqlite:///{shutil.copy(empty, folder / 'admin.db')}", fill)

        folder = built_once(self._request.getfixturevalue("tmp_path_factory"), name, build)
        own: Path = self._request.getfixturevalue("tmp_path")
        return f"sqlite:///{shutil.copy(folder / 'admin.db', own / f'{name}.db')}"

    def _postgres(self, name: str, fill: Fill) -> str:
        server: Server = self._request.getfixturevalue("postgres")
        empty: str = self._request.getfixturevalue("postgres_template")
        template = server.template(name, lambda url: _fill(url, fill), begin_with=empty)
        return self._open.enter_context(server.database(template=template))


def _fill(url: str, fill: Fill) -> None:
    database = Database(url)
    fill(database)
    database.dispose()
