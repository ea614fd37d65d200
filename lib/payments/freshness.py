"""Whether an answer of Stripe's is still how things stand, and how they stand now.

An answer can be old when our rows are to follow it. A worker may have died with it stored, and an event of
what happened later may have been applied meanwhile; and to something that is sent a second time with the same
key, Stripe says what it said the first time.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from lib.core.errors import StripeFailed
from lib.models import Operation, StripeObject
from lib.payments import answers
from lib.payments.events import CreditNoteFacts, Facts, InvoiceFacts, RefundFacts, SubscriptionFacts
from lib.payments.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Passed:
    """What our rows followed since an operation was sent, by the event that it came with."""

    event_id: str | None
    fetched_at: datetime


def passed(session: Session, operation: Operation) -> Passed | None:
    """What our rows follow already that may be newer than the operation's answer; None when nothing is."""
    if operation.answer is None:
        return None
    seen = session.get(StripeObject, _about(answers.from_text(operation.answer)))
    if seen is None or seen.fetched_at is None:
        return None
    sent = operation.sent_at
    return Passed(seen.applied_event_id, seen.fetched_at) if sent is None or seen.fetched_at >= sent else None


def as_it_is(gateway: Gateway, answer: Facts) -> Facts:
    """The object of an answer as Stripe has it now; the answer itself for what only we change, or is gone.

    Raises StripeFailed when Stripe cannot be asked.
    """
    try:
        match answer:
            case RefundFacts():
                return gateway.refunds.retrieve(answer.id)
            case SubscriptionFacts():
                return gateway.subscriptions.retrieve(answer.id)
            case InvoiceFacts():
                return gateway.invoices.retrieve(answer.id)
            case CreditNoteFacts(invoice=InvoiceFacts() as invoice):
                return replace(answer, invoice=gateway.invoices.retrieve(invoice.id))
            case _:
                return answer
    except StripeFailed as failure:
        if failure.code == "resource_missing":
            return answer
        raise


def _about(answer: Facts) -> str:
    """The object whose events our rows follow: of a credit note, its invoice."""
    return answer.invoice.id if isinstance(answer, CreditNoteFacts) and answer.invoice else answer.id
