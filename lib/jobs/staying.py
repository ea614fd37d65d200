"""Every night: who of those who used a code, and of those who used none, stayed. For the page of a code."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import Work, job, working
from lib.jobs import runs
from lib.models import StayedMonth
from lib.services.discounts.staying import months_of_everybody

NAME: Final = "staying"
ACTOR: Final = system("worker")
AFTER_A_FAILURE: Final = timedelta(minutes=30)


def is_due(database: Database, now: datetime) -> bool:
    """Once a day after midnight UTC; again half an hour after a run that failed, never while one runs."""
    newest = runs.latest(database, NAME)
    if newest is None:
        return True
    if newest.state != "done":
        held = newest.lease_until is not None and newest.lease_until >= now
        return not held and now - newest.started_at >= AFTER_A_FAILURE
    return newest.started_at < moments.day_bounds(now.date())[0]


def run_for_day(database: Database, _day: date, _settings: Settings, now: datetime) -> int:
    """Count anew, as the schedule calls it; gives how many rows that makes."""
    return run(database, now)


def run(database: Database, now: datetime) -> int:
    """Count anew as of now; gives how many rows that makes. Refused while another process does the same."""
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        with working(database, ACTOR, now=now) as work:
            rows = count(work)
        under_way.summary |= {"rows": rows}
    return rows


@job
def count(work: Work) -> int:
    """Write the roll-up anew, in one transaction; gives how many rows it has."""
    work.session.execute(delete(StayedMonth))
    columns = [column.name for column in StayedMonth.__table__.columns]
    work.session.execute(
        insert(StayedMonth).from_select(columns, months_of_everybody(work.now.date(), work.now))
    )
    rows = work.session.scalar(select(func.count()).select_from(StayedMonth)) or 0
    work.count(StayedMonth.__tablename__, rows)
    return rows
