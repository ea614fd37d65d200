"""What the weekly and the monthly round do, step by step; each step gives what became of it, in JSON's types.

weekly    days of the last weeks counted anew, all cohorts, who stayed, everything compared with Stripe
monthly   days of the month counted anew, production's cohorts, payments tied to Stripe's balance,
          whether the month can be frozen
"""

from dataclasses import asdict
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from lib.core import moments
from lib.core.work import reading
from lib.jobs import cohorts, drift, payment_reconciliation, recount, runs, staying, user_cohorts
from lib.jobs.filling import ACTOR
from lib.jobs.revenue_analytics import Difference
from lib.jobs.rounds import Going, Outcome, Round
from lib.metrics import mrr
from lib.services import month_close

WEEKS_RECOUNTED: Final = 5
CHANGES_KEPT: Final = 10
"""So many of the figures that come out another way are kept with a run, the oldest days first."""


def _recount_weeks(going: Going) -> Outcome:
    return _recount(going, going.last - timedelta(weeks=WEEKS_RECOUNTED) + timedelta(days=1))


def _recount_month(going: Going) -> Outcome:
    return _recount(going, going.first)


def _recount(going: Going, since: date) -> Outcome:
    """From a day up to today, since each day opens with what the one before closed with."""
    zone = going.settings.business_zone
    with reading(going.database, ACTOR) as view:
        begins = mrr.first_day(view.session, zone)
    until = moments.day_of(going.now, zone)
    if begins is None or begins > until:
        return {"left_out": "The ledger is empty: there is nothing to count."}

    def before(found: recount.Recounted) -> None:
        going.note(
            {
                "since": found.since.isoformat(),
                "until": found.until.isoformat(),
                "changed": len(found.changed),
                "production": len(found.production),
                "people": found.people,
                "first_changes": [
                    {name: str(value) for name, value in asdict(change).items()}
                    for change in _first_changes(found)
                ],
            }
        )

    done = recount.backfill(
        going.database,
        max(since, begins),
        until,
        going.settings,
        now=going.now,
        before=before,
        progress=lambda days, _of: going.tell(days),
    )
    return {"rows": done.rows}


def _first_changes(found: recount.Recounted) -> list[recount.Change | Difference]:
    return [*found.changed[:CHANGES_KEPT], *found.production[:CHANGES_KEPT]]


def _cohorts(going: Going) -> Outcome:
    counted = cohorts.run(going.database, going.settings, now=going.now, everything=True, tell=going.tell)
    return {"since": counted.since and counted.since.isoformat(), "until": counted.until.isoformat()}


def _user_cohorts(going: Going) -> Outcome:
    write = going.settings.rollups == "write"
    wrong = user_cohorts.follow(going.database, ACTOR, going.now, write=write, tell=going.tell)
    return {"people_wrong_or_missing": wrong, "corrected": write}


def _staying(going: Going) -> Outcome:
    return {"rows": staying.run(going.database, going.now)}


def _drift(going: Going) -> Outcome:
    done = runs.latest(going.database, drift.NAME, state="done")
    if done is not None and going.now - done.started_at < timedelta(days=1) and "compared" in done.summary:
        return {"left_out": f"Everything was compared at {done.started_at:%Y-%m-%d %H:%M} UTC."}
    walked = drift.run_for_day(going.database, going.last, going.settings, going.now, tell=going.tell)
    if walked is None:
        return {"left_out": payment_reconciliation.NO_KEY}
    return {"compared": walked.compared, "found": walked.found, "gone": walked.gone}


def _payments(going: Going) -> Outcome:
    if payment_reconciliation.is_through(going.database, going.first):
        return {"left_out": "The month's payments were compared before."}
    tied = payment_reconciliation.tie_month(
        going.database, going.first, going.settings, going.now, tell=going.tell
    )
    return {"compared": tied.compared} if tied else {"left_out": payment_reconciliation.NO_KEY}


def _month_close(going: Going) -> Outcome:
    """Whether finance can freeze the month now; freezing it is a person's decision."""
    with reading(going.database, ACTOR, now=going.now) as view:
        month = month_close.of_month(view, going.first, reporting=going.settings.reporting_currency)
    return {
        "frozen_versions": len(month.versions),
        "figures_changed_since": month.changed,
        "can_be_frozen": month.now.why_not is None,
        "why_not": month.now.why_not,
    }


def _week(day: date) -> tuple[date, date]:
    first = day - timedelta(days=day.weekday())
    return first, first + timedelta(days=6)


def _month(day: date) -> tuple[date, date]:
    first = moments.month_start(day)
    return first, moments.next_month(first) - timedelta(days=1)


WEEKLY: Final = Round(
    "weekly",
    _week,
    timedelta(hours=3),
    MappingProxyType(
        {
            "recount": _recount_weeks,
            "cohorts": _cohorts,
            "staying": _staying,
            "drift": _drift,
        }
    ),
)
MONTHLY: Final = Round(
    "monthly",
    _month,
    # A day late: by then the last payments of the month are in Stripe's balance, and their events have come.
    timedelta(days=1, hours=4),
    MappingProxyType(
        {
            "recount": _recount_month,
            "user-cohorts": _user_cohorts,
            "payment-reconciliation": _payments,
            "month-close": _month_close,
        }
    ),
)
