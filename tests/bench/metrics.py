"""Recurring revenue at 500,000 couples: two years of days from the ledger, a back-fill, a day's roll-up.

    by day      MRR at the end of each of 730 days, recomputed from the ledger under one policy
    back-fill   the roll-ups of two years under all six policies, written; and the memory that it took
    a day       the roll-up of one day more under all six policies, written

python -m tests.bench.metrics    makes a ledger of 600,000 subscriptions and measures on it

Times are those of the machine as it is; the process's CPU stands beside them.
"""

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from lib.core import schema
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import Work, job, reading, working
from lib.jobs import filling, recount
from lib.metrics import mrr
from lib.metrics.policies import HOUSE
from lib.models import SubscriptionChange
from tests.bench.stripe import Measured, line

COUPLES: Final = 500_000
SUBSCRIPTIONS: Final = 600_000
LAST: Final = date(2026, 10, 31)
DAYS: Final = 730
_PRICES: Final = (("try_it_out", "monthly", 36_000), ("better_together", "annual", 24_000))
_CHUNK: Final = 20_000


def measure(tell: Callable[[Measured], None]) -> list[Measured]:
    """All three, each told as soon as it is known."""
    since = LAST - timedelta(days=DAYS - 1)
    results: list[Measured] = []

    def say(name: str, target: str, limit: float, work: Callable[[], Any], *, memory: bool = False) -> None:
        began, busy = time.perf_counter(), time.process_time()
        work()
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        said = f"{seconds:.1f} s, CPU {busy:.1f} s"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        said += f", {peak:,.0f} MB at most" if memory else ""
        results.append(Measured(name, said, target, seconds < limit and not (memory and peak >= 1024)))
        tell(results[-1])

    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'ledger.db'}")
        schema.upgrade(database.primary)
        with working(database, filling.ACTOR) as work:
            _write(work)
        now = datetime(2026, 11, 1, tzinfo=UTC)
        with reading(database, filling.ACTOR) as view:
            say(
                "MRR by day, 24 months, from the ledger",
                "1.5 s",
                1.5,
                lambda: mrr.by_day(view.session, since, LAST, HOUSE),
            )
        say(
            "a back-fill of 24 months, six policies",
            "60 s, 1 GB",
            60,
            lambda: recount.backfill(database, since, LAST, Settings.from_environment({}), now=now),
            memory=True,
        )
        say(
            "the roll-up of a day, six policies",
            "2 s",
            2,
            lambda: filling.fill(database, LAST, LAST, now=now),
        )
        database.dispose()
    return results


@job
def _write(work: Work) -> None:
    """A ledger of 600,000 subscriptions over two years, the same each time."""
    rows: list[dict[str, Any]] = []
    for row in _entries(random.Random(1)):
        rows.append(row)
        if len(rows) == _CHUNK:
            work.session.execute(SubscriptionChange.__table__.insert(), rows)
            rows.clear()
    work.session.execute(SubscriptionChange.__table__.insert(), rows)
    work.count("subscription_changes", 1)


def _entries(drawn: random.Random) -> Iterator[dict[str, Any]]:
    end = datetime.combine(LAST, datetime.min.time(), tzinfo=UTC)
    for number in range(SUBSCRIPTIONS):
        plan, period, arr = _PRICES[drawn.random() < 0.4]
        began = end - timedelta(hours=drawn.randrange(24 * DAYS))
        entry = {
            "subscription_id": f"subscription-{number:030}",
            "relationship_id": f"couple-{number % COUPLES:030}",
            "effective_at": began,
            "recorded_at": began,
            "status": "active",
            "plan_id": plan,
            "billing_period": period,
            "currency": "USD",
            "list_arr_cents": arr,
            "net_arr_cents": arr,
            "is_gift": drawn.random() < 0.05,
            "collection_paused": False,
            "set_to_cancel": False,
            "cause": None,
            "source": "event",
            "source_id": None,
        }
        yield entry
        if drawn.random() < 0.6:
            at = began + timedelta(hours=drawn.randrange(24 * 300))
            ended = drawn.random() < 0.7
            cause = ("involuntary" if drawn.random() < 0.3 else "voluntary") if ended else None
            yield entry | {
                "effective_at": at,
                "recorded_at": at,
                "status": "canceled" if ended else "past_due",
                "cause": cause,
            }


def main() -> int:
    """Measure, print, and give 1 when a target was missed."""
    print(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    results = measure(lambda measured: print(line(measured), flush=True))
    return 0 if all(measured.met for measured in results) else 1


if __name__ == "__main__":
    sys.exit(main())
