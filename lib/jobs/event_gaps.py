"""Every hour: events that Stripe lists and that never came are fetched, so that no gap grows old."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from lib.core.access import system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import runs
from lib.models import InboxEvent
from lib.payments import inbox
from lib.payments.gateway import gateway_of

NAME: Final = "event-gaps"
EVERY: Final = timedelta(hours=1)
OVERLAP: Final = timedelta(hours=2)
"""Stripe repeats a delivery for days; an event that it is about to send again is fetched a little early."""


def is_due(database: Database, now: datetime) -> bool:
    """Once an hour, whatever became of the last run; never while one runs."""
    newest = runs.latest(database, NAME)
    if newest is None:
        return True
    held = newest.state == "running" and newest.lease_until is not None and newest.lease_until >= now
    return not held and now - newest.started_at >= EVERY


def run_for_day(database: Database, _day: date, settings: Settings, now: datetime) -> inbox.Fetched | None:
    """Fetch what is missing since the last run; None where there is nothing to ask, or the log is the app's.

    Before the first event came, nothing is missing: the past of another endpoint is not ours.
    """
    gateway = gateway_of(settings)
    since = _since(database)
    with runs.running(database, NAME, clock=lambda: now) as under_way:
        if gateway is None or since is None or settings.stripe_webhooks == "observe":
            under_way.summary["skipped"] = "There is no key, no event yet, or the app owns the log."
            return None
        fetched = inbox.fetch_missing(database, gateway, since=since, now=now, progress=under_way.progress)
        under_way.summary |= {"listed": fetched.listed, "stored": fetched.stored}
    return fetched


def _since(database: Database) -> datetime | None:
    done = runs.latest(database, NAME, state="done")
    if done is not None and "listed" in done.summary:
        return done.started_at - OVERLAP
    with reading(database, system("worker")) as view:
        return view.session.scalar(select(func.min(InboxEvent.received_at)))
