"""Invoices that were open before we listened: noted once, so that the work list of Payments has them.

Events tell of an invoice when something happens to it. What failed before there was an endpoint is told of
only when Stripe tries again, and never where it has given up; so Stripe's own list of open ones is read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import Work, job, reading, working
from lib.models import Invoice, Subscription
from lib.payments import rows
from lib.payments.events import InvoiceFacts
from lib.payments.gateway import Gateway
from lib.payments.reconcile import Budget

_PAGE: Final = 90  # D1 takes 100 parameters in a statement
_WORKER: Final = system("worker")


@dataclass(frozen=True, slots=True)
class Noted:
    """How many open invoices Stripe listed, and how many of them were noted now."""

    listed: int
    noted: int


def note_unknown(
    database: Database,
    gateway: Gateway,
    *,
    now: datetime,
    budget: Budget,
    progress: Callable[[int], None] = lambda _listed: None,
) -> Noted:
    """Note every open invoice of a subscription of ours that was tried and that we know nothing of.

    One request for each of those, no faster than `budget` allows. Raises StripeFailed when Stripe does not
    answer: what was noted is kept, and the next run goes on with the rest.
    """
    listed = noted = 0
    invoices = gateway.invoices.open()
    while page := list(islice(invoices, _PAGE)):
        listed += len(page)
        for invoice_id in _unknown(database, page):
            budget.spend()
            facts = gateway.invoices.retrieve(invoice_id)
            intents = (
                [facts.payment_intent_id]
                if facts.payment_intent_id
                else gateway.invoices.payments(invoice_id)
            )
            noted += _noted(database, facts, next(iter(intents), None), now)
        progress(listed)
    return Noted(listed, noted)


@job
def note_open(work: Work, facts: InvoiceFacts, payment_intent_id: str | None) -> bool:
    """Note one open invoice, with the payment that failed; whether it was done.

    It is as old as the invoice, since nobody knows when it was tried last: whatever an event says is newer.
    The subscription's own status belongs to Stripe and stays.
    """
    if facts.status != "open" or work.session.get(Invoice, facts.id) is not None:
        return False
    rows.follow_invoice(
        work,
        facts,
        succeeded=False,
        payment_intent_id=payment_intent_id,
        source="backfill",
        source_id=facts.id,
        at=facts.created,
        subscription_as_of=work.now,
    )
    done = work.session.get(Invoice, facts.id) is not None
    work.count("admin_invoices", int(done))
    return done


def _unknown(database: Database, page: Sequence[InvoiceFacts]) -> Iterator[str]:
    """Those that were tried, are of a subscription of ours, and are not noted."""
    tried = {facts.id: rows.subscription_of(facts) for facts in page if facts.attempt_count}
    named = {subscription_id for subscription_id in tried.values() if subscription_id}
    with reading(database, _WORKER) as view:
        known = set(
            view.session.scalars(
                select(Invoice.stripe_invoice_id).where(Invoice.stripe_invoice_id.in_(sorted(tried)))
            )
        )
        column = Subscription.stripe_subscription_id
        ours = set(view.session.scalars(select(column).where(column.in_(sorted(named)))))
    return (key for key, subscription_id in tried.items() if key not in known and subscription_id in ours)


def _noted(database: Database, facts: InvoiceFacts, payment_intent_id: str | None, now: datetime) -> bool:
    try:
        with working(database, _WORKER, now=now) as work:
            return note_open(work, facts, payment_intent_id)
    except (IntegrityError, Refused):
        return False  # an event of its own came at the same moment, and is what counts
