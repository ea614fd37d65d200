"""Counts the A/B tests for their page, hourly.

Which assignments changed since cannot be told (see `lib.metrics.experiment_counts`), so a test is counted
anew as a whole. That only reads, so that nobody waits to write; what was counted is written at the end, some
rows for each test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select

from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import View, Work, job, query, reading, working
from lib.jobs import runs
from lib.metrics import experiment_counts
from lib.metrics.experiment_counts import Counted
from lib.models import ArmCount, ExperimentCount
from lib.services import experiments

NAME: Final = "experiments"
ACTOR: Final = system("worker")
AT_LEAST_EVERY: Final = timedelta(hours=1)
# Who was put into an arm at the end may convert later; after that a test is not counted any more.
LATE_CONVERSIONS: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Recounted:
    """What a run did: the tests that it counted. Those that ended long ago keep their last counts."""

    tests: tuple[str, ...]


def is_due(database: Database, now: datetime) -> bool:
    """Whether the last run is an hour ago."""
    newest = runs.latest(database, NAME)
    return newest is None or now - newest.started_at >= AT_LEAST_EVERY


def run(database: Database, now: datetime) -> Recounted:
    """Count every test that may have changed; Refused while another process does the same."""
    counted: dict[str, Counted] = {}
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        with reading(database, ACTOR, now=now) as view:
            names = changing(view)
        for number, name in enumerate(names, 1):
            with reading(database, ACTOR, now=now) as view:
                counted[name] = count(view, name)
            under_way.progress(number)
        with working(database, ACTOR, now=now) as work:
            keep(work, counted)
        under_way.summary |= {"tests": names}
    return Recounted(tuple(names))


def run_for_day(database: Database, _day: date, _settings: Settings, now: datetime) -> Recounted:
    """The same, as the schedule calls it: the day makes no difference."""
    return run(database, now)


@query(Permission.EXPERIMENTS_READ)
def changing(view: View) -> list[str]:
    """The names of the tests that go on, that ended not long before their last count, or have none."""
    stored = select(ExperimentCount.test_name, ExperimentCount.counted_at)
    last = {name: counted_at for name, counted_at in view.session.execute(stored)}  # noqa: C416 - rows
    return [
        test.name
        for test in experiments.experiments(view)
        if test.name not in last
        or test.ended_at is None
        or last[test.name] < test.ended_at + LATE_CONVERSIONS
    ]


@query(Permission.EXPERIMENTS_READ)
def count(view: View, name: str) -> Counted:
    """Count one test as it is now."""
    return experiment_counts.count(view.session, name, view.now)


@job
def keep(work: Work, counted: Mapping[str, Counted]) -> None:
    """Put the counts of some tests in the place of those from before."""
    for name, test in counted.items():
        work.session.execute(delete(ArmCount).where(ArmCount.test_name == name))
        work.session.execute(delete(ExperimentCount).where(ExperimentCount.test_name == name))
        whole = {field: getattr(test.exposure, field) for field in test.exposure.__dataclass_fields__}
        work.session.execute(
            insert(ExperimentCount).values(test_name=name, counted_at=test.counted_at, **whole)
        )
        arms = [
            {"test_name": name, "variant_id": arm}
            | {field: getattr(sums, field) for field in sums.__dataclass_fields__}
            for arm, sums in test.arms.items()
        ]
        if arms:
            work.session.execute(insert(ArmCount), arms)
    work.count("tests", len(counted))
