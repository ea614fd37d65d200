"""Counts the A/B tests for their page, hourly: rows, and the sums that statistics stand on.

Which assignments changed since cannot be told (see `lib.metrics.experiment_counts`), so a test is counted
anew as a whole. That only reads, so that nobody waits to write; what was counted is written at the end, some
rows for each test. How its arms stand is kept where it is another way than before: production forgets it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import View, Work, job, query, reading, working
from lib.jobs import runs
from lib.metrics import experiment_counts, experiment_sums
from lib.metrics.experiment_counts import Counted
from lib.metrics.experiment_sums import UNITS, Summed
from lib.models import ArmCount, ArmSeen, ExperimentCell, ExperimentCount, ExperimentDay, Variant
from lib.models.base import Base
from lib.services import experiments

NAME: Final = "experiments"
ACTOR: Final = system("worker")
AT_LEAST_EVERY: Final = timedelta(hours=1)
# Who was put into an arm at the end may convert, renew or be refunded later; then a test is counted no more.
LATE_CONVERSIONS: Final = timedelta(days=experiment_sums.KEPT_DAYS)


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is kept of a test: its rows counted, and its sums for each unit."""

    counted: Counted
    sums: tuple[Summed, ...]


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
    counted: dict[str, Whole] = {}
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        with reading(database, ACTOR, now=now) as view:
            names = changing(view)
        for number, name in enumerate(names, 1):
            with reading(database, ACTOR, now=now) as view:
                counted[name] = count(view, name)
            under_way.progress(number)
        with working(database, ACTOR, now=now) as work:
            keep(work, counted)
        with reading(database, ACTOR, now=now) as view:
            cards = {name: experiments.result(view, name).card.decision for name in names}
        with working(database, ACTOR, now=now) as work:
            keep_cards(work, cards)
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
def count(view: View, name: str) -> Whole:
    """Count one test as it is now."""
    summed = (experiment_sums.sums(view.session, name, unit, view.now) for unit in UNITS)
    return Whole(experiment_counts.count(view.session, name, view.now), tuple(summed))


@job
def keep(work: Work, counted: Mapping[str, Whole]) -> None:
    """Put the counts of some tests in the place of those from before."""
    for name, whole in counted.items():
        for table in (ArmCount, ExperimentCount, ExperimentCell, ExperimentDay):
            work.session.execute(delete(table).where(table.test_name == name))
        test = whole.counted
        of_test = _fields(test.exposure) | _fields(test.oddities)
        _insert(work, ExperimentCount, name, [{"counted_at": test.counted_at} | of_test])
        _insert(work, ArmCount, name, [{"variant_id": arm} | _fields(s) for arm, s in test.arms.items()])
        for summed in whole.sums:
            _insert(work, ExperimentCell, name, summed.cells)
            _insert(work, ExperimentDay, name, summed.days)
        _note_arms(work, name, test.counted_at)
    work.count("tests", len(counted))


@job
def keep_cards(work: Work, cards: Mapping[str, str]) -> None:
    """Keep what the card of each test says of what was counted, so that Home need not work it out."""
    for name, decision in cards.items():
        row = ExperimentCount
        work.session.execute(update(row).where(row.test_name == name).values(card=decision))
    work.count("cards", len(cards))


def _note_arms(work: Work, name: str, at: datetime) -> None:
    """Keep how each arm stands, where that is not how it stood before."""
    seen = select(ArmSeen).where(ArmSeen.test_name == name).order_by(ArmSeen.seen_at)
    before = {row.variant_id: (row.traffic_percentage, row.is_active) for row in work.session.scalars(seen)}
    for arm in work.session.scalars(select(Variant).where(Variant.test_name == name)):
        now = (arm.traffic_percentage, bool(arm.is_active))
        if before.get(arm.id) != now:
            row = {"variant_id": arm.id, "seen_at": at, "traffic_percentage": now[0], "is_active": now[1]}
            _insert(work, ArmSeen, name, [row])


def _insert(work: Work, table: type[Base], name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        work.session.execute(insert(table), [{"test_name": name, **row} for row in rows])


def _fields(counted: Any) -> dict[str, Any]:
    return {field: getattr(counted, field) for field in counted.__dataclass_fields__}
