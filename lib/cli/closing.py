"""`python -m lib close ...`: freeze a month, restate it, and write its files."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, say, settings
from lib.core.database import Database
from lib.core.errors import Invalid, NotFound
from lib.core.work import reading, working
from lib.metrics.policies import POLICIES
from lib.services import month_close
from lib.services.month_close.files import csv_of, pdf_of
from lib.services.month_close.versions import MonthShown, Version

app = typer.Typer(help="The month close.", no_args_is_help=True)

Month = Annotated[str, typer.Argument(help="YYYY-MM", metavar="MONTH")]
Reason = Annotated[str, typer.Option(help="Why; kept with the version.")]


@app.command()
def show(month: Month, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Print a month: what was frozen, what it would say now, and what differs."""
    with connected(database) as db:
        shown = _shown(db, month, database)
    say(_plain(shown), as_json, *_lines(shown))


@app.command()
def freeze(month: Month, reason: Reason, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Keep a month's figures as they stand; a month that is frozen stays as it is."""
    chosen = settings(database)
    with connected(database) as db:
        with working(db, OPERATOR) as work:
            key = month_close.freeze(
                work,
                _month(month),
                reason=reason,
                reporting=chosen.reporting_currency,
                zone=chosen.business_zone,
            )
        version = _version(db, key)
    say(_plain_version(version), as_json, f"{version.title}: {version.digest}")


@app.command()
def restate(month: Month, reason: Reason, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Make a new version of a frozen month out of today's figures."""
    with connected(database) as db:
        shown = _shown(db, month, database)
        if shown.chosen is None:
            raise NotFound(f"{shown.month:%B %Y} is not frozen, so there is nothing to restate.")
        with working(db, OPERATOR) as work:
            key = month_close.restate(
                work,
                shown.chosen.id,
                shown=shown.now.digest,
                reason=reason,
                zone=settings(database).business_zone,
            )
        version = _version(db, key)
    say(_plain_version(version), as_json, f"{version.title}: {version.digest}")


@app.command()
def files(
    month: Month,
    to: Annotated[Path, typer.Option(help="The folder that they are written to.")] = Path(),
    version: Annotated[int | None, typer.Option(help="The newest one if left out.")] = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write a version's CSV and PDF; the same version gives the same bytes."""
    with connected(database) as db:
        chosen = _shown(db, month, database, version).chosen
        if chosen is None:
            raise NotFound(f"{_month(month):%B %Y} is not frozen, so it has no files.")
        with reading(db, OPERATOR) as view:
            made = {"csv": csv_of(view, chosen.id), "pdf": pdf_of(view, chosen.id)}
    to.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, content in made.items():
        path = to / f"month-close-{chosen.month:%Y-%m}-v{chosen.number}.{kind}"
        path.write_bytes(content)
        written.append(str(path))
    say(written, as_json, *written)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid(f"“{text[:20]}” is not a month. Write it as YYYY-MM.") from None


def _shown(database: Database, month: str, url: str | None, version: int | None = None) -> MonthShown:
    chosen = settings(url)
    with reading(database, OPERATOR) as view:
        return month_close.of_month(
            view,
            _month(month),
            version=version,
            reporting=chosen.reporting_currency,
            zone=chosen.business_zone,
        )


def _version(database: Database, key: str) -> Version:
    with reading(database, OPERATOR) as view:
        return month_close.version(view, key)


def _plain(shown: MonthShown) -> dict[str, Any]:
    return {
        "month": f"{shown.month:%Y-%m}",
        "state": shown.state,
        "version": _plain_version(shown.chosen) if shown.chosen else None,
        "why_not": shown.now.why_not,
        "figures": [
            {
                "section": each.section,
                "policy": each.policy or None,
                "currency": each.currency,
                "measure": each.measure,
                "frozen": each.frozen if shown.chosen else None,
                "now": each.now,
                "difference": each.difference if shown.chosen else None,
                "remark": each.remark,
            }
            for each in shown.differences
        ],
    }


def _plain_version(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "month": f"{version.month:%Y-%m}",
        "version": version.number,
        "digest": version.digest,
        "as_of": version.as_of,
        "reason": version.reason,
        "closed_by": version.closed_by_email,
        "closed_at": version.closed_at,
    }


def _lines(shown: MonthShown) -> list[str]:
    head = shown.chosen.title if shown.chosen else f"{shown.month:%B %Y}"
    said = [f"{head}: {shown.state}"]
    for each in shown.differences:
        policy = POLICIES[each.policy].title if each.policy in POLICIES else each.policy
        where = " · ".join(filter(None, (policy, each.currency, each.figure)))
        frozen = f"{each.frozen_text}, now {each.now_text}" if each.differs else each.now_text
        said.append(f"  {where}: {frozen}")
    return said if shown.now.why_not is None else [*said, shown.now.why_not]
