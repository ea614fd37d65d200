"""A month's payments tied to Stripe's balance: as finance asked, and once for each month that is over.

A run that was stopped is resumed where it was.
"""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import reading, working
from lib.jobs import runs
from lib.jobs.runs import Tell, both, unheard
from lib.models import PaymentReconciliation
from lib.payments import balance
from lib.payments.gateway import Gateway, gateway_of
from lib.payments.reconcile import Budget
from lib.services.month_close import reconciliation

NAME: Final = "payment-reconciliation"
AFTER_A_FAILURE: Final = timedelta(minutes=5)
NO_KEY: Final = "Stripe cannot be asked: STRIPE_SECRET_KEY is not set (docs/settings.md)."
_WORKER: Final = system("worker")


def is_due(database: Database, now: datetime) -> bool:
    """While one is asked for or was stopped on its way; five minutes after a run that failed."""
    if _waiting(database) is None:
        return False
    newest = runs.latest(database, NAME)
    if newest is None or newest.state == "done":
        return True
    held = newest.state == "running" and newest.lease_until is not None and newest.lease_until >= now
    return not held and now - newest.started_at >= AFTER_A_FAILURE


def run_for_day(database: Database, day: date, settings: Settings, now: datetime) -> balance.Tied | None:
    """Do the oldest that waits; without one, the month of `day`, or the one before while that is not over.

    None without a Stripe key: then what was asked for has failed, and says so. Raises Refused while another
    process does it, and StripeFailed when Stripe cannot be asked.
    """
    gateway = gateway_of(settings)
    with runs.running(database, NAME, clock=moments.now) as under_way:
        waiting = _waiting(database) or _asked_now(database, day, settings.business_zone, now)
        if gateway is None:
            under_way.summary["skipped"] = NO_KEY
            balance.give_up(database, waiting, NO_KEY, now)
            return None
        return _tied(under_way, gateway, waiting, settings, unheard)


def tie_month(
    database: Database, month: date, settings: Settings, now: datetime, *, tell: Tell = unheard
) -> balance.Tied | None:
    """Compare a month that is over, unless it was before; None then, and without a Stripe key.

    `tell` hears how many movements were compared. Raises Refused while another process compares, and
    StripeFailed when Stripe cannot be asked: the next run goes on with it.
    """
    gateway = gateway_of(settings)
    if gateway is None or is_through(database, month):
        return None
    with runs.running(database, NAME, argument=f"{month:%Y-%m}", clock=moments.now) as under_way:
        with working(database, _WORKER, now=now) as work:
            asked = reconciliation.reconcile(
                work, month, reason="The month is over", zone=settings.business_zone
            )
        return _tied(under_way, gateway, asked, settings, tell)


def is_through(database: Database, month: date) -> bool:
    """Whether a month's payments were compared to the end, by whomever."""
    with reading(database, _WORKER) as view:
        return reconciliation.payments_tied(view, month).through_id is not None


def _tied(
    under_way: runs.Run, gateway: Gateway, reconciliation_id: str, settings: Settings, tell: Tell
) -> balance.Tied:
    try:
        tied = balance.tie(
            under_way.database,
            gateway,
            reconciliation_id,
            budget=Budget(settings.stripe_reads_per_second),
            progress=both(under_way.progress, tell),
            zone=settings.business_zone,
        )
    finally:
        gateway.close()
    under_way.summary |= {"compared": tied.compared, "requests": tied.requests}
    return tied


def _waiting(database: Database) -> str | None:
    with reading(database, _WORKER) as view:
        return view.session.scalar(
            select(PaymentReconciliation.id)
            .where(PaymentReconciliation.open_key.is_not(None))
            .order_by(PaymentReconciliation.asked_at, PaymentReconciliation.id)
            .limit(1)
        )


def _asked_now(database: Database, day: date, zone: str, now: datetime) -> str:
    month = moments.month_start(day)
    if moments.next_month(month) > moments.day_of(now, zone):
        month = moments.month_start(month - timedelta(days=1))
    with working(database, _WORKER, now=now) as work:
        return reconciliation.reconcile(work, month, reason="Asked for on the command line", zone=zone)
