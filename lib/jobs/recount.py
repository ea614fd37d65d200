"""Days counted again from the ledger, whatever is stored: what that changes is said before it is changed.

Our own roll-ups and production's are both compared; production's are corrected where ROLLUPS=write alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import daily, revenue_analytics, runs, user_cohorts
from lib.jobs.filling import ACTOR, Progress, Sweep, worked_out, write_by_month
from lib.jobs.revenue_analytics import Difference, Following
from lib.metrics import policies
from lib.metrics.policies import HOUSE
from lib.models import MetricDay

_NOBODY_LISTENS: Final[Callable[[Any], None]] = lambda _found: None  # noqa: E731 - a constant of its type


@dataclass(frozen=True, slots=True)
class Change:
    """A day's total that comes out another way than it is stored: annualised cents, None where no row is."""

    day: date
    policy: str
    currency: str
    stored_arr_cents: int | None
    counted_arr_cents: int | None


@dataclass(frozen=True, slots=True)
class Recounted:
    """What a recount of the days from `since` to `until` found, before it wrote so many `rows`.

    `changed`: totals of our roll-ups that were stored otherwise. `production`: figures of the app's
    `revenue_analytics`. `people`: whose rows in `user_cohorts` were wrong or missing, of the range's cohorts.
    """

    since: date
    until: date
    rows: int
    changed: tuple[Change, ...]
    production: tuple[Difference, ...]
    people: int

    @property
    def differs(self) -> bool:
        """Whether anything is stored otherwise than it is counted."""
        return bool(self.changed or self.production or self.people)


def backfill(
    database: Database,
    since: date,
    until: date,
    settings: Settings,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
    before: Callable[[Recounted], None] = _NOBODY_LISTENS,
    progress: Progress | None = None,
) -> Recounted:
    """Fill every day of a range from the ledger, whatever was stored, and say which figures that changes.

    `before` hears what would change while nothing is changed yet. With `dry_run` nothing is written; without
    ROLLUPS=write production's tables are left alone. Raises Invalid for a range that is turned round or ends
    in the future, Refused while a daily run is on.
    """
    moment = now or moments.now()
    if since > until or until > moments.day_of(moment, settings.business_zone):
        raise Invalid(f"From {since} to {until} is not a range of days that have begun.")
    chosen = tuple(policies.of(settings).values())
    write = settings.rollups == "write"
    total = (until - since).days + 1
    with runs.running(
        database, daily.NAME, argument=f"{since}..{until}", total=total, clock=lambda: now or moments.now()
    ) as run:
        # Only the range was filled: what the ledger changed elsewhere is for the next daily run.
        previous = runs.latest(database, daily.NAME, state="done")
        run.summary |= previous.summary if previous else {}

        def told(done: int, of: int) -> None:
            run.progress(done)
            if progress is not None:
                progress(done, of)

        cohorts = tuple(user_cohorts.compared(database, ACTOR, moment, since=since, until=until))
        with worked_out(database, since, until, chosen, moment) as sweep:
            found = Recounted(
                since,
                until,
                len(sweep.rows),
                changed=tuple(_changes(database, since, until, sweep.rows)),
                production=tuple(_in_production(database, sweep, since, until)),
                people=sum(cohort.wrong for cohort in cohorts),
            )
            before(found)
            if not dry_run:
                production = Following(write=True) if write else None
                write_by_month(database, sweep, since, until, moment, production=production, progress=told)
        if not dry_run:
            user_cohorts.keep_each(
                database, ACTOR, moment, cohorts, write=write, tell=lambda _done: run.progress(total)
            )
    return found


def _changes(
    database: Database, since: date, until: date, rows: Sequence[dict[str, Any]]
) -> Iterator[Change]:
    """The totals that a sweep counted otherwise than they are stored, in the order of days."""
    with reading(database, ACTOR) as view:
        stored: dict[tuple[date, str, str], int] = {
            (row.day, row.policy, row.currency): row.arr_cents
            for row in view.session.execute(
                select(MetricDay.day, MetricDay.policy, MetricDay.currency, MetricDay.arr_cents).where(
                    MetricDay.day.between(since, until), MetricDay.plan_id == ""
                )
            )
        }
    counted = _totals(rows)
    for key in sorted(stored.keys() | counted.keys()):
        if stored.get(key) != counted.get(key):
            yield Change(*key, stored.get(key), counted.get(key))


def _in_production(database: Database, sweep: Sweep, since: date, until: date) -> Iterator[Difference]:
    """What the app's own days have otherwise than raw rows and the sweep, month by month."""
    recurs = {
        day: arr_cents
        for (day, policy, currency), arr_cents in _totals(sweep.rows).items()
        if (policy, currency) == (HOUSE.name, revenue_analytics.CURRENCY)
    }
    first = since
    while first <= until:
        last = min(moments.next_month(moments.month_start(first)) - timedelta(days=1), until)
        with reading(database, ACTOR) as view:
            counted = revenue_analytics.counted_days(view.session, first, last, recurs)
            yield from revenue_analytics.compare(view.session, counted)
        first = last + timedelta(days=1)


def _totals(rows: Sequence[dict[str, Any]]) -> Mapping[tuple[date, str, str], int]:
    return {
        (row["day"], row["policy"], row["currency"]): row["arr_cents"] for row in rows if not row["plan_id"]
    }
