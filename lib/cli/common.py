"""What every command shares: the database, the output, and one clear sentence for what goes wrong."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from sqlalchemy import make_url

from lib.core.access import Actor, system
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings

OPERATOR: Final[Actor] = system("command line")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///path or postgresql://server/database; DATABASE_URL if left out.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings(url: str | None) -> Settings:
    """The environment's settings, with another database if one is named."""
    found = Settings.from_environment()
    return dataclasses.replace(found, database_url=url) if url else found


@contextmanager
def connected(url: str | None, *, must_exist: bool = True, ping: bool = True) -> Iterator[Database]:
    """The database of a command, reachable, and closed afterwards.

    Raises Invalid when it does not answer, or is a SQLite file that is not there. Without `ping` nothing
    touches it before the command does: the first connection to a SQLite file switches it to WAL.
    """
    chosen = settings(url)
    if must_exist:
        _refuse_missing_file(chosen.database_url)
    database = Database(chosen.database_url, replica_url=chosen.replica_url)
    try:
        if ping:
            database.ping()
        yield database
    finally:
        database.dispose()


def say(data: Any, as_json: bool, *lines: str) -> None:
    """Print data as JSON, or else the lines for a reader."""
    if as_json:
        typer.echo(json.dumps(_plain(data), indent=2, ensure_ascii=False, default=str))
    else:
        for line in lines:
            typer.echo(line)


def day(text: str | None) -> date | None:
    """Read a day as YYYY-MM-DD; raises Invalid for anything else."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"“{text[:20]}” is not a day. Write it as YYYY-MM-DD.") from None


def _plain(data: Any) -> Any:
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return dataclasses.asdict(data)
    return [_plain(item) for item in data] if isinstance(data, list | tuple) else data


def _refuse_missing_file(url: str) -> None:
    if not url.startswith("sqlite"):
        return
    path = make_url(url).database
    if path and not Path(path).exists():
        raise Invalid(f"There is no database file {path}. Make one with: python -m lib db upgrade.")
