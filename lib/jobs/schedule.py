"""What is due, and how it is run: the worker asks every few seconds, the command line runs by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.jobs import (
    at_risk,
    cohorts,
    daily,
    drift,
    error_groups,
    event_gaps,
    experiments,
    funnels,
    open_invoices,
    payment_days,
    payment_reconciliation,
    retention,
    round_steps,
    runs,
    search_index,
    staying,
    usage,
)

AFTER_A_CHANGE: Final = timedelta(minutes=1)
AT_LEAST_EVERY: Final = timedelta(hours=1)
AFTER_A_FAILURE: Final = timedelta(minutes=5)
FOLLOWERS: Final = (
    cohorts.NAME,
    at_risk.NAME,
    payment_days.NAME,
    experiments.NAME,
    error_groups.NAME,
    usage.NAME,
    funnels.NAME,
    retention.NAME,
    staying.NAME,
)
"""What the worker does after the daily run, when it is due; by hand it is done with it."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One job of the schedule: when it is due, and what runs it for a day.

    One that `takes_hours` has a thread of its own in the worker, so that the others do not wait for it.
    """

    due: Callable[[Database, datetime], bool]
    run: Callable[[Database, date, Settings, datetime], Any]
    takes_hours: bool = False


def due(database: Database, now: datetime, *, takes_hours: bool | None = None) -> list[str]:
    """The names of the jobs that ought to be run now: all of them, or the long or the short ones."""
    return [
        name
        for name, job in JOBS.items()
        if takes_hours in {None, job.takes_hours} and job.due(database, now)
    ]


def run(
    name: str, database: Database, settings: Settings, *, day: date | None = None, now: datetime | None = None
) -> Any:
    """Run a job for a day, today (UTC) if none is given; gives what the job gives.

    Raises Invalid for a name that is not in the schedule and Refused while it runs elsewhere.
    """
    moment = now or moments.now()
    if name not in JOBS:
        raise Invalid(f"There is no job “{name[:40]}”. The jobs are: {', '.join(JOBS)}.")
    return JOBS[name].run(database, day or moment.date(), settings, moment)


def _daily_is_due(database: Database, now: datetime) -> bool:
    """After midnight, hourly, and soon after the ledger changed; not while it runs or after a failure."""
    newest = runs.latest(database, daily.NAME)
    if newest and newest.state == "running" and newest.lease_until and newest.lease_until >= now:
        return False
    if newest and newest.state == "failed" and now - newest.started_at < AFTER_A_FAILURE:
        return False
    done = runs.latest(database, daily.NAME, state="done")
    if done is None or done.started_at < moments.day_bounds(now.date())[0]:
        return True
    since = now - done.started_at
    return since >= AT_LEAST_EVERY or (since >= AFTER_A_CHANGE and _ledger_moved(database, done))


def _ledger_moved(database: Database, done: runs.PastRun) -> bool:
    with Session(database.primary.execution_options(writes=False)) as session:
        return daily.newest_entry(session) > int(done.summary.get("newest_seq", 0))


def _run_daily(database: Database, day: date, settings: Settings, now: datetime) -> daily.Filled:
    return daily.run_daily(database, day, settings, now=now)


JOBS: Final[Mapping[str, Scheduled]] = MappingProxyType(
    {
        daily.NAME: Scheduled(due=_daily_is_due, run=_run_daily),
        at_risk.NAME: Scheduled(due=at_risk.is_due, run=at_risk.run_for_day),
        cohorts.NAME: Scheduled(due=cohorts.is_due, run=cohorts.run_for_day),
        experiments.NAME: Scheduled(due=experiments.is_due, run=experiments.run_for_day),
        error_groups.NAME: Scheduled(due=error_groups.is_due, run=error_groups.run_for_day),
        retention.NAME: Scheduled(due=retention.is_due, run=retention.run_for_day, takes_hours=True),
        funnels.NAME: Scheduled(due=funnels.is_due, run=funnels.run_for_day, takes_hours=True),
        event_gaps.NAME: Scheduled(due=event_gaps.is_due, run=event_gaps.run_for_day),
        payment_days.NAME: Scheduled(due=payment_days.is_due, run=payment_days.run_for_day),
        open_invoices.NAME: Scheduled(
            due=open_invoices.is_due, run=open_invoices.run_for_day, takes_hours=True
        ),
        drift.NAME: Scheduled(due=drift.is_due, run=drift.run_for_day, takes_hours=True),
        staying.NAME: Scheduled(due=staying.is_due, run=staying.run_for_day),
        payment_reconciliation.NAME: Scheduled(
            due=payment_reconciliation.is_due, run=payment_reconciliation.run_for_day
        ),
        **{
            each.name: Scheduled(due=each.is_due, run=each.run_for_day, takes_hours=True)
            for each in (round_steps.WEEKLY, round_steps.MONTHLY)
        },
        search_index.NAME: Scheduled(due=search_index.is_due, run=search_index.run_for_day),
        usage.NAME: Scheduled(due=usage.is_due, run=usage.run_for_day, takes_hours=True),
    }
)
