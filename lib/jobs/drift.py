"""The nightly comparison with Stripe: everything once a day, resumed where a run was stopped."""

from datetime import date, datetime, time, timedelta
from typing import Final

from lib.core import moments
from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import runs
from lib.jobs.runs import Tell, both, unheard
from lib.payments import reconcile
from lib.payments.gateway import Gateway, gateway_of

NAME: Final = "drift"
BEGINS_AT: Final = time(2, 0)
"""UTC: when the Americas sleep, or are about to."""

AFTER_A_FAILURE: Final = timedelta(minutes=30)


def is_due(database: Database, now: datetime) -> bool:
    """Once a day from 02:00 UTC on; again half an hour after a run that failed or was killed."""
    if now.time() < BEGINS_AT and runs.latest(database, NAME, state="done") is not None:
        return False
    newest = runs.latest(database, NAME)
    if newest is not None and newest.state != "done":
        held = newest.lease_until is not None and newest.lease_until >= now
        return not held and now - newest.started_at >= AFTER_A_FAILURE
    begun = datetime.combine(now.date(), BEGINS_AT, tzinfo=now.tzinfo)
    return newest is None or newest.started_at < min(begun, now)


def run_for_day(
    database: Database, _day: date, settings: Settings, now: datetime, *, tell: Tell = unheard
) -> reconcile.Walked | None:
    """Compare everything, as the schedule calls it; None without a Stripe key. `tell` hears how many were."""
    gateway = gateway_of(settings)
    if gateway is None:
        with runs.running(database, NAME, clock=lambda: now) as under_way:
            under_way.summary["skipped"] = "STRIPE_SECRET_KEY is not set."
        return None
    try:
        return compare(database, gateway, settings, tell=tell)
    finally:
        gateway.close()


def compare(
    database: Database,
    gateway: Gateway,
    settings: Settings,
    *,
    since: datetime | None = None,
    tell: Tell = unheard,
) -> reconcile.Walked:
    """Compare everything, or what was made `since`; Refused while another process does."""
    argument = None if since is None else f"{since:%Y-%m-%d}"
    with runs.running(database, NAME, argument=argument, clock=moments.now) as under_way:
        walked = reconcile.walk(
            database,
            gateway,
            since=since,
            budget=reconcile.Budget(settings.stripe_reads_per_second),
            progress=both(under_way.progress, tell),
        )
        under_way.summary |= {
            "compared": walked.compared,
            "found": walked.found,
            "gone": walked.gone,
            "requests": walked.requests,
        }
    return walked
