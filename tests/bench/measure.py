"""What each screen costs: statements, time in the database, time of the script, CPU."""

import gc
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final

from streamlit.testing.v1 import AppTest

from lib.core.database import Database
from lib.core.settings import Settings
from tests.bench import desk
from tests.bench.screens import Screen, address_of, rows_to_open
from tests.statements import Meter

STATEMENTS: Final = 12
DATABASE_MS: Final = 50.0


@dataclass(frozen=True, slots=True)
class Spread:
    """The median and the 95th percentile of some measurements, in milliseconds."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Both, from at least two measurements in seconds."""
        cuts = statistics.quantiles(seconds, n=20, method="inclusive")
        return cls(statistics.median(seconds) * 1000, cuts[18] * 1000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one rerun of a screen costs. `opening` is the statements of the first look at it.

    `script` is from the click until the screen is complete, as AppTest runs it: it compiles the page anew and
    reads every element, which the server does not, so it is an upper bound. `cpu` is this process's.
    """

    screen: Screen
    opening: int
    statements: int
    database: Spread
    script: Spread
    cpu: Spread

    @property
    def too_much(self) -> str | None:
        """What is over the limit, in words."""
        over = []
        most = max(self.opening, self.statements)
        if most > STATEMENTS:
            over.append(f"{most} statements")
        if self.database.p50 > DATABASE_MS:
            over.append(f"{self.database.p50:.0f} ms in the database")
        return " and ".join(over) or None


def measure(
    settings: Settings,
    database: Database,
    screens: Iterable[Screen],
    *,
    reruns: int,
    tell: Callable[[Cost], None] = lambda _cost: None,
) -> list[Cost]:
    """Open each screen with the most rows under what it shows, and run it again and again."""
    ids = rows_to_open(database, "most")
    meter = Meter(database)
    # As the server does before its first request.
    gc.collect()
    gc.freeze()
    costs = []
    for screen in screens:
        app = desk.sit_down(settings, database, screen.role)
        meter.taken()
        desk.go_to(app, screen.page, address_of(screen, ids))
        opening = len(meter.taken().statements)
        cost = _rerun(app, screen, meter, opening, reruns)
        tell(cost)
        costs.append(cost)
    return costs


def _rerun(app: AppTest, screen: Screen, meter: Meter, opening: int, reruns: int) -> Cost:
    statements, database, script, cpu = [], [], [], []
    for _ in range(reruns):
        clock, busy = perf_counter(), process_time()
        desk.look_again(app)
        script.append(perf_counter() - clock)
        cpu.append(process_time() - busy)
        spent = meter.taken()
        statements.append(len(spent.statements))
        database.append(spent.seconds)
    return Cost(screen, opening, max(statements), Spread.of(database), Spread.of(script), Spread.of(cpu))
