"""Moving a database from revision to revision, in one transaction, with revisions that nobody has edited."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from lib.core.database import shown
from lib.core.errors import Invalid, Refused
from lib.core.settings import ROOT

MIGRATIONS: Final = ROOT / "migrations"
_ONE_UPGRADE_AT_A_TIME: Final = 0x0B77_AD31  # any number, the same in every process


def upgrade(engine: Engine, to: str = "head") -> tuple[str, ...]:
    """Bring a database up to a revision (`head`, `0003`, or its full name); gives those that were applied.

    All or nothing. Several processes may start it at once: the others wait, then find nothing to do. The
    engine must come from `lib.core.database`. Raises Invalid when the database does not answer or there is no
    such revision, and Refused when a released revision was edited, when the database holds tables that we did
    not make, or when it is at a revision that this version does not know.
    """
    refuse_edited_revisions()
    with changing(engine) as connection:
        before = current(connection)
        if before is None and (tables := _tables(connection)):
            raise Refused(
                f"The database {shown(engine.url)} holds {len(tables)} tables that this program did not "
                "make. If it is the app's database, use `db adopt`; otherwise name another one."
            )
        return apply(connection, to)


def downgrade(engine: Engine, to: str) -> tuple[str, ...]:
    """Take a database back to a revision (or `base`); gives the revisions that were taken back, newest first.

    All or nothing. Raises as `upgrade` does, and Refused when a revision will not go back because its tables
    hold rows.
    """
    refuse_edited_revisions()
    with changing(engine) as connection:
        before = _lineage(current(connection))
        with _translated():
            command.downgrade(_config(connection), _short(to))
        after = _lineage(current(connection))
        return tuple(revision for revision in reversed(before) if revision not in after)


def apply(connection: Connection, to: str = "head") -> tuple[str, ...]:
    """Run the missing revisions in the open transaction; gives those that were applied, oldest first."""
    before = _lineage(current(connection))
    with _translated():
        command.upgrade(_config(connection), _short(to))
    return tuple(revision for revision in _lineage(current(connection)) if revision not in before)


def stamp(connection: Connection, revision: str) -> None:
    """Write down that the database is at a revision, without running anything."""
    command.stamp(_config(connection), revision)


def as_sql(dialect: str, start: str, to: str) -> str:
    """The SQL of an upgrade from one revision to another for `sqlite` or `postgresql`, run nowhere.

    There is none of a downgrade, which must look at the tables before it drops them.
    """
    output = io.StringIO()
    config = _config(None, output=output)
    config.attributes["dialect"] = dialect
    with _translated():
        if _short(start) not in _lineage(_short(to)):
            raise Invalid(
                f"Revision {to} does not come after {start}: only an upgrade can be written as SQL."
            )
        command.upgrade(config, f"{_short(start)}:{_short(to)}", sql=True)
    return output.getvalue()


def current(connection: Connection) -> str | None:
    """The revision that a database is at, None when none of ours ever ran.

    Raises Refused when it is one that this version of the program does not know.
    """
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in _lineage("head"):
        raise Refused(
            f"The database is at revision {revision}, which this version of the program does not know. "
            "Run the version that made it, or a newer one."
        )
    return revision


def pending(revision: str | None) -> tuple[str, ...]:
    """The revisions that come after one, oldest first."""
    done = _lineage(revision)
    return tuple(later for later in _lineage("head") if later not in done)


def edited_revisions() -> tuple[str, ...]:
    """The files of released revisions that are not what they were when they were released, or are gone."""
    now = {path.name: _digest(path) for path in _files()}
    return tuple(name for name, digest in _pinned().items() if now.get(name) != digest)


def refuse_edited_revisions() -> None:
    """Raise Refused, naming the files, when a released revision was edited."""
    edited = edited_revisions()
    if edited:
        raise Refused(
            f"Released revisions were edited or removed: {', '.join(edited)}. Databases were made by their "
            "old text. Restore the files and write a new revision instead."
        )


def pin() -> tuple[str, ...]:
    """Release the revisions that are new by noting their checksums; gives their names. Never changes one."""
    pinned = _pinned()
    new = {path.name: _digest(path) for path in _files() if path.name not in pinned}
    checksums = json.dumps(dict(sorted((pinned | new).items())), indent=2)
    _checksums_file().write_text(checksums + "\n", encoding="utf-8")
    return tuple(new)


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """One transaction that may change the schema, alone; raises Invalid when the database does not answer."""
    with reached(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ONE_UPGRADE_AT_A_TIME})
        yield connection


@contextmanager
def reached(engine: Engine) -> Iterator[None]:
    """Raise Invalid, without the password, when a database cannot be opened at all."""
    try:
        with engine.execution_options(writes=False).connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            inspect(connection).get_table_names()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0].removesuffix(".")
        raise Invalid(
            f"The database {shown(engine.url)} does not answer: {reason}. "
            "Check DATABASE_URL and that the server is running."
        ) from None
    yield


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise Invalid(f"{str(error).removesuffix('.')}. `db check` lists the revisions.") from None


def _config(connection: Connection | None, *, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output)
    # ConfigParser reads % as the start of a reference.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _lineage(revision: str | None) -> tuple[str, ...]:
    """A revision and all before it, oldest first; nothing for None."""
    if revision is None:
        return ()
    scripts = ScriptDirectory(str(MIGRATIONS)).iterate_revisions(revision, "base")
    return tuple(reversed([script.revision for script in scripts]))


def _tables(connection: Connection) -> list[str]:
    return [name for name in inspect(connection).get_table_names() if name != "alembic_version"]


def _short(revision: str) -> str:
    """`0003_analytics_events` is revision `0003`."""
    return revision.partition("_")[0]


def _files() -> list[Path]:
    return sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _checksums_file() -> Path:
    return MIGRATIONS / "checksums.json"


def _pinned() -> dict[str, str]:
    path = _checksums_file()
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
