"""The daily run: which days the roll-ups lack, or later entries of the ledger changed; those are filled."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.core.work import working
from lib.jobs import runs
from lib.jobs.filling import ACTOR, Progress, fill
from lib.jobs.revenue_analytics import Difference, Following
from lib.jobs.runs import Run
from lib.metrics import mrr, policies
from lib.metrics.policies import Policy
from lib.models import CoupleMove, MetricDay, SubscriptionChange, sortable
from lib.payments import ledger

NAME: Final = "daily"
# An entry of the ledger that took this long to commit is still seen: its number may be below the newest one.
COMMITTED_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a run filled: the days from `since` to `until`, both included, in so many rows.

    `since` is None when the ledger holds nothing, so that there is nothing to fill. `production`: what the
    app's own `revenue_analytics` had otherwise, before it was corrected or left alone as ROLLUPS says.
    """

    since: date | None
    until: date
    rows: int
    production: tuple[Difference, ...] = ()


def run_daily(
    database: Database,
    day: date,
    settings: Settings,
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Filled:
    """Bring the roll-ups up to `day`: missed days, and days that later entries changed, are filled too.

    On the first run of a day, subscriptions without a history get the one that their rows tell.
    A day of the past is filled again together with the stored days after it, since each opens with what the
    one before closed with. Production's `revenue_analytics` follows where ROLLUPS=write, else it is compared.
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

        def told(done: int, of: int) -> None:
            run.progress(done)
            if progress is not None:
                progress(done, of)

        production = Following(write=settings.rollups == "write")
        rows = fill(
            database,
            since,
            until,
            chosen,
            now=moment,
            production=production,
            progress=told,
        )
        run.summary |= {
            "since": since.isoformat(),
            "until": until.isoformat(),
            "rows": rows,
            "production_differed": len(production.differences),
        }
        return Filled(since, until, rows, tuple(production.differences))


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
