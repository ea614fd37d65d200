"""What people did in the app, by day: fills the roll-ups that the pages about use read.

Only days that are over are counted. A run counts the last 31 of them anew, since rows come late and who left
within 30 days is known only then. A month is worked out while nobody waits and written in a transaction of
its own; a run that was killed is followed by one that goes on where it stopped. The first run counts
everything. Given a day of the past, everything from that day on is counted again and comes out the same.

Production's own roll-ups follow for the days since the last comparison (`usage_checks`): they are corrected
where ROLLUPS=write, else only compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.moments import month_start, next_month
from lib.core.settings import Settings
from lib.core.work import Work, job, reading, working
from lib.jobs import daily, runs, usage_checks
from lib.metrics.usage import raw
from lib.metrics.usage.gathering import LOOKBACK
from lib.metrics.usage.working_out import WorkedOut, work_out
from lib.models import (
    Dyad,
    DyadDay,
    EngagementDay,
    FeatureDay,
    FeaturePerson,
    PageDay,
    UsageCheck,
    VisitDay,
)

NAME: Final = "usage"
ACTOR: Final = system("worker")
COUNTED_AGAIN: Final = timedelta(days=31)
FIRST_COMPARED: Final = timedelta(days=28)
"""How far back production's roll-ups are compared when they never were; further back only when asked."""
ROWS_PER_STATEMENT: Final = 1000
AGAIN_AFTER: Final = timedelta(hours=1)
_BY_DAY: Final = (FeatureDay, EngagementDay, DyadDay, VisitDay, PageDay)


@dataclass(frozen=True, slots=True)
class Counted:
    """The days that a run counted, both included, and how many of production's rows were wrong or missing.

    `since` is None while nobody has done anything.
    """

    since: date | None
    until: date
    wrong: int = 0


def is_due(database: Database, now: datetime) -> bool:
    """Once a day, when the daily run has counted revenue since midnight; again an hour after a failure."""
    midnight = moments.day_bounds(now.date())[0]
    daily_run = runs.latest(database, daily.NAME, state="done")
    newest, done = runs.latest(database, NAME), runs.latest(database, NAME, state="done")
    if daily_run is None or daily_run.started_at < midnight or (done and done.started_at >= midnight):
        return False
    return newest is None or now - newest.started_at >= AGAIN_AFTER


def run_for_day(database: Database, day: date, settings: Settings, now: datetime) -> Counted:
    """The same as `run`, as the schedule calls it: a day of the past is counted again, and all since."""
    return run(database, settings, since=day if day < now.date() else None, now=now)


def run(
    database: Database, settings: Settings, *, since: date | None = None, now: datetime | None = None
) -> Counted:
    """Count the days that are over; with `since` everything from that day on.

    Raises Invalid for a day that is not over, Refused while another process does the same.
    """
    moment = now or moments.now()
    until = moment.date() - timedelta(days=1)
    if since is not None and since > until:
        raise Invalid(f"{since} is not over yet (UTC), so what people did on it cannot be counted.")
    write = settings.rollups == "write"
    with runs.running(database, NAME, clock=lambda: now or moments.now()) as under_way:
        first, compared = _to_count(database, since, until)
        if first is None:
            return Counted(None, until)
        wrong = 0
        for start, end in _months(first, until):
            with reading(database, ACTOR, now=moment) as view:
                worked = work_out(view, start, end, until, compare_from=compared)
            with working(database, ACTOR, now=moment) as work:
                write_days(work, worked, newest=end == until)
            for day in worked.to_compare:
                with working(database, ACTOR, now=moment) as work:
                    wrong += compare_day(work, day, worked, write=write)
            under_way.progress((end - first).days + 1)
        under_way.summary |= {"since": first.isoformat(), "until": until.isoformat(), "wrong": wrong}
    return Counted(first, until, wrong)


