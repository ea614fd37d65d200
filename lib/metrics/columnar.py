"""A copy of the MRR ledger in DuckDB, where years of it are worked out for every policy at once.

SQLite sorts row by row, and a long range needs many sorts. The copy lives in a temporary folder for one
sweep: it is read in one snapshot and holds no lock while figures are worked out. The statements over it are
those that run on the database itself.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, create_engine, select, type_coerce
from sqlalchemy.orm import Session

from lib.models import CoupleMove, SubscriptionChange
from lib.models.types import Moment

MEMORY: Final = "256MB"
CHUNK: Final = 20_000

_LEDGER = cast(Table, SubscriptionChange.__table__)
# Kept back: nothing that is worked out looks at them.
_LEFT_OUT: Final = frozenset({"source", "source_id"})
_COLUMNS: Final = tuple(column for column in _LEDGER.columns if column.name not in _LEFT_OUT)


@contextmanager
def copy_of_ledger(session: Session) -> Iterator[Connection]:
    """The ledger as `subscription_changes` in DuckDB, with an empty `admin_couple_moves` to fill.

    Memory is bounded: what does not fit stays in the folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(
            f"duckdb:///{Path(folder) / 'ledger.duckdb'}",
            connect_args={
                "config": {
                    "memory_limit": MEMORY,
                    "temp_directory": folder,
                    "preserve_insertion_order": False,
                    "threads": 2,
                    # An extension would be fetched from the network.
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                }
            },
        )
        try:
            _copy(session, engine)
            with engine.connect() as connection:
                _without_key(cast(Table, CoupleMove.__table__)).create(connection)
                yield connection
        finally:
            engine.dispose()


def _copy(session: Session, engine: Engine) -> None:
    _without_key(_LEDGER).create(engine)
    names = ", ".join(column.name for column in _COLUMNS)
    add = f"INSERT INTO subscription_changes ({names}) SELECT {names} FROM chunk"  # noqa: S608 - ours
    reading = select(*(_as_stored(session, column) for column in _COLUMNS)).execution_options(yield_per=CHUNK)
    for part in session.execute(reading).partitions():
        columns = zip((column.name for column in _COLUMNS), zip(*part, strict=True), strict=True)
        # A transaction for each part: what is not committed is held in memory.
        with engine.begin() as connection:
            duck: Any = connection.connection.driver_connection
            duck.register(
                "chunk", pa.table({name: pa.array(map(_without_zone, held)) for name, held in columns})
            )
            duck.execute(add)
            duck.unregister("chunk")


def _as_stored(session: Session, column: Column[Any]) -> Any:
    """SQLite's moments as text: DuckDB reads them, and they need no object each."""
    text = isinstance(column.type, Moment) and session.get_bind().dialect.name == "sqlite"
    return type_coerce(column, Text()).label(column.name) if text else column


def _without_zone(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _without_key(table: Table) -> Table:
    """The table without keys and indexes: nobody looks a row up in it."""
    return Table(table.name, MetaData(), *(Column(column.name, column.type) for column in table.columns))
