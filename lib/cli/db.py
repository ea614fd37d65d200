"""`python -m lib db ...`: the schema of a database, and what a fresh one needs."""

import code
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url, select

from lib import models
from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, say, settings
from lib.core import schema
from lib.core.errors import Refused
from lib.core.work import reading, working
from lib.services import reference_data

app = typer.Typer(help="The schema of a database, and what a fresh one needs.", no_args_is_help=True)


@app.command()
def upgrade(
    to: Annotated[str, typer.Option(help="A revision such as 0003, or head.")] = "head",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Apply the revisions that are missing."""
    _make_folder(settings(database).database_url)
    with connected(database, must_exist=False) as db:
        applied = schema.upgrade(db.primary, to)
    say({"applied": applied}, as_json, f"Applied: {', '.join(applied)}." if applied else "Nothing to apply.")


@app.command()
def downgrade(
    to: Annotated[str, typer.Option(help="A revision such as 0100, or base.")],
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take revisions back; those of the app refuse while they hold rows."""
    with connected(database) as db:
        undone = schema.downgrade(db.primary, to)
    say(
        {"undone": undone},
        as_json,
        f"Taken back: {', '.join(undone)}." if undone else "Nothing to take back.",
    )


@app.command()
def check(database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Compare a database with what it ought to be; exits with 1 when something differs."""
    with connected(database) as db:
        report = schema.check(db.primary)
    lines = [f"Revision {report.revision or 'none'}; pending: {', '.join(report.pending) or 'none'}."]
    lines += [*report.differences, *(f"The released revision {name} was edited." for name in report.edited)]
    if report.is_good:
        lines.append("The tables are as they ought to be.")
    say(report, as_json, *lines)
    if not report.is_good:
        raise typer.Exit(1)


@app.command()
def adopt(database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Take over a database that the app made; one that differs is left untouched."""
    with connected(database, ping=False) as db:
        report = schema.adopt(db.primary)
    say(report, as_json, f"Adopted. Applied: {', '.join(report.applied)}.")


@app.command()
def seed(database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Add the plans, add-ons, challenges and achievements that are missing."""
    with connected(database) as db, working(db, OPERATOR) as work:
        added = reference_data.seed(work)
    words = ", ".join(f"{number} {what}" for what, number in added.items() if number)
    say(added, as_json, f"Added {words}." if words else "Everything is there already.")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, database: DatabaseUrl = None
) -> None:
    """Delete a SQLite file of the demo; any other database is refused."""
    chosen = settings(database)
    if not chosen.database_url.startswith("sqlite") or not chosen.demo:
        raise Refused("Only a SQLite file in demo mode (ADMIN_DEMO=1) is deleted this way.")
    path = Path(make_url(chosen.database_url).database or "")
    if not yes:
        typer.confirm(f"Delete {path} and everything in it?", abort=True)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    typer.echo(f"Deleted {path}.")


@app.command()
def console(database: DatabaseUrl = None) -> None:
    """Open a Python prompt with a read-only view of the database, personal data masked."""
    with connected(database) as db, reading(db, OPERATOR) as view:
        names = {name: getattr(models, name) for name in models.__all__}
        banner = "view.session.execute(select(User.id, User.name).limit(5)).all()   (read only, masked)"
        code.interact(banner, local=names | {"view": view, "select": select}, exitmsg="")


def _make_folder(url: str) -> None:
    if url.startswith("sqlite"):
        Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