@job
def write_days(work: Work, worked: WorkedOut, *, newest: bool) -> None:
    """Write a range of days that was worked out before, in place of what is stored.

    `newest`: the last of them is the newest day that is over, so that couples stand as of it.
    """
    first, last = worked.first, worked.last
    for table in _BY_DAY:
        work.session.execute(delete(table).where(table.day.between(first, last)))
        _insert(work, table, worked.days[table])
    _remember(work, worked)
    if newest:
        work.session.execute(delete(Dyad))
        _insert(work, Dyad, worked.couples)
        stale = FeaturePerson.last_day < last - timedelta(days=LOOKBACK)
        work.session.execute(update(FeaturePerson).where(stale).values(days_28=0))


@job
def compare_day(work: Work, day: date, worked: WorkedOut, *, write: bool) -> int:
    """Compare production's roll-ups of one day and, with `write`, correct them; gives how many were wrong."""
    counted = worked.counted[day] | {usage_checks.FEATURES.name: usage_checks.features_of(work, day)}
    return sum(
        usage_checks.follow(work, roll_up, day, counted[roll_up.name], write=write)
        for roll_up in usage_checks.ROLL_UPS
        if roll_up.name in counted
    )


def _remember(work: Work, worked: WorkedOut) -> None:
    """Keep who used what first and last, then count the first uses of these days."""
    make = postgresql.insert if work.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = make(FeaturePerson)
    new, stored = statement.excluded, FeaturePerson
    statement = statement.on_conflict_do_update(
        index_elements=[stored.feature, stored.user_id],
        set_={
            "first_day": _smaller(work)(stored.first_day, new.first_day),
            "last_day": _larger(work)(stored.last_day, new.last_day),
            "relationship_id": func.coalesce(new.relationship_id, stored.relationship_id),
            "days_28": new.days_28,
        },
    )
    rows = worked.people
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        work.session.execute(statement, rows[start : start + ROWS_PER_STATEMENT])
    first_uses = (
        select(func.count())
        .select_from(stored)
        .where(stored.feature == FeatureDay.feature)
        .correlate(FeatureDay)
    )
    work.session.execute(
        update(FeatureDay)
        .where(FeatureDay.day.between(worked.first, worked.last))
        .values(
            new_people=first_uses.where(stored.first_day == FeatureDay.day).scalar_subquery(),
            total_people=first_uses.where(stored.first_day <= FeatureDay.day).scalar_subquery(),
        )
        .execution_options(synchronize_session=False)
    )


def _insert(work: Work, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        work.session.execute(insert(table), rows[start : start + ROWS_PER_STATEMENT])
    work.count(table.__tablename__, len(rows))


def _to_count(database: Database, since: date | None, until: date) -> tuple[date | None, date]:
    """The first day to count, None while there is nothing, and the first to compare with the app's own."""
    with Session(database.primary.execution_options(writes=False)) as session:
        earliest = raw.first_day(session)
        stored = session.scalar(select(func.max(EngagementDay.day)))
        compared = session.scalar(select(func.max(UsageCheck.day)))
    if earliest is None or earliest > until:
        return None, until
    again = until - COUNTED_AGAIN + timedelta(days=1)
    first = earliest if stored is None else min(stored + timedelta(days=1), again)
    compare_from = until - FIRST_COMPARED if compared is None else compared
    if since is not None:
        return max(earliest, min(first, since)), min(since, compare_from)
    return max(earliest, first), compare_from


def _months(since: date, until: date) -> Iterator[tuple[date, date]]:
    start = since
    while start <= until:
        end = min(next_month(month_start(start)) - timedelta(days=1), until)
        yield start, end
        start = end + timedelta(days=1)


def _smaller(work: Work) -> Any:
    return func.least if work.session.get_bind().dialect.name == "postgresql" else func.min


def _larger(work: Work) -> Any:
    return func.greatest if work.session.get_bind().dialect.name == "postgresql" else func.max
