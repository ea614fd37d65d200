"""What is done with an invoice that was not paid.

    open --retry-----------> paid, or open with one try more
    open --write_off-------> uncollectible: owed, and nobody expects it any more
    open, uncollectible --void--> void: a mistake, nobody owes it

Each of these only queues an operation: our rows follow what Stripe answers.
"""

from datetime import timedelta
from typing import Any, Final

from lib.core.access import Permission
from lib.core.errors import Refused
from lib.core.work import Digest, Work, action
from lib.models import Invoice, Operation, Payment
from lib.payments import operations
from lib.services.payments.case import Wish, get, invoice_of, why_not

_CLOCKS_DIFFER_BY: Final = timedelta(minutes=2)


@action(Permission.PAYMENTS_COLLECT, about="payment_transactions")
def retry(work: Work, payment_id: str, *, shown: Digest, reason: str) -> Operation:
    """Charge the card for an open invoice now, beside Stripe's own tries.

    Raises Refused when the invoice changed since it was shown, is not open, or while another operation on it
    is under way.
    """
    payment, invoice = _checked(work, "retry", payment_id, shown)
    tried = {"attempt_count": invoice.attempt_count}
    return _prepare(work, "invoice_retry", payment, invoice, reason, **tried)


@action(Permission.PAYMENTS_COLLECT, about="payment_transactions")
def send(work: Work, payment_id: str, *, shown: Digest, reason: str) -> Operation:
    """Have Stripe mail the invoice to the customer, with the page where it can be paid.

    Raises Refused when the invoice changed since it was shown, is a draft or void, or while another operation
    on it is under way.
    """
    payment, invoice = _checked(work, "send", payment_id, shown)
    since = (work.now - _CLOCKS_DIFFER_BY).isoformat()
    return _prepare(work, "invoice_send", payment, invoice, reason, since=since)


@action(Permission.PAYMENTS_CREDIT, about="payment_transactions")
def void(work: Work, payment_id: str, *, shown: Digest, reason: str) -> Operation:
    """Declare an invoice a mistake: nobody owes it, and Stripe tries no more. It cannot be undone.

    Raises Refused when the invoice changed since it was shown, is neither open nor uncollectible, or while
    another operation on it is under way.
    """
    payment, invoice = _checked(work, "void", payment_id, shown)
    return _prepare(work, "invoice_void", payment, invoice, reason)


@action(Permission.PAYMENTS_CREDIT, about="payment_transactions")
def write_off(work: Work, payment_id: str, *, shown: Digest, reason: str) -> Operation:
    """Mark an open invoice as uncollectible: it counts as bad debt, and Stripe tries no more.

    Raises Refused when the invoice changed since it was shown, is not open, or while another operation on it
    is under way.
    """
    payment, invoice = _checked(work, "write_off", payment_id, shown)
    return _prepare(work, "invoice_uncollectible", payment, invoice, reason)


def _checked(work: Work, wish: Wish, payment_id: str, shown: Digest) -> tuple[Payment, Invoice]:
    payment = get(work.session, payment_id)
    invoice = invoice_of(work.session, payment)
    if invoice is not None:
        work.expect(invoice, shown)
    if (why := why_not(wish, invoice, None)) or invoice is None:
        raise Refused(str(why))
    return payment, invoice


def _prepare(
    work: Work, kind: str, payment: Payment, invoice: Invoice, reason: str, **more: Any
) -> Operation:
    return operations.prepare(
        work,
        kind,
        object_type="payment_transactions",
        object_id=invoice.payment_id,
        relationship_id=payment.relationship_id,
        params={"invoice_id": invoice.stripe_invoice_id, **more},
        reason=reason,
    )
