"""The ready-made funnels, counted day by day: who entered on a day, and how far they came since.

A day stays open until the window of its funnel has passed, so a run counts those days again, and days that
were missed. A month is a transaction of its own; a day that is counted again comes out the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from lib.core import moments
from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.core.work import View, Work, job, query, reading, working
from lib.jobs import runs
from lib.metrics import funnels, funnels_read, funnels_steps
from lib.metrics.funnels import Rows
from lib.metrics.funnels_ready import READY, Ready
from lib.models import FunnelDay, FunnelEntry

NAME: Final = "funnels"
ACTOR: Final = system("worker")
AFTER_A_FAILURE: Final = timedelta(hours=1)
ROWS_PER_STATEMENT: Final = 1000
_EPOCH: Final = date(1970, 1, 1)
_AT_A_TIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a run counted: the days up to `until`, of so many funnels, and who entered on them."""

    until: date
    funnels: int
    days: int
    entered: int


def is_due(database: Database, now: datetime) -> bool:
    """Once a day, after midnight (UTC); after a failure again in an hour."""
    newest = runs.latest(database, NAME)
    if newest is None or newest.started_at < moments.day_bounds(now.date())[0]:
        return True
    return newest.state == "failed" and now - newest.started_at >= AFTER_A_FAILURE


def run_for_day(database: Database, day: date, _settings: Settings, now: datetime) -> Counted:
    """The same as `run`, as the schedule calls it."""
    return run(database, day, now=now)


def run(database: Database, day: date, *, since: date | None = None, now: datetime | None = None) -> Counted:
    """Count every ready-made funnel up to a day: what is missing, and what is still open.

    With `since`, every day from there on, whatever is stored. Raises Invalid for days that are turned round
    or have not begun, Refused while another process does the same.
    """
    moment = now or moments.now()
    if day > moment.date() or (since and since > day):
        raise Invalid(f"From {since or day} to {day} is not a range of days that have begun (UTC).")
    days = entered = 0
    with runs.running(
        database, NAME, argument=day.isoformat(), clock=lambda: now or moments.now()
    ) as under_way:
        for ready in READY.values():
            with reading(database, ACTOR, now=moment) as view:
                first = since or to_count_from(view, ready, day)
            for begin, end in _parts(first, day):
                with reading(database, ACTOR, now=moment) as view:
                    rows = entries(view, ready, begin, end)
                with working(database, ACTOR, now=moment) as work:
                    write_days(work, ready.name, begin, end, rows)
                days, entered = days + (end - begin).days + 1, entered + len(rows)
                under_way.progress(days)
        under_way.summary |= {"until": day.isoformat(), "days": days, "entered": entered}
    return Counted(day, len(READY), days, entered)


@query(Permission.FUNNELS_READ)
def to_count_from(view: View, ready: Ready, day: date) -> date:
    """The first day that a run for a day has to count; after it where nobody ever entered."""
    newest = view.session.scalar(select(func.max(FunnelDay.day)).where(FunnelDay.funnel == ready.name))
    first = funnels_steps.first_day(view.session, ready.question.steps[0].what)
    if first is None:
        return day
    if newest is None:
        return min(first, day)
    # Counted while its window was open, a day is counted again once after that.
    return max(first, min(newest, day) - (ready.question.window or timedelta(0)) - timedelta(days=1))


@query(Permission.FUNNELS_READ)
def entries(view: View, ready: Ready, since: date, until: date) -> list[dict[str, Any]]:
    """Who entered on some days and how far they came, as rows of `admin_funnel_entries`. One statement."""
    events = funnels_read.events_of(view, ready.question, since, until)
    found = funnels.walks(ready.question, events, since, until, by_day=True)
    return list(_rows(ready, found))


@job
def write_days(work: Work, name: str, since: date, until: date, rows: Sequence[dict[str, Any]]) -> None:
    """Put the entries of some days in the place of those from before."""
    session = work.session
    session.execute(
        delete(FunnelEntry).where(FunnelEntry.funnel == name, FunnelEntry.entered_on.between(since, until))
    )
    session.execute(delete(FunnelDay).where(FunnelDay.funnel == name, FunnelDay.day.between(since, until)))
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        session.execute(insert(FunnelEntry), rows[start : start + ROWS_PER_STATEMENT])
    entered = dict.fromkeys(_days(since, until), 0)
    for row in rows:
        entered[row["entered_on"]] += 1
    session.execute(
        insert(FunnelDay),
        [
            {"funnel": name, "day": day, "entered": number, "computed_at": work.now}
            for day, number in entered.items()
        ],
    )
    work.count("entries", len(rows))


def _rows(ready: Ready, found: Rows) -> Iterator[dict[str, Any]]:
    steps = range(2, len(ready.question.steps) + 1)
    for row in found.to_dict("records"):
        reached = int(row["reached"])
        yield {
            "funnel": ready.name,
            "entered_on": _EPOCH + timedelta(days=int(row["day"])),
            "reached": reached,
            "unit_id": row["unit"],
            "entered_at": funnels.moment_of(row["at_1"]),
            **{f"seconds_{step}": None for step in range(2, funnels.MOST + 1)},
            **{
                f"seconds_{step}": int(row[f"at_{step}"] - row[f"at_{step - 1}"])
                for step in steps
                if step <= reached
            },
        }


def _parts(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(first + _AT_A_TIME, last)
        yield first, end
        first = end + timedelta(days=1)


def _days(since: date, until: date) -> Iterator[date]:
    for number in range((until - since).days + 1):
        yield since + timedelta(days=number)
