"""The way into an empty database: whole chunks straight through the driver, in the order of the foreign keys.

On SQLite the secondary indexes are taken away first and made again at the end from their own SQL: sorting
once is several times faster than inserting everywhere, and far more so when the file outgrows memory.
PostgreSQL takes the rows by COPY.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table, inspect
from sqlalchemy import text as sql_text

from lib.core.database import Database
from lib.core.errors import Invalid, Refused
from lib.models import Base

Row = dict[str, Any]
Chunk = Mapping[str, Sequence[Row]]

TABLES: dict[str, Table] = {table.name: table for table in Base.metadata.sorted_tables}
_COLUMNS: dict[str, tuple[str, ...]] = {
    # A number that the database gives out is left to it.
    name: tuple(column.name for column in table.columns if column.autoincrement is not True)
    for name, table in TABLES.items()
}


class Loader(ABC):
    """Takes chunks of rows. A foreign key may point into the same chunk or an earlier one."""

    @abstractmethod
    def insert(self, chunk: Chunk) -> None:
        """Write rows by table name, parents before children."""

    @abstractmethod
    def update(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement with `?` parameters once for each tuple."""


class _SqliteLoader(Loader):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def insert(self, chunk: Chunk) -> None:
        self.connection.execute("BEGIN")
        for table, columns, rows in _in_order(chunk):
            marks = ", ".join("?" * len(columns))
            names = ", ".join(f'"{column}"' for column in columns)
            self.connection.executemany(
                f'INSERT INTO "{table}" ({names}) VALUES ({marks})',  # noqa: S608 - names of our own models
                _values(table, columns, rows),
            )
        self.connection.execute("COMMIT")

    def update(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        self.connection.execute("BEGIN")
        self.connection.executemany(statement, values)
        self.connection.execute("COMMIT")


class _PostgresLoader(Loader):
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def insert(self, chunk: Chunk) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            for table, columns, rows in _in_order(chunk):
                target = sql.SQL("COPY {} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
                )
                with cursor.copy(target) as copy:
                    for row in _values(table, columns, rows):
                        copy.write_row(row)

    def update(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), values)


@contextmanager
def loading(database: Database) -> Iterator[Loader]:
    """Open the database for one bulk load.

    Raises Refused when it already holds people, and Invalid for an engine that cannot be loaded in bulk.
    """
    if not is_empty(database):
        raise Refused(
            "The database already holds people, so no demo company is built into it. Reset it first, "
            "or name an empty one with --database."
        )
    url = database.primary.url
    # A pooled connection would see the indexes go; it opens again by itself.
    database.primary.dispose()
    match url.get_backend_name():
        case "sqlite":
            assert url.database is not None
            with _sqlite(Path(url.database)) as loader:
                yield loader
        case "postgresql":
            address = url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(address, autocommit=True) as connection:
                # One of the two text forms names no zone.
                connection.execute("SET TIME ZONE 'UTC'")
                yield _PostgresLoader(connection)
                connection.execute("ANALYZE")
        case other:
            raise Invalid(f"A demo company cannot be loaded into {other}. Use SQLite or PostgreSQL.")


def is_empty(database: Database) -> bool:
    """Whether the database holds nobody yet. Raises Invalid when it has no `users` table at all."""
    with database.primary.connect() as connection:
        if not inspect(connection).has_table("users"):
            raise Invalid("The database has no tables yet. Run `python -m lib db upgrade` first.")
        return connection.execute(sql_text("SELECT 1 FROM users LIMIT 1")).first() is None


@contextmanager
def _sqlite(path: Path) -> Iterator[Loader]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # The rows can be made again at any time, so nothing waits for the disk. Foreign keys hold by
        # construction; `PRAGMA foreign_key_check` is a test of this package.
        for pragma in (
            "journal_mode = WAL",
            "synchronous = OFF",
            "foreign_keys = OFF",
            "cache_size = -131072",
        ):
            connection.execute(f"PRAGMA {pragma}")
        with _without_indexes(connection):
            yield _SqliteLoader(connection)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


@contextmanager
def _without_indexes(connection: sqlite3.Connection) -> Iterator[None]:
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    connection.execute("COMMIT")
    try:
        yield
    finally:
        connection.execute("BEGIN")
        for _, statement in indexes:
            connection.execute(statement)
        connection.execute("COMMIT")


def _in_order(chunk: Chunk) -> Iterator[tuple[str, tuple[str, ...], Sequence[Row]]]:
    for table in TABLES:
        if rows := chunk.get(table):
            yield table, _COLUMNS[table], rows


def _values(table: str, columns: tuple[str, ...], rows: Sequence[Row]) -> Iterator[tuple[Any, ...]]:
    known = frozenset(columns)
    for row in rows:
        if not row.keys() <= known:
            raise KeyError(f"{table} has no columns {sorted(row.keys() - known)}")
        yield tuple(map(row.get, columns))
