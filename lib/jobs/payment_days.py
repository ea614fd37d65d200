"""Counts what was paid, given back, refused and recovered, by day, hourly.

A try that was refused may still go through, and a row may become known late: the days of the last two months
are counted anew each time, those before once. Some days are a transaction of their own, so that others can
write in between and a run that was killed goes on where it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from lib.core import moments
from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import View, Work, job, query, reading, working
from lib.jobs import runs
from lib.metrics import money_in
from lib.models import Payment, PaymentDay, sortable

NAME: Final = "payment-days"
ACTOR: Final = system("worker")
AT_LEAST_EVERY: Final = timedelta(hours=1)
# Stripe tries a card again for four weeks at most, and a refund is told within days.
MAY_CHANGE: Final = timedelta(days=62)
AT_ONCE: Final = 31


@dataclass(frozen=True, slots=True)
class Counted:
    """What a run counted: the days from `since` to `until`; None while nobody ever paid."""

    since: date | None
    until: date


def is_due(database: Database, now: datetime) -> bool:
    """Whether the last run is an hour ago."""
    newest = runs.latest(database, NAME)
    return newest is None or now - newest.started_at >= AT_LEAST_EVERY


def run(database: Database, settings: Settings, now: datetime) -> Counted:
    """Count the days that may have changed; Refused while another process does the same."""
    zone = settings.business_zone
    until = moments.day_of(now, zone)
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        with reading(database, ACTOR, now=now) as view:
            since = begin(view, until, zone)
        for number, days in enumerate(_some(since or until, until), 1):
            with reading(database, ACTOR, now=now) as view:
                rows = count(view, days, zone)
            with working(database, ACTOR, now=now) as work:
                keep(work, days, rows)
            under_way.progress(number)
        under_way.summary |= {"since": since and since.isoformat(), "until": until.isoformat()}
    return Counted(since, until)


def run_for_day(database: Database, _day: date, settings: Settings, now: datetime) -> Counted:
    """The same, as the schedule calls it: the day makes no difference."""
    return run(database, settings, now)


@query(Permission.REVENUE_READ)
def begin(view: View, until: date, zone: str) -> date | None:
    """The first day to count: of those that may change, or after the last one that is stored, or of all."""
    newest: date | None = view.session.scalar(select(func.max(PaymentDay.day)))
    if newest is not None:
        return min(newest, until - MAY_CHANGE)
    first = view.session.scalar(
        select(Payment.created_at)
        .where(Payment.created_at.is_not(None))
        .order_by(sortable(Payment.created_at))
        .limit(1)
    )
    return None if first is None else min(moments.day_of(first, zone), until)


@query(Permission.REVENUE_READ)
def count(view: View, days: Sequence[date], zone: str) -> list[dict[str, Any]]:
    """The rows of some days as they are now."""
    return [row for day in days for row in money_in.counted(view.session, day, zone)]


@job
def keep(work: Work, days: Sequence[date], rows: Sequence[dict[str, Any]]) -> None:
    """Put the rows of some days in the place of those from before."""
    work.session.execute(delete(PaymentDay).where(PaymentDay.day.between(days[0], days[-1])))
    if rows:
        work.session.execute(insert(PaymentDay), [row | {"computed_at": work.now} for row in rows])
    work.count("days", len(days))


def _some(since: date, until: date) -> Iterator[list[date]]:
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    for start in range(0, len(days), AT_ONCE):
        yield days[start : start + AT_ONCE]
