"""The daily roll-up: fills `admin_metric_daily`, from which every page about revenue reads, and with it
`admin_couple_movements`, the couples behind each movement.

Any day can be filled again and comes out the same. A day costs little, because only the couples that moved
are looked at; two years are two sweeps over the ledger, in a transaction for each policy, so that others can
write in between and a run that was killed leaves whole days behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.core.work import Work, job, working
from lib.jobs import revenue_analytics, runs
from lib.jobs.runs import Run
from lib.metrics import mrr
from lib.metrics import roll_up as days
from lib.metrics.policies import HOUSE, POLICIES, Policy
from lib.models import CoupleMovement, MetricDay, SubscriptionChange, sortable
from lib.payments import ledger

NAME: Final = "daily"
ACTOR: Final = system("worker")
# A later part of a longer range reads the ledger from its beginning again.
DAYS_PER_TRANSACTION: Final = 800
ROWS_PER_STATEMENT: Final = 1000
# What a run fills. One that an earlier release made filled less, so the next one begins with the ledger.
FILLS: Final = [CoupleMovement.__tablename__, MetricDay.__tablename__, *POLICIES]
# An entry of the ledger that took this long to commit is still seen: its number may be below the newest one.
COMMITTED_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a run filled: the days from `since` to `until`, both included, in so many rows.

    `since` is None when the ledger holds nothing, so that there is nothing to fill.
    """

    since: date | None
    until: date
    rows: int


def run_daily(database: Database, day: date, settings: Settings, *, now: datetime | None = None) -> Filled:
    """Bring the roll-ups up to `day`: missed days, and days that later entries changed, are filled too.

    On the first run of a day, subscriptions without a history get the one that their rows tell.
    A day of the past is filled again together with the stored days after it, since each opens with what the
    one before closed with. Production's `revenue_analytics` follows where ROLLUPS=write.
    Raises Invalid for a day that has not begun, Refused while another process does the same.
    """
    moment = now or moments.now()
    if day > moment.date():
        raise Invalid(f"{day} has not begun in UTC yet, so there is nothing to count.")
    seen = runs.latest(database, NAME, state="done")
    with runs.running(database, NAME, argument=day.isoformat(), clock=lambda: now or moments.now()) as run:
        if seen is None or seen.started_at < moments.day_bounds(moment.date())[0]:
            # Once a day: the app makes subscriptions that we may never have heard of.
            with working(database, ACTOR, now=moment) as work:
                ledger.backfill(work)
        since, until = _to_fill(run, day, seen, moment)
        if since is None:
            return Filled(None, day, 0)
        return _fill_days(run, since, until, moment, production=settings.rollups == "write")


def backfill(database: Database, since: date, until: date, *, now: datetime | None = None) -> Filled:
    """Fill every day of a range from the ledger, whatever was stored; production's own table stays as it is.

    Raises Invalid for a range that is turned round or ends in the future, Refused while a daily run is on.
    """
    moment = now or moments.now()
    if since > until or until > moment.date():
        raise Invalid(f"From {since} to {until} is not a range of days that have begun.")
    total = (until - since).days + 1
    with runs.running(
        database, NAME, argument=f"{since}..{until}", total=total, clock=lambda: now or moments.now()
    ) as run:
        # Only the range was filled: what the ledger changed elsewhere is for the next daily run.
        run.summary |= previous.summary if (previous := runs.latest(database, NAME, state="done")) else {}
        return _fill_days(run, since, until, moment, production=False, trust_stored=False)


@job
def roll_up_days(
    work: Work,
    since: date,
    until: date,
    policy: Policy = HOUSE,
    *,
    trust_stored: bool = True,
    production: bool = False,
) -> int:
    """Fill a range of days for one policy; gives how many rows. Stored days after it are not touched.

    With `trust_stored` the range opens with what is stored for the day before, if that is there; else with
    what the ledger says. `production` writes the app's own `revenue_analytics` as well.
    """
    opening = days.opening_of(work.session, since, policy, trust_stored=trust_stored)
    for table in (CoupleMovement, MetricDay):
        work.session.execute(
            delete(table).where(table.policy == policy.name, table.day.between(since, until))
        )
    work.session.execute(days.couple_movements(since, until, policy))
    rows = list(days.rows(work.session, since, until, policy, opening, work.now))
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        work.session.execute(insert(MetricDay), rows[start : start + ROWS_PER_STATEMENT])
    work.count("admin_metric_daily", len(rows))
    if production:
        work.count("revenue_analytics", revenue_analytics.write(work.session, since, until, work.now))
    return len(rows)


def _fill_days(
    run: Run, since: date, until: date, moment: datetime, *, production: bool, trust_stored: bool = True
) -> Filled:
    rows = 0
    for first, last in _transactions(since, until):
        # What this run wrote a moment ago is as good as the ledger.
        trusted = trust_stored or first > since
        for policy in POLICIES.values():
            with working(run.database, ACTOR, now=moment) as work:
                rows += roll_up_days(
                    work,
                    first,
                    last,
                    policy,
                    trust_stored=trusted,
                    production=production and policy is HOUSE,
                )
        run.progress((last - since).days + 1)
    run.summary |= {"since": since.isoformat(), "until": until.isoformat(), "rows": rows}
    return Filled(since, until, rows)


def _to_fill(run: Run, day: date, seen: runs.PastRun | None, moment: datetime) -> tuple[date | None, date]:
    """Which days a run for `day` has to fill; (None, day) while the ledger is empty.

    From the earliest of: the day itself, the last day that is stored (it may have been filled before it was
    over), and the earliest day that an entry noted since the last run changes. Without a last run that filled
    everything: from the ledger's first day.
    """
    with Session(run.database.primary.execution_options(writes=False)) as session:
        change = SubscriptionChange
        first = mrr.first_day(session)
        # A run that was killed may have filled one policy further than another.
        filled = (
            select(func.max(MetricDay.day)).where(MetricDay.policy.in_(POLICIES)).group_by(MetricDay.policy)
        )
        stored = min(session.scalars(filled), default=None)
        settled = select(change.seq).where(sortable(change.recorded_at) <= moment - COMMITTED_WITHIN)
        run.summary |= {
            "newest_seq": newest_entry(session),
            "settled_seq": session.scalar(settled.order_by(change.seq.desc()).limit(1)) or 0,
            "fills": FILLS,
        }
        if first is None:
            return None, day
        until = max(day, stored or day)
        if stored is None or seen is None or seen.summary.get("fills") != FILLS:
            return min(first, until), until
        late = session.scalar(
            select(func.min(change.effective_at)).where(
                change.seq > seen.summary["settled_seq"],
                change.effective_at < moments.day_bounds(until)[1],
            )
        )
    return max(first, min(day, stored, late.date() if late else day)), until


def newest_entry(session: Session) -> int:
    """The number of the ledger's newest entry; 0 while it is empty."""
    return session.scalar(select(func.max(SubscriptionChange.seq))) or 0


def _transactions(since: date, until: date) -> Iterator[tuple[date, date]]:
    first = since
    while first <= until:
        last = min(until, first + timedelta(days=DAYS_PER_TRANSACTION - 1))
        yield first, last
        first = last + timedelta(days=1)
