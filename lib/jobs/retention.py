"""Who comes back, by the usual definitions, counted once a day for the page.

Everybody may come back at any time, so a run counts all cohorts that the page shows, each definition in a
transaction of its own; the same day counted again comes out the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert

from lib.core import moments
from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import View, Work, job, query, reading, working
from lib.jobs import runs
from lib.metrics import retention_read
from lib.metrics.retention_read import READY, Asked
from lib.models import RetentionCell

NAME: Final = "retention"
ACTOR: Final = system("worker")
AFTER_A_FAILURE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a run counted: so many definitions, in so many cells."""

    definitions: int
    cells: int


def is_due(database: Database, now: datetime) -> bool:
    """Once a day, after midnight (UTC); after a failure again in an hour."""
    newest = runs.latest(database, NAME)
    if newest is None or newest.started_at < moments.day_bounds(now.date())[0]:
        return True
    return newest.state == "failed" and now - newest.started_at >= AFTER_A_FAILURE


def run_for_day(database: Database, _day: date, _settings: Settings, now: datetime) -> Counted:
    """The same as `run`, as the schedule calls it: who came back is known as of now alone."""
    return run(database, now)


def run(database: Database, now: datetime) -> Counted:
    """Count every usual definition anew; Refused while another process does the same."""
    cells = 0
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        for number, (name, asked) in enumerate(READY.items(), 1):
            with reading(database, ACTOR, now=now) as view:
                rows = count(view, name, asked)
            with working(database, ACTOR, now=now) as work:
                keep(work, name, asked.first(now.date()), rows)
            cells += len(rows)
            under_way.progress(number)
        under_way.summary |= {"cells": cells}
    return Counted(len(READY), cells)


@query(Permission.RETENTION_READ)
def count(view: View, name: str, asked: Asked) -> list[dict[str, Any]]:
    """Count one definition from the raw rows, as rows of `admin_retention_cells`."""
    found = retention_read.counted(retention_read.kept(view, asked))
    return [
        {
            "definition": name,
            "cohort": cohort.start,
            "age": cell.age,
            "size": cohort.size,
            "returned": cell.returned,
            "computed_at": view.now,
        }
        for cohort in found.cohorts
        for cell in cohort.cells
    ]


@job
def keep(work: Work, name: str, since: date, rows: Sequence[dict[str, Any]]) -> None:
    """Put the cells of some cohorts in the place of those from before."""
    cell = RetentionCell
    work.session.execute(delete(cell).where(cell.definition == name, cell.cohort >= since))
    if rows:
        work.session.execute(insert(cell), rows)
    work.count("cells", len(rows))
