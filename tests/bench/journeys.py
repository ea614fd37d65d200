"""A funnel of five steps over 90 days: from the raw rows, and of the ready-made ones as the job counted them.

    raw         couples through five events of the app, in order, within 14 days; under 3 s at 10 M events
    in order    the same, strictly in order: every event of the app is looked at
    rolled up   each ready-made funnel; under 100 ms

python -m tests.bench.journeys URL    measures on a database that is there

Times are those of the machine as it is; the process's CPU stands beside them.
"""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import func, select

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import View, reading
from lib.metrics import funnels_read
from lib.metrics.funnels import Order, Question, Step
from lib.metrics.funnels_ready import READY
from lib.models import AnalyticsEvent
from tests.bench.stripe import Measured, line

STEPS: Final = ("plan_viewed", "checkin_completed", "activity_planned", "partner_nudged", "ai_coach_asked")
DAYS: Final = timedelta(days=89)
TIMES: Final = 3


def measure(database: Database, tell: Callable[[Measured], None] = lambda _measured: None) -> list[Measured]:
    """Each funnel at its best of three, told as soon as it is known."""
    results: list[Measured] = []

    def say(name: str, limit: float, work: Callable[[View], Any]) -> None:
        best, busy = min(_timed(database, work) for _ in range(TIMES))
        said = f"{best * 1000:,.0f} ms, CPU {busy * 1000:,.0f} ms"
        results.append(Measured(name, said, f"under {limit:g} s", best < limit))
        tell(results[-1])

    limits: dict[Order, float] = {"ordered": 3.0, "strict": 6.0}
    for order, limit in limits.items():
        say(f"funnel of 5 steps, {order}, raw", limit, partial(five_steps, order=order))
    for name in READY:
        say(f"funnel {name}, rolled up", 0.1, partial(ready_made, name=name))
    return results


def five_steps(view: View, order: Order = "ordered") -> Any:
    """Couples through the five steps in 90 days, from the raw rows."""
    question = Question(tuple(Step(f"event:{name}") for name in STEPS), timedelta(days=14), order)
    today = view.now.date()
    return funnels_read.counted(
        funnels_read.walked(view, question, today - DAYS, today), today - DAYS, today
    ).steps


def ready_made(view: View, name: str) -> Any:
    """One ready-made funnel over 90 days, from the roll-up."""
    today = view.now.date()
    return funnels_read.ready(view, name, today - DAYS, today).steps


def _timed(database: Database, work: Callable[[View], Any]) -> tuple[float, float]:
    with reading(database, system("bench")) as view:
        began, busy = time.perf_counter(), time.process_time()
        work(view)
        return time.perf_counter() - began, time.process_time() - busy


def main() -> int:
    """Measure on the database of the first argument; gives 1 when something is too slow."""
    database = Database(sys.argv[1])
    with database.primary.connect() as connection:
        events = connection.scalar(select(func.count()).select_from(AnalyticsEvent)) or 0
    print(f"{events:,} events")
    results = measure(database, tell=lambda each: print(line(each), flush=True))
    database.dispose()
    return 0 if all(each.met for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
