"""Engines: how each database must be opened."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from lib.core.errors import Invalid

BUSY_TIMEOUT_MS = 10_000


class Database:
    """The engines of one database: `primary` for everything, `replica` for reads that may be a moment old.

    Raises Invalid for a URL that we cannot use, in words that never contain its password.
    """

    def __init__(self, url: str, *, replica_url: str | None = None) -> None:
        self.primary = open_engine(url)
        self.replica = open_engine(replica_url) if replica_url else self.primary

    def ping(self) -> None:
        """Raise Invalid with a clear sentence when the database does not answer."""
        try:
            with self.primary.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except DatabaseError as error:
            raise Invalid(
                f"The database {shown(self.primary.url)} does not answer: {_first_line(error)} "
                "Check DATABASE_URL and that the server is running."
            ) from None

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.primary.dispose()
        self.replica.dispose()


def open_engine(url: str) -> Engine:
    """Make an engine for a SQLite file or a PostgreSQL server."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=10)
    raise Invalid(
        f"DATABASE_URL names “{parsed.get_backend_name()}”. Use sqlite:///path or postgresql://server/database."
    )


def shown(url: URL) -> str:
    """A database's address without its password."""
    return url.render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise Invalid(
            "DATABASE_URL is not a database address. Use sqlite:///path or postgresql://server/database."
        ) from None


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise Invalid("DATABASE_URL must name a file, such as sqlite:///var/admin.db.")
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise Invalid(
            f"The folder {folder} of the database does not exist. Create it or correct DATABASE_URL."
        )
    engine = create_engine(
        url, pool_size=10, max_overflow=20, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are ours to begin: the driver's own begin comes too late and is always deferred.
    connection.isolation_level = None
    # The app stores what its users' programs send, which is not always UTF-8: it is shown, not refused.
    connection.text_factory = _readable
    for pragma in (
        "journal_mode = WAL",
        # An intent to move money must be on disk before Stripe hears of it.
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "temp_store = MEMORY",
        "cache_size = -65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _begin_sqlite(connection: Connection) -> None:
    """Begin IMMEDIATE where rows will be written; a deferred read that then writes fails at once.

    Reads cannot write at all, whatever they try.
    """
    writes = connection.get_execution_options().get("writes", True)
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(error: DatabaseError) -> str:
    text = str(error.orig).strip().splitlines()[0] if error.orig else "no reason was given"
    return text if text.endswith(".") else f"{text}."
