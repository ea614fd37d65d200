"""`python -m lib jobs|audit ...`: the jobs that fill the figures, and the chain that proves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from itertools import islice
from typing import Annotated, Any, Final

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, day, say, settings
from lib.core import moments, money
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import daily, filling, recount, round_steps, rounds, schedule
from lib.jobs.revenue_analytics import Difference
from lib.services import audit_trail

jobs = typer.Typer(help="The work of the night, by hand.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)

_LINES: Final = 200
_ROUNDS: Final = {each.name: each for each in (round_steps.WEEKLY, round_steps.MONTHLY)}


@jobs.command("run")
def run(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(schedule.JOBS)}.")],
    on: Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD; today (UTC) if left out.")] = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Run one job now; weekly and monthly are for the week or month of the day, or the one before it."""
    chosen, on_day = settings(database), day(on)
    with connected(database) as db:
        if name == daily.NAME:
            _run_daily(db, on_day or moments.now().date(), chosen, as_json)
        elif name in _ROUNDS:
            _run_round(_ROUNDS[name], db, on_day or moments.now().date(), chosen, as_json)
        else:
            done = schedule.run(name, db, chosen, day=on_day)
            say(done, as_json, f"{name}: {done}")


@jobs.command()
def backfill(
    since: Annotated[str, typer.Option("--from", help="YYYY-MM-DD")],
    until: Annotated[str, typer.Option("--to", help="YYYY-MM-DD")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and stop.")] = False,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Count a range of days again from the ledger: say which figures that changes, then change them.

    Production's revenue_analytics and user_cohorts are corrected where ROLLUPS=write, else only compared.
    """
    first, last = day(since), day(until)
    assert first is not None
    assert last is not None
    chosen = settings(database)

    def before(found: recount.Recounted) -> None:
        if not as_json:
            say(found, False, *islice(_differences(found), _LINES), *_left_out(found))

    with connected(database) as db, _bar(as_json or dry_run, "Days") as progress:
        done = recount.backfill(db, first, last, chosen, dry_run=dry_run, before=before, progress=progress)
    verb = "would be filled" if dry_run else "filled"
    theirs = "" if dry_run or chosen.rollups == "write" else " Production's tables were left alone."
    say(
        done,
        as_json,
        f"{first} to {last}: {done.rows:,} rows {verb}, {len(done.changed):,} totals come out another way, "
        f"{len(done.production):,} figures of revenue_analytics, {done.people:,} people of user_cohorts."
        + theirs,
    )


def _run_daily(database: Database, on: date, chosen: Settings, as_json: bool) -> None:
    with _bar(as_json, "Days") as progress:
        filled = daily.run_daily(database, on, chosen, progress=progress)
    followed: dict[str, Any] = {}
    for name in schedule.FOLLOWERS:
        if schedule.JOBS[name].due(database, moments.now()):
            followed[name] = schedule.run(name, database, chosen)
    verb = "corrected" if chosen.rollups == "write" else "left alone"
    say(
        asdict(filled) | {"followed": {name: _for_json(done) for name, done in followed.items()}},
        as_json,
        f"daily: {filled.since or 'no day'} to {filled.until}, {filled.rows:,} rows; "
        f"{len(filled.production):,} figures of revenue_analytics were otherwise, and were {verb}.",
        *(f"{name}: {done}" for name, done in followed.items()),
    )


def _run_round(chosen: rounds.Round, database: Database, on: date, using: Settings, as_json: bool) -> None:
    with _bar(as_json, chosen.name) as progress:
        told = progress or (lambda _done, _of: None)
        gone = chosen.run_for_day(
            database, on, using, moments.now(), progress=lambda _, done: told(done, len(chosen.steps))
        )
    say(
        gone,
        as_json,
        f"{gone.name}: {gone.first} to {gone.last}",
        *(f"  {name}: {_in_words(outcome)}" for name, outcome in gone.steps.items()),
    )


@contextmanager
def _bar(quiet: bool, label: str) -> Iterator[filling.Progress | None]:
    """A bar on the terminal's error stream, so that what is printed stays whole; None where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with typer.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def told(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        yield told


def _differences(found: recount.Recounted) -> Iterator[str]:
    for change in found.changed:
        stored, counted = (
            "nothing" if cents is None else money.show(money.monthly(cents), change.currency)
            for cents in (change.stored_arr_cents, change.counted_arr_cents)
        )
        yield f"{change.day} {change.policy}: MRR {stored} -> {counted}"
    for each in found.production:
        yield _in_production(each)


def _left_out(found: recount.Recounted) -> list[str]:
    more = len(found.changed) + len(found.production) - _LINES
    return [f"... and {more:,} more; --json has all of them."] if more > 0 else []


def _in_production(each: Difference) -> str:
    stored = "nothing" if each.stored is None else f"{each.stored:,}"
    return f"{each.day} revenue_analytics.{each.figure}: {stored} -> {each.counted:,}"


def _in_words(outcome: rounds.Outcome) -> str:
    """What became of a step, without its list of changes: `jobs backfill --dry-run` prints those."""
    shown = ((key, value) for key, value in outcome.items() if key != "done" and not isinstance(value, list))
    words = (f"{key.replace('_', ' ')} {value}" for key, value in shown if value is not None)
    return ", ".join(words).replace("left out ", "left out: ")


def _for_json(done: Any) -> Any:
    return asdict(done) if hasattr(done, "__dataclass_fields__") else done


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
