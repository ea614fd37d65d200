"""What `db check` says about a database."""

from dataclasses import dataclass

from sqlalchemy import Engine

from lib.core.schema import revisions
from lib.core.schema.differences import differences, portable
from lib.core.schema.manifest import Manifest, production, read_manifest, without_our_additions


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """The state of a schema.

    `revision` is None for a database that we never touched; `pending` are the revisions that it lacks;
    `differences` says in sentences how the app's tables differ from production's; `edited` names files of
    released revisions that are not what they were.
    """

    revision: str | None
    pending: tuple[str, ...]
    differences: tuple[str, ...]
    edited: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the program may run on the database as it is."""
        return not (self.pending or self.differences or self.edited)


def check(engine: Engine) -> SchemaReport:
    """Compare a database with the revisions and with production's schema; changes nothing.

    Raises Invalid when the database does not answer, and Refused when it is at a revision that this version
    of the program does not know.
    """
    with (
        revisions.reached(engine),
        engine.execution_options(writes=False).connect() as connection,
    ):
        revision = revisions.current(connection)
        found = without_our_additions(read_manifest(connection))
    return SchemaReport(
        revision,
        revisions.pending(revision),
        tuple(_differences(found, on_sqlite=engine.dialect.name == "sqlite")),
        revisions.edited_revisions(),
    )


def _differences(found: Manifest, *, on_sqlite: bool) -> list[str]:
    if on_sqlite:
        return differences(production(), found)
    return differences(portable(production()), portable(found))
