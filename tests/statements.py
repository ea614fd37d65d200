"""How many statements a block sends to the database, and how long the database takes over them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from sqlalchemy import event

from lib.core.database import Database


@dataclass(slots=True)
class Spent:
    """What was asked of the database: the statements in order, and the seconds until all rows were read.

    The begin and the end of a transaction are no statements here.
    """

    statements: list[str] = field(default_factory=list)
    seconds: float = 0.0


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent inside the block, in order."""
    spent = Spent()
    with _noted(database, spent):
        yield spent.statements


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as the driver got it."""

    sql: str
    values: Any


@contextmanager
def recorded(database: Database) -> Iterator[list[Sent]]:
    """The statements that are sent inside the block with their values, in order."""
    sent: list[Sent] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        sent.append(Sent(sql, values))

    event.listen(database.primary, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.primary, "before_cursor_execute", note)


class Meter:
    """Counts and times everything that a database is asked from now on.

    SQLite finds a row when it is fetched, so what passes between two events of the engine is not all: there
    the driver's own cursors are timed. They are those of connections that open from now on.
    """

    def __init__(self, database: Database) -> None:
        self._spent = Spent()
        event.listen(database.primary, "before_cursor_execute", self._note)
        if database.primary.dialect.name == "sqlite":
            database.primary.dispose()
            event.listen(database.primary, "do_connect", self._open)
        else:
            event.listen(database.primary, "before_cursor_execute", self._start)
            event.listen(database.primary, "after_cursor_execute", self._stop)

    def taken(self) -> Spent:
        """What was spent since the last time this was asked."""
        spent = Spent(list(self._spent.statements), self._spent.seconds)
        self._spent.statements.clear()
        self._spent.seconds = 0.0
        return spent

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._spent.statements.append(statement)

    def _open(self, _dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        options["factory"] = _timed_connection(self._spent)

    def _start(
        self, _connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any, *_: Any
    ) -> None:
        context.started_at = perf_counter()

    def _stop(
        self, _connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any, *_: Any
    ) -> None:
        self._spent.seconds += perf_counter() - context.started_at


@contextmanager
def _noted(database: Database, spent: Spent) -> Iterator[None]:
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        spent.statements.append(statement)

    event.listen(database.primary, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(database.primary, "before_cursor_execute", note)


def _timed_connection(spent: Spent) -> type[sqlite3.Connection]:
    def timed(name: str) -> Any:
        asked = getattr(sqlite3.Cursor, name)

        def ask(self: sqlite3.Cursor, *args: Any) -> Any:
            began = perf_counter()
            try:
                return asked(self, *args)
            finally:
                spent.seconds += perf_counter() - began

        return ask

    names = ("execute", "executemany", "fetchone", "fetchmany", "fetchall")
    cursors: type[sqlite3.Cursor] = type(
        "TimedCursor", (sqlite3.Cursor,), {name: timed(name) for name in names}
    )

    class TimedConnection(sqlite3.Connection):
        def cursor(self, _factory: Any = None) -> Any:
            return super().cursor(cursors)

        def commit(self) -> None:
            began = perf_counter()
            super().commit()
            spent.seconds += perf_counter() - began

    return TimedConnection
