"""The cohorts of couples by the month in which they first paid, counted from what the daily run wrote.

A month is a transaction of its own, so that others can write in between. A run begins with the earliest
month whose movements were counted anew since the last run, and at the latest with the month before the newest
one that is stored: payments of a month go on changing for a while. The first run of a calendar month counts
everything.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.moments import month_start, next_month
from lib.core.settings import Settings
from lib.core.work import Work, job, working
from lib.jobs import daily, runs, user_cohorts
from lib.jobs.runs import Tell, both, unheard
from lib.metrics import cohort_rows, policies
from lib.metrics.policies import POLICIES, Policy
from lib.models import CohortMonth, MetricDay

NAME: Final = "cohorts"
ACTOR: Final = system("worker")
AT_MOST_EVERY: Final = timedelta(hours=1)
# What a run fills. One that an earlier release made filled less, so the next one counts everything.
FILLS: Final = [CohortMonth.__tablename__, *POLICIES]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a run counted: the months from `since` to `until` by their first days; None while nobody paid."""

    since: date | None
    until: date
    compared: int


def is_due(database: Database, now: datetime) -> bool:
    """Once an hour at most, when the daily run has counted something since."""
    counted = runs.latest(database, daily.NAME, state="done")
    newest = runs.latest(database, NAME)
    if counted is None or _is_running(database, now):
        return False
    if newest is None:
        return True
    since = counted.finished_at or counted.started_at
    return now - newest.started_at >= AT_MOST_EVERY and since >= newest.started_at


def run_for_day(database: Database, _day: date, settings: Settings, now: datetime) -> Counted:
    """The same as `run`, as the schedule calls it: what there is to count does not depend on the day."""
    return run(database, settings, now=now)


def run(
    database: Database,
    settings: Settings,
    *,
    now: datetime | None = None,
    everything: bool = False,
    tell: Tell = unheard,
) -> Counted:
    """Count what changed since the last run, or `everything`; `tell` hears how many months are done.

    Once a day, and with everything, production's `user_cohorts` is compared as well. Raises
    Refused while another process does the same, or counts the days that the cohorts are made from.
    """
    moment = now or moments.now()
    if _is_running(database, moment):
        raise Refused("The days are being counted. The cohorts follow when that is done; try again then.")
    seen = None if everything else runs.latest(database, NAME, state="done")
    with runs.running(database, NAME, clock=lambda: now or moments.now()) as under_way:
        heard = both(under_way.progress, tell)
        chosen = tuple(policies.of(settings).values())
        today = moments.day_of(moment, settings.business_zone)
        since, until = _to_count(under_way, seen, today)
        for number, month in enumerate(_months(since, until), 1):
            with working(database, ACTOR, now=moment) as work:
                count_month(work, month, chosen)
            heard(number)
        compared = 0
        if seen is None or seen.started_at < moments.day_bounds(moment.date())[0]:
            compared = user_cohorts.follow(
                database, ACTOR, moment, write=settings.rollups == "write", tell=heard
            )
        under_way.summary |= {"since": since and since.isoformat(), "until": until.isoformat()}
    return Counted(since, until, compared)


@job
def count_month(work: Work, month: date, chosen: Collection[Policy]) -> None:
    """Count one month anew for some policies, as they are set; what is stored of later months is taken away.

    The months before must be there. Running it twice gives the same rows.
    """
    for policy in chosen:
        for statement in cohort_rows.forget(month, policy):
            work.session.execute(statement)
        joined: Any = work.session.execute(cohort_rows.couples(month, policy))
        work.count(f"couples, {policy.name}", joined.rowcount)
    work.session.execute(cohort_rows.changes(month, chosen, work.now))


def _is_running(database: Database, now: datetime) -> bool:
    newest = runs.latest(database, daily.NAME)
    return bool(
        newest and newest.state == "running" and newest.lease_until is not None and newest.lease_until >= now
    )


def _to_count(under_way: runs.Run, seen: runs.PastRun | None, today: date) -> tuple[date | None, date]:
    """The first and the last month to count; (None, …) while nobody has paid."""
    until = month_start(today)
    with Session(under_way.database.primary.execution_options(writes=False)) as session:
        counted_at = session.scalar(select(func.max(MetricDay.computed_at)))
        under_way.summary |= {"counted_at": counted_at and counted_at.isoformat(), "fills": FILLS}
        first = _first_month(session)
        if first is None:
            return None, until
        stored = session.scalar(select(func.max(CohortMonth.month)))
        if _counts_everything(seen, today) or stored is None:
            return first, until
        assert seen is not None
        late = session.scalar(
            select(func.min(MetricDay.day)).where(
                MetricDay.computed_at > datetime.fromisoformat(seen.summary["counted_at"])
            )
        )
    before = month_start(stored - timedelta(days=1))
    return max(first, min(before, month_start(late)) if late else before), until


def _counts_everything(seen: runs.PastRun | None, today: date) -> bool:
    return (
        seen is None
        or seen.summary.get("fills") != FILLS
        or not seen.summary.get("counted_at")
        or month_start(seen.started_at.date()) != month_start(today)
    )


def _first_month(session: Session) -> date | None:
    firsts = [session.scalar(cohort_rows.first_move(policy)) for policy in POLICIES.values()]
    return min((month_start(first) for first in firsts if first), default=None)


def _months(since: date | None, until: date) -> Iterator[date]:
    month = since
    while month is not None and month <= until:
        yield month
        month = next_month(month)
