"""`python -m lib staff ...`: who may sign in. The first admin of an installation is made here."""

from typing import Annotated

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, say
from lib.core.access import STAFF_ROLES
from lib.core.work import reading, working
from lib.services import staff

app = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)


@app.command()
def grant(
    email: str,
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(STAFF_ROLES)}.")],
    name: Annotated[str, typer.Option(help="The person's name; from the address if left out.")] = "",
    database: DatabaseUrl = None,
) -> None:
    """Give somebody a role, or another one."""
    shown = name or email.partition("@")[0].replace(".", " ").title()
    with connected(database) as db, working(db, OPERATOR) as work:
        staff.grant(work, email, role, shown)
    typer.echo(f"{email} may sign in as {role}.")


@app.command()
def revoke(
    email: str,
    reason: Annotated[str, typer.Option(help="Kept in the audit trail.")] = "revoked on the command line",
    database: DatabaseUrl = None,
) -> None:
    """Withdraw somebody's access; their sessions end."""
    with connected(database) as db, working(db, OPERATOR) as work:
        staff.revoke(work, email, reason=reason)
    typer.echo(f"{email} may not sign in any more.")


@app.command("list")
def list_(database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List everybody who may, or might, sign in."""
    with connected(database) as db, reading(db, OPERATOR) as view:
        people = [row._asdict() for row in staff.people.stream(view)]
    lines = [f"{p['email']:<40} {p['role']:<8} {'active' if p['is_active'] else 'withdrawn'}" for p in people]
    say(people, as_json, *(lines or ["Nobody yet. Make an admin: python -m lib staff grant EMAIL admin"]))
