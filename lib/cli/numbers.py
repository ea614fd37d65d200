"""`python -m lib jobs|audit ...`: the jobs that fill the figures, and the chain that proves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, day, say, settings
from lib.core import money
from lib.core.work import reading
from lib.jobs import daily, schedule
from lib.services import audit_trail

jobs = typer.Typer(help="The work of the night, by hand.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)


@jobs.command("run")
def run(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(schedule.JOBS)}.")],
    on: Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD; today (UTC) if left out.")] = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Run one job now."""
    with connected(database) as db:
        done = schedule.run(name, db, settings(database), day=day(on))
    say(done, as_json, f"{name}: {done}")


@jobs.command()
def backfill(
    since: Annotated[str, typer.Option("--from", help="YYYY-MM-DD")],
    until: Annotated[str, typer.Option("--to", help="YYYY-MM-DD")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and stop.")] = False,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Fill the daily figures of a range of days again from the ledger, and say which totals that changes."""
    first, last = day(since), day(until)
    assert first is not None
    assert last is not None
    with connected(database) as db, _progress(as_json or dry_run, (last - first).days + 1) as progress:
        done = daily.backfill(db, first, last, settings(database), dry_run=dry_run, progress=progress)
    verb = "would be filled" if dry_run else "filled"
    say(
        done,
        as_json,
        *(_difference(change) for change in done.changed),
        f"{first} to {last}: {done.rows:,} rows {verb}, {len(done.changed):,} totals come out another way.",
    )


@contextmanager
def _progress(quiet: bool, total: int) -> Iterator[daily.Progress | None]:
    """A bar on the terminal's error stream, so that what is printed stays whole; None where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with typer.progressbar(length=total, label="Days", file=sys.stderr) as bar:
        yield lambda done, _: bar.update(done - bar.pos)


def _difference(change: daily.Change) -> str:
    stored, counted = (
        "nothing" if cents is None else money.show(money.monthly(cents), change.currency)
        for cents in (change.stored_arr_cents, change.counted_arr_cents)
    )
    return f"{change.day} {change.policy}: MRR {stored} -> {counted}"


@audit.command()
def verify(database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Walk the whole audit chain; exits with 1 at the first entry that does not hold."""
    with connected(database) as db, reading(db, OPERATOR) as view:
        verdict = audit_trail.check(view)
    if verdict.broken_at is None:
        say(verdict, as_json, f"The chain holds: {verdict.entries:,} entries, {verdict.erased:,} erased.")
        return
    say(verdict, as_json, f"The chain is broken at entry {verdict.broken_at}: {verdict.why}.")
    raise typer.Exit(1)
