"""Once a day: invoices that were open before we listened are noted, so that they stand in the work list."""

from datetime import date, datetime, timedelta
from typing import Final

from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import runs
from lib.payments import open_invoices
from lib.payments.gateway import gateway_of
from lib.payments.reconcile import Budget

NAME: Final = "open-invoices"
EVERY: Final = timedelta(days=1)
AFTER_A_FAILURE: Final = timedelta(minutes=30)


def is_due(database: Database, now: datetime) -> bool:
    """Once a day; again half an hour after a run that failed or was killed, never while one runs."""
    newest = runs.latest(database, NAME)
    if newest is None:
        return True
    held = newest.state == "running" and newest.lease_until is not None and newest.lease_until >= now
    pause = EVERY if newest.state == "done" else AFTER_A_FAILURE
    return not held and now - newest.started_at >= pause


def run_for_day(
    database: Database, _day: date, settings: Settings, now: datetime
) -> open_invoices.Noted | None:
    """Note what is open at Stripe and unknown here; None without a key, or where the app owns the log."""
    gateway = gateway_of(settings)
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        if gateway is None or settings.stripe_webhooks == "observe":
            under_way.summary["skipped"] = "There is no key, or the app owns the log."
            return None
        budget = Budget(settings.stripe_reads_per_second)
        try:
            done = open_invoices.note_unknown(
                database, gateway, now=now, budget=budget, progress=under_way.progress
            )
        finally:
            gateway.close()
        under_way.summary |= {"listed": done.listed, "noted": done.noted}
    return done
