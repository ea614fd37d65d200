"""The daily roll-up: fills `admin_metric_daily`, from which every page about revenue reads, and with it
`admin_couple_moves`, the couples behind each movement.

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

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.core.work import Work, job, reading, working
from lib.jobs import revenue_analytics, runs
from lib.jobs.runs import Run
from lib.metrics import mrr, policies
from lib.metrics import roll_up as days
from lib.metrics.columnar import copy_of_ledger
from lib.metrics.policies import Policy
from lib.metrics.spans import ONE_BY_ONE
from lib.models import CoupleMove, MetricDay, SubscriptionChange, sortable
from lib.payments import ledger

NAME: Final = "daily"
ACTOR: Final = system("worker")
ROWS_PER_STATEMENT: Final = 1000
# An entry of the ledger that took this long to commit is still seen: its number may be below the newest one.
COMMITTED_WITHIN: Final = timedelta(minutes=10)

Progress = Callable[[int, int], None]
"""Told after each part: how many days are filled, of how many."""


@dataclass(frozen=True, slots=True)
class Change:
    """A day's total that comes out another way than it is stored: annualised cents, None where no row is."""

    day: date
    policy: str
    currency: str
    stored_arr_cents: int | None
    counted_arr_cents: int | None


@dataclass(frozen=True, slots=True)
class Filled:
    """What a run filled: the days from `since` to `until`, both included, in so many rows.

    `since` is None when the ledger holds nothing, so that there is nothing to fill. `changed`: the totals
    that were stored otherwise, where the run was asked to look.
    """

    since: date | None
    until: date
    rows: int
    changed: tuple[Change, ...] = ()


def run_daily(database: Database, day: date, settings: Settings, *, now: datetime | None = None) -> Filled:
    """Bring the roll-ups up to `day`: missed days, and days that later entries changed, are filled too.

    On the first run of a day, subscriptions without a history get the one that their rows tell.
    A day of the past is filled again together with the stored days after it, since each opens with what the
    one before closed with. Production's `revenue_analytics` follows where ROLLUPS=write.
    Raises Invalid for a day that has not begun, Refused while another process does the same.
    """
    moment = now or moments.now()
    if day > moments.day_of(moment, settings.business_zone):
        raise Invalid(f"{day} has not begun yet ({settings.business_zone}), so there is nothing to count.")
    seen = runs.latest(database, NAME, state="done")
    chosen = tuple(policies.of(settings).values())
    with runs.running(database, NAME, argument=day.isoformat(), clock=lambda: now or moments.now()) as run:
        if seen is None or seen.started_at < moments.day_bounds(moment.date())[0]:
            # Once a day: the app makes subscriptions that we may never have heard of.
            with working(database, ACTOR, now=moment) as work:
                ledger.backfill(work)
        since, until = _to_fill(run, day, seen, moment, chosen)
        if since is None:
            return Filled(None, day, 0)
        rows = fill(
            database,
            since,
            until,
            chosen,
            now=moment,
            production=settings.rollups == "write",
            progress=lambda done, _: run.progress(done),
        )
        run.summary |= {"since": since.isoformat(), "until": until.isoformat(), "rows": rows}
        return Filled(since, until, rows)


def backfill(
    database: Database,
    since: date,
    until: date,
    settings: Settings,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Filled:
    """Fill every day of a range from the ledger, whatever was stored, and say which totals that changes.

    Production's own table stays as it is. With `dry_run` nothing is written.
    Raises Invalid for a range that is turned round or ends in the future, Refused while a daily run is on.
    """
    moment = now or moments.now()
    if since > until or until > moments.day_of(moment, settings.business_zone):
        raise Invalid(f"From {since} to {until} is not a range of days that have begun.")
    chosen = tuple(policies.of(settings).values())
    total = (until - since).days + 1
    with runs.running(
        database, NAME, argument=f"{since}..{until}", total=total, clock=lambda: now or moments.now()
    ) as run:
        # Only the range was filled: what the ledger changed elsewhere is for the next daily run.
        run.summary |= previous.summary if (previous := runs.latest(database, NAME, state="done")) else {}

        def told(done: int, of: int) -> None:
            run.progress(done)
            if progress is not None:
                progress(done, of)

        with _worked_out(database, since, until, chosen, moment) as sweep:
            changed = tuple(_changes(database, since, until, sweep.rows))
            if not dry_run:
                _write_by_month(database, sweep, since, until, moment, production=False, progress=told)
        return Filled(since, until, len(sweep.rows), changed)


def fill(
    database: Database,
    since: date,
    until: date,
    chosen: Collection[Policy] = tuple(policies.POLICIES.values()),
    *,
    now: datetime,
    trust_stored: bool = True,
    production: bool = False,
    progress: Progress | None = None,
) -> int:
    """Fill a range of days for some policies; gives how many rows. Stored days after it are not touched.

    A short range opens with what is stored for the day before if `trust_stored` and it is there; else with
    what the ledger says. `production` writes the app's own `revenue_analytics` as well.
    """
    if until - since > ONE_BY_ONE:
        with _worked_out(database, since, until, chosen, now) as sweep:
            _write_by_month(database, sweep, since, until, now, production=production, progress=progress)
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
    production: bool = False,
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
    production: bool = False,
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
    work: Work, rows: Sequence[dict[str, Any]], since: date, until: date, *, production: bool
) -> None:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        work.session.execute(insert(MetricDay), rows[start : start + ROWS_PER_STATEMENT])
    work.count("admin_metric_daily", len(rows))
    if production:
        work.count("revenue_analytics", revenue_analytics.write(work.session, since, until, work.now))


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A long range, worked out: its rows in the order of days, and its movements in the ledger's copy."""

    ledger: Connection
    rows: list[dict[str, Any]]


