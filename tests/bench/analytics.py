"""Experiments, funnels and errors at 10 M events, 5 M assignments and 2 M errors: what each costs.

python -m tests.bench.analytics                     builds the company (tests/bench/large.py) and measures all
python -m tests.bench.analytics --share 0.01        on a hundredth of it
python -m tests.bench.analytics --only "errors"     what has this in its name, the jobs that fill it included

Whatever has a target at this size stands in MEASURES. The screens themselves are measured on the same company
by `python -m tests.bench --database URL --only PART`; the URL is what `python -m tests.bench.large` prints.
"""

import argparse
import logging
import os
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any, Final, Literal

from sqlalchemy import select

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.work import reading
from lib.jobs import error_groups as grouping
from lib.jobs import experiments as counting
from lib.jobs import funnels as funnel_job
from lib.metrics.funnels_ready import READY
from lib.models import ExperimentCount
from lib.services import error_logs, experiments
from tests.bench import journeys, large
from tests.bench.error_groups import read_list
from tests.bench.large import Size
from tests.bench.stripe import Measured, line
from tests.statements import Meter

DESK: Final = system("bench")


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that has a target, in milliseconds; None where it is only told.

    `of`: the time of the database, the clock's, or the CPU of this process. `prepare` is done once before
    and not measured: a job that fills what pages read. After a first time, the median of `times` counts; with
    0, for what is too long to be done again, the first.
    """

    name: str
    limit_ms: float | None
    work: Callable[[Database], Any]
    of: Literal["database", "clock", "CPU"] = "clock"
    prepare: Callable[[Database], Any] | None = None
    times: int = 5


def measured(database: Database, measures: Iterable[Measure], tell: Callable[[Measured], None]) -> int:
    """Measure each, told as soon as it is known; gives how many missed their target."""
    meter, missed = Meter(database), 0
    for each in measures:
        if each.prepare is not None:
            each.prepare(database)
        costs = [_cost(database, each, meter) for _ in range(each.times + 1)]
        took = statistics.median(costs[1:] or costs)
        target = "no target" if each.limit_ms is None else f"{each.limit_ms:,.0f} ms"
        met = each.limit_ms is None or took < each.limit_ms
        missed += not met
        tell(Measured(each.name, f"{took:,.1f} ms ({each.of})", target, met))
    return missed


def _cost(database: Database, measure: Measure, meter: Meter) -> float:
    meter.taken()
    clock, busy = perf_counter(), process_time()
    measure.work(database)
    seconds = {
        "clock": perf_counter() - clock,
        "CPU": process_time() - busy,
        "database": meter.taken().seconds,
    }
    return seconds[measure.of] * 1000


def _list_of_tests(database: Database) -> None:
    with reading(database, DESK) as view:
        experiments.listed(view)


def _one_test(database: Database) -> None:
    with reading(database, DESK) as view:
        experiments.deciding(view, experiments.result(view, large.TEST.format(0)))


def _count_tests(database: Database) -> None:
    counting.run(database, moments.now())


def _tests_are_counted(database: Database) -> None:
    with reading(database, DESK) as view:
        counted = view.session.scalar(select(ExperimentCount.test_name).limit(1))
    if counted is None:
        _count_tests(database)


def _list_of_errors(database: Database) -> None:
    with reading(database, DESK) as view:
        error_logs.error_logs.page(view)


def _group_errors(database: Database) -> None:
    grouping.run(database, moments.now())


def _five_steps(database: Database) -> None:
    with reading(database, DESK) as view:
        journeys.five_steps(view)


def _ready_made(database: Database) -> None:
    with reading(database, DESK) as view:
        for name in READY:
            journeys.ready_made(view, name)


def _funnels_are_counted(database: Database) -> None:
    funnel_job.run(database, moments.now().date())


MEASURES: Final = (
    Measure("all tests counted by the job", None, _count_tests, times=0),
    Measure("experiments: the list", 300, _list_of_tests, of="database"),
    Measure("experiments: one test", 300, _one_test, of="database", prepare=_tests_are_counted),
    Measure("errors: the newest", 100, _list_of_errors, of="database"),
    Measure("errors grouped by the job, all of them", None, _group_errors, times=0),
    Measure("errors grouped by the job, once more", None, _group_errors),
    Measure("errors: groups", 100, read_list, of="database"),
    Measure("funnel of five steps over 90 days, raw", 3_000, _five_steps),
    Measure("funnels, ready-made, from the roll-up", 100, _ready_made, prepare=_funnels_are_counted),
)


def main() -> int:
    """Build what is missing, measure, print, and give 1 when a target was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.analytics", description="What analytics cost."
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the full size, such as 0.01")
    parser.add_argument("--only", default="", metavar="PART", help="only measures with this in their name")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    database = Database(large.of_size(Size().shared(options.share)))
    print(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    chosen = [each for each in MEASURES if options.only.lower() in each.name.lower()]
    missed = measured(database, chosen, lambda told: print(line(told), flush=True))
    database.dispose()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
