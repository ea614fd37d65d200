"""Taking over a database that the app made: look first, change nothing unless everything fits."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from lib.core.database import shown
from lib.core.errors import Invalid, Refused
from lib.core.schema import revisions
from lib.core.schema.differences import differences
from lib.core.schema.manifest import OUR_INDEXES, Manifest, manifest_of, production
from lib.models import Base

PRODUCTION_REVISION: Final = "0003"


@dataclass(frozen=True, slots=True)
class AdoptReport:
    """A database that is ours now: what else it holds, and the revisions that were applied to it."""

    other_tables: tuple[str, ...]
    applied: tuple[str, ...]


def adopt(engine: Engine) -> AdoptReport:
    """Take over a SQLite database that the app's own migrations made, and bring it up to the newest revision.

    Its schema is compared with production's through a read-only connection. Other tables (Cloudflare's own,
    those of later migrations of the app) may stand beside. Raises Refused when it does not fit, listing each
    difference, when it is ours already, or when it is no SQLite database; then not a byte of it has changed.
    Raises Invalid when there is no such file or it cannot be read. Hand in a new engine: one that has been
    connected may have changed the file's journal mode.
    """
    revisions.refuse_edited_revisions()
    found = _look(engine)
    misfits = [*differences(production(), _production_part(found)), *_taken_names(found)]
    if misfits:
        raise Refused(
            f"The database {shown(engine.url)} differs from production's at revision {PRODUCTION_REVISION}. "
            "Nothing was changed.\n" + "\n".join(f"- {sentence}" for sentence in misfits)
        )
    with revisions.changing(engine) as connection:
        revisions.stamp(connection, PRODUCTION_REVISION)
        applied = revisions.apply(connection)
    return AdoptReport(tuple(sorted(found.keys() - production().keys())), applied)


def _look(engine: Engine) -> Manifest:
    if engine.dialect.name != "sqlite":
        raise Refused(
            "Only a SQLite or D1 database can be adopted: the app made no other. "
            "For PostgreSQL run `db upgrade` on an empty database and copy the rows."
        )
    with _unchanged(engine) as looking:
        with looking.connect() as connection:
            ours = revisions.current(connection)
        if ours is not None:
            raise Refused(
                f"The database {shown(engine.url)} is ours already, at revision {ours}. Use `db upgrade`."
            )
        return manifest_of(looking)


@contextmanager
def _unchanged(engine: Engine) -> Iterator[Engine]:
    """The same file, opened so that nothing can write to it."""
    path = Path(engine.url.database or "")
    if not path.is_file():
        raise Invalid(f"There is no database file {path}.")
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    looking = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool
    )
    try:
        yield looking
    except DBAPIError as error:
        raise Invalid(f"The file {path} cannot be read as a SQLite database: {error.orig}.") from None
    finally:
        looking.dispose()


def _production_part(found: Manifest) -> Manifest:
    return {name: table for name, table in found.items() if name in production()}


def _taken_names(found: Manifest) -> Iterator[str]:
    for name in Base.metadata.tables.keys() - production().keys():
        if name in found:
            yield f"There is a table {name}, a name that this program needs for its own."
    for name, table in found.items():
        if name not in production():
            for index in table["indexes"]:
                if index["name"].startswith(OUR_INDEXES):
                    yield f"{name} has an index {index['name']}, a name that this program needs for its own."