@contextmanager
def _worked_out(
    database: Database, since: date, until: date, chosen: Collection[Policy], moment: datetime
) -> Iterator[_Sweep]:
    with reading(database, ACTOR) as view, copy_of_ledger(view.session) as copy:
        opening = days.opening_of(view.session, copy, since, chosen, trust_stored=False)
        copy.execute(days.couple_moves(chosen, since, until))
        yield _Sweep(copy, list(days.rows(copy, since, until, chosen, opening, moment)))


def _write_by_month(
    database: Database,
    sweep: _Sweep,
    since: date,
    until: date,
    moment: datetime,
    *,
    production: bool,
    progress: Progress | None,
) -> None:
    for month, rows in groupby(sweep.rows, key=lambda row: moments.month_start(row["day"])):
        first, last = max(month, since), min(moments.next_month(month) - timedelta(days=1), until)
        stored = days.stored_moves(first, last)
        moves = [dict(row) for row in sweep.ledger.execute(stored).mappings()]
        with working(database, ACTOR, now=moment) as work:
            write_days(work, first, last, moves, list(rows), production=production)
        if progress is not None:
            progress((last - since).days + 1, (until - since).days + 1)


def _changes(
    database: Database, since: date, until: date, rows: Sequence[dict[str, Any]]
) -> Iterator[Change]:
    """The totals that a sweep counted otherwise than they are stored, in the order of days."""
    with Session(database.primary.execution_options(writes=False)) as session:
        stored = {
            (row.day, row.policy, row.currency): row.arr_cents
            for row in session.execute(
                select(MetricDay.day, MetricDay.policy, MetricDay.currency, MetricDay.arr_cents).where(
                    MetricDay.day.between(since, until), MetricDay.plan_id == ""
                )
            )
        }
    counted = {
        (row["day"], row["policy"], row["currency"]): row["arr_cents"] for row in rows if not row["plan_id"]
    }
    for key in sorted(stored.keys() | counted.keys()):
        if stored.get(key) != counted.get(key):
            yield Change(*key, stored.get(key), counted.get(key))


def _to_fill(
    run: Run, day: date, seen: runs.PastRun | None, moment: datetime, chosen: Collection[Policy]
) -> tuple[date | None, date]:
    """Which days a run for `day` has to fill; (None, day) while the ledger is empty.

    From the earliest of: the day itself, the last day that is stored (it may have been filled before it was
    over), and the earliest day that an entry noted since the last run changes. Without a last run that filled
    everything: from the ledger's first day.
    """
    zone, fills = next(iter(chosen)).zone, _fills(chosen)
    with Session(run.database.primary.execution_options(writes=False)) as session:
        change = SubscriptionChange
        first = mrr.first_day(session, zone)
        stored = session.scalar(select(func.max(MetricDay.day)))
        settled = select(change.seq).where(sortable(change.recorded_at) <= moment - COMMITTED_WITHIN)
        run.summary |= {
            "newest_seq": newest_entry(session),
            "settled_seq": session.scalar(settled.order_by(change.seq.desc()).limit(1)) or 0,
            "fills": fills,
        }
        if first is None:
            return None, day
        until = max(day, stored or day)
        if stored is None or seen is None or seen.summary.get("fills") != fills:
            return min(first, until), until
        late = session.scalar(
            select(func.min(change.effective_at)).where(
                change.seq > seen.summary["settled_seq"],
                change.effective_at < moments.day_bounds(until, zone)[1],
            )
        )
    return max(first, min(day, stored, moments.day_of(late, zone) if late else day)), until


def newest_entry(session: Session) -> int:
    """The number of the ledger's newest entry; 0 while it is empty."""
    return session.scalar(select(func.max(SubscriptionChange.seq))) or 0


def _fills(chosen: Collection[Policy]) -> list[str]:
    """What a run fills. After one that filled less, or by other rules, the next begins at the beginning."""
    return [CoupleMove.__tablename__, MetricDay.__tablename__, *(repr(policy) for policy in chosen)]
