"""Days of the roll-ups, written: `admin_metric_daily`, and `admin_couple_moves`, the couples behind it.

Any day can be filled again and comes out the same. A day costs little, because only the couples that moved
are looked at, in one transaction. A longer range is worked out from a copy of the ledger first, while nobody
waits, and then written month by month: others can write in between, and a run that was killed leaves whole
months behind.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, delete, insert

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.work import Work, job, reading, working
from lib.jobs.revenue_analytics import Following
from lib.metrics import policies
from lib.metrics import roll_up as days
from lib.metrics.columnar import copy_of_ledger
from lib.metrics.policies import Policy
from lib.metrics.spans import ONE_BY_ONE
from lib.models import CoupleMove, MetricDay

ACTOR: Final = system("worker")
ROWS_PER_STATEMENT: Final = 1000

Progress = Callable[[int, int], None]
"""Told after each part: how many days are filled, of how many."""


def fill(
    database: Database,
    since: date,
    until: date,
    chosen: Collection[Policy] = tuple(policies.POLICIES.values()),
    *,
    now: datetime,
    trust_stored: bool = True,
    production: Following | None = None,
    progress: Progress | None = None,
) -> int:
    """Fill a range of days for some policies; gives how many rows. Stored days after it are not touched.

    A short range opens with what is stored for the day before if `trust_stored` and it is there; else with
    what the ledger says. `production`: the app's own `revenue_analytics` follows, or is compared.
    """
    if until - since > ONE_BY_ONE:
        with worked_out(database, since, until, chosen, now) as sweep:
            write_by_month(database, sweep, since, until, now, production=production, progress=progress)
        return len(sweep.rows)
    with working(database, ACTOR, now=now) as work:
        rows = roll_up_days(work, since, until, chosen, trust_stored=trust_stored, production=production)
    if progress is not None:
        progress((until - since).days + 1, (until - since).days + 1)
    return rows


@job
def roll_up_days(
    work: Work,
    since: date,
    until: date,
    chosen: Collection[Policy],
    *,
    trust_stored: bool = True,
    production: Following | None = None,
) -> int:
    """Fill a short range of days in one transaction; gives how many rows."""
    opening = days.opening_of(work.session, work.session, since, chosen, trust_stored=trust_stored)
    _empty(work, since, until)
    work.session.execute(days.couple_moves(chosen, since, until))
    rows = list(days.rows(work.session, since, until, chosen, opening, work.now))
    _insert(work, rows, since, until, production=production)
    return len(rows)


@job
def write_days(
    work: Work,
    since: date,
    until: date,
    moves: Sequence[dict[str, Any]],
    rows: Sequence[dict[str, Any]],
    *,
    production: Following | None = None,
) -> None:
    """Write a range of days that was worked out before, in place of what is stored."""
    _empty(work, since, until)
    for start in range(0, len(moves), ROWS_PER_STATEMENT):
        work.session.execute(insert(CoupleMove), moves[start : start + ROWS_PER_STATEMENT])
    _insert(work, rows, since, until, production=production)


def _empty(work: Work, since: date, until: date) -> None:
    for table in (CoupleMove, MetricDay):
        work.session.execute(delete(table).where(table.day.between(since, until)))


def _insert(
    work: Work, rows: Sequence[dict[str, Any]], since: date, until: date, *, production: Following | None
) -> None:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        work.session.execute(insert(MetricDay), rows[start : start + ROWS_PER_STATEMENT])
    work.count("admin_metric_daily", len(rows))
    if production is not None and production.follow(work.session, since, until, work.now):
        work.count("revenue_analytics", (until - since).days + 1)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A long range, worked out: its rows in the order of days, and its movements in the ledger's copy."""

    ledger: Connection
    rows: list[dict[str, Any]]


@contextmanager
def worked_out(
    database: Database, since: date, until: date, chosen: Collection[Policy], moment: datetime
) -> Iterator[Sweep]:
    """A range of days counted from a copy of the ledger, whatever is stored; nothing is written."""
    with reading(database, ACTOR) as view, copy_of_ledger(view.session) as copy:
        opening = days.opening_of(view.session, copy, since, chosen, trust_stored=False)
        copy.execute(days.couple_moves(chosen, since, until))
        yield Sweep(copy, list(days.rows(copy, since, until, chosen, opening, moment)))


def write_by_month(
    database: Database,
    sweep: Sweep,
    since: date,
    until: date,
    moment: datetime,
    *,
    production: Following | None,
    progress: Progress | None,
) -> None:
    """Write what was worked out, a month in a transaction; `progress` hears of each."""
    for month, rows in groupby(sweep.rows, key=lambda row: moments.month_start(row["day"])):
        first, last = max(month, since), min(moments.next_month(month) - timedelta(days=1), until)
        stored = days.stored_moves(first, last)
        moves = [dict(row) for row in sweep.ledger.execute(stored).mappings()]
        with working(database, ACTOR, now=moment) as work:
            write_days(work, first, last, moves, list(rows), production=production)
        if progress is not None:
            progress((last - since).days + 1, (until - since).days + 1)
