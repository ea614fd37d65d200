"""`python -m lib metrics funnel|comeback|...`: funnels and who comes back, as the pages show them."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, day, say
from lib.core import moments
from lib.core.errors import Invalid
from lib.core.work import reading
from lib.jobs import funnels as funnel_days
from lib.metrics import funnels, funnels_read, funnels_ready, funnels_table, retention, retention_read
from lib.metrics import retention_table as tables
from lib.metrics.figure import percent
from lib.metrics.funnels import Question, Step
from lib.metrics.funnels_read import Funnel
from lib.metrics.retention import WEIGHTINGS, Definition
from lib.metrics.retention_read import Asked, Retention

app = typer.Typer()

_PARTNER = "partner:"
Since = Annotated[str | None, typer.Option("--from", metavar="DAY", help="90 days ago if left out (UTC).")]
Until = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Today (UTC) if left out.")]


@app.command()
def funnel(
    steps: Annotated[
        list[str],
        typer.Argument(
            help=f"A ready-made one ({', '.join(funnels_ready.READY)}), or two to six steps such as "
            f"event:plan_viewed, page:/plans or paid; {_PARTNER}... for what the partner has to do."
        ),
    ],
    since: Since = None,
    until: Until = None,
    hours: Annotated[float, typer.Option("--window", help="Hours for all steps; of one's own steps.")] = 168,
    order: Annotated[str, typer.Option(help=f"One of {', '.join(funnels.ORDERS)}.")] = "ordered",
    unit: Annotated[str, typer.Option(help=f"One of {', '.join(funnels.UNITS)}.")] = "couple",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """How far those came who entered on some days, and how long each step took."""
    first, last = _days(since, until)
    with connected(database) as db, reading(db, OPERATOR) as view:
        if len(steps) == 1:
            found = funnels_read.ready(view, steps[0], first, last)
        else:
            question = Question(
                tuple(Step(step.removeprefix(_PARTNER), step.startswith(_PARTNER)) for step in steps),
                timedelta(hours=hours),
                order,  # type: ignore[arg-type]  # Question checks the words
                unit,  # type: ignore[arg-type]
            )
            found = funnels_read.counted(funnels_read.walked(view, question, first, last), first, last)
    say(_funnel(found), as_json, *_funnel_lines(found))


@app.command()
def comeback(
    what: Annotated[str, typer.Argument(help="What they come back by: visit, paid, event:...")] = "visit",
    beginning: Annotated[
        str, typer.Option("--cohort", help=f"One of {', '.join(retention_read.BEGINNINGS)}.")
    ] = "account",
    period: Annotated[str, typer.Option(help=f"One of {', '.join(retention.PERIODS)}.")] = "week",
    buckets: Annotated[str, typer.Option(help=f"One of {', '.join(retention.BUCKETS)}.")] = "calendar",
    counting: Annotated[str, typer.Option(help=f"One of {', '.join(retention.COUNTINGS)}.")] = "exact",
    times: Annotated[int, typer.Option(help="At least so often.")] = 1,
    week_start: Annotated[str, typer.Option(help=f"One of {', '.join(retention.WEEK_STARTS)}.")] = "monday",
    unit: Annotated[str, typer.Option(help=f"One of {', '.join(funnels.UNITS)}.")] = "couple",
    cohorts: Annotated[int, typer.Option(help="How many, the newest last.")] = 12,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Who comes back, by cohort and age, from the raw rows."""
    recurring = "recurring" if beginning == "every_use" else "first"
    definition = Definition(
        period,  # type: ignore[arg-type]  # Definition and Asked check the words
        recurring,
        buckets,
        counting,
        times,
        week_start,
    )
    asked = Asked(what, beginning, definition, unit, cohorts)  # type: ignore[arg-type]
    with connected(database) as db, reading(db, OPERATOR) as view:
        found = retention_read.counted(retention_read.kept(view, asked))
    say(_retention(found), as_json, *_retention_lines(found))


@app.command("fill-funnels")
def fill_funnels(
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="YYYY-MM-DD")],
    until: Until = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Count the ready-made funnels of a range of days again, whatever is stored."""
    first, last = _days(since, until)
    with connected(database) as db:
        done = funnel_days.run(db, last, since=first)
    say(done, as_json, f"{first} to {last}: {done.entered:,} entries of {done.funnels} funnels.")


def _days(since: str | None, until: str | None) -> tuple[date, date]:
    last = day(until) or moments.now().date()
    first = day(since) or last - timedelta(days=89)
    if first > last:
        raise Invalid(f"The days are turned round: {first} comes after {last}.")
    return first, last


def _funnel(found: Funnel) -> dict[str, Any]:
    return {
        "definition": funnels_table.definition(found.question),
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "unit": found.question.unit,
        "order": found.question.order,
        "waiting": found.waiting,
        "left_out_future": found.future,
        "days_missing": found.days_missing,
        "why_not": found.why_not,
        "steps": [
            {
                "step": each.step.what,
                "by_partner": each.step.by_partner,
                "reached": each.reached,
                "dropped": each.dropped,
                "of_first": _plain(each.of_first),
                "of_previous": _plain(each.of_previous),
                "average_seconds": _plain(each.average_seconds),
                "median_seconds": _plain(each.median_seconds),
            }
            for each in found.steps
        ],
    }


def _funnel_lines(found: Funnel) -> list[str]:
    rows = funnels_table.step_rows(found)
    lines = [
        f"{row.number}. {row.step}: {row.reached:,}"
        + ("" if row.of_first is None else f" ({percent(row.of_first)}), {row.dropped:,} lost before it")
        + ("" if row.median is None else f", median {row.median}")
        for row in rows
    ]
    said = (found.why_not, *lines, funnels_table.definition(found.question), funnels_table.waiting(found))
    return [line for line in said if line]


def _retention(found: Retention) -> dict[str, Any]:
    return {
        "definition": tables.definition(found.asked),
        "why_not": found.why_not,
        "cohorts": [
            {
                "start": cohort.start.isoformat(),
                "size": cohort.size,
                "cells": [asdict(cell) | {"share": _plain(cell.share)} for cell in cohort.cells],
            }
            for cohort in found.cohorts
        ],
        "averages": [
            asdict(each) | {name: _plain(getattr(each, name)) for name in (*WEIGHTINGS, "returned_by_size")}
            for each in found.averages
        ],
    }


def _retention_lines(found: Retention) -> list[str]:
    lines = [
        f"{tables.cohort_name(found.asked, cohort.start)} ({cohort.size:,}): "
        + " ".join(
            "–" if cell.share is None else f"{percent(cell.share)}{'' if cell.mature else ' so far'}"
            for cell in cohort.cells
        )
        for cohort in found.cohorts
    ]
    return [*([found.why_not] if found.why_not else lines), tables.definition(found.asked)]


def _plain(number: Any) -> float | None:
    return None if number is None else float(number)
