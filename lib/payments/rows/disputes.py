"""A dispute of ours follows Stripe's: what a bank asks back, and until when evidence is taken."""

from datetime import datetime
from typing import Final

from lib.core.work import Work
from lib.models import Dispute
from lib.payments.events import DisputeFacts
from lib.payments.rows.found import Changes, find_payment, noted

DECIDED: Final = ("won", "lost", "warning_closed", "prevented")
"""Statuses after which nothing more happens: https://docs.stripe.com/api/disputes/object."""

_NO_EVIDENCE_YET: Final = ("needs_response", "warning_needs_response")


def follow_dispute(work: Work, facts: DisputeFacts, *, at: datetime | None = None) -> Changes:
    """Keep what Stripe says of a dispute.

    One that is about no payment of ours is kept as well: its deadline passes all the same. A decided one
    never opens again, and one whose evidence was handed in does not wait for it again, whatever comes late.
    `at`: when the facts came to be.
    """
    moment = at or work.now
    row = work.session.get(Dispute, facts.id)
    if row is None:
        row = Dispute(stripe_dispute_id=facts.id, payment_id=None, opened_at=facts.created or moment)
        work.session.add(row)
    elif _rank(facts.status or "", moment) < _rank(row.status, row.told_at):
        return noted(work)
    status = facts.status or "needs_response"
    before = (row.status, row.evidence_due_at, row.amount_cents, row.reason)
    payment = find_payment(work.session, facts.payment_intent_id, facts.charge_id)
    if payment is not None:
        row.payment_id = payment.id
    row.stripe_charge_id = facts.charge_id or row.stripe_charge_id
    row.stripe_payment_intent_id = facts.payment_intent_id or row.stripe_payment_intent_id
    row.status = status
    row.reason = facts.reason or row.reason
    row.currency = (facts.currency or "usd").upper()
    row.amount_cents = facts.amount or 0
    row.evidence_due_at = facts.evidence_due_by or row.evidence_due_at
    if (row.status, row.evidence_due_at, row.amount_cents, row.reason) != before:
        row.told_at = moment
    return noted(work)


def _rank(status: str, at: datetime) -> tuple[int, datetime]:
    return (2 if status in DECIDED else 0 if status in _NO_EVIDENCE_YET else 1), at
