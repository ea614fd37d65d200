"""Credit: a customer's balance, and credit notes. Neither is a refund: no money goes back to a card.

A credit balance lowers the next invoices until it is used up. A credit note takes an amount off one invoice:
an open one asks for less, a paid one gives the amount to the balance. Both are given away for good, so they
count against the same limit as the refunds that the actor approves: who has used that up asks a colleague.
"""

from typing import Final

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid, Refused
from lib.core.work import Digest, Work, action
from lib.models import Operation, new_id
from lib.payments import operations
from lib.services import limits
from lib.services.payments.case import customer_of, get, invoice_of, why_not

DIRECTIONS: Final = ("add", "take")
NOTE_REASONS: Final = ("order_change", "duplicate", "product_unsatisfactory", "fraudulent")
"""Stripe's own reasons for a credit note."""


@action(Permission.PAYMENTS_CREDIT, about="payment_transactions")
def change_balance(
    work: Work, payment_id: str, *, direction: str, amount_cents: int, credit_cents: int, reason: str
) -> Operation:
    """Add to the credit balance of a payment's payer, or take from it.

    `amount_cents`: minor units of the payment's currency, more than zero. `credit_cents`: the credit that
    Stripe said they had when this was decided; no more than that is taken, which would be a debt.

    What is added counts against the actor's limit, and every try is kept. Raises Invalid for an amount or
    direction that is none, and Refused beyond that limit, when more would be taken than there is, when the
    payer is no customer at Stripe, or while another operation on the payment is under way.
    """
    payment, credit_id = get(work.session, payment_id), new_id()
    adds = direction == "add" and amount_cents > 0
    attempt = _attempt(work, credit_id, amount_cents, payment.currency) if adds else None
    if direction not in DIRECTIONS:
        raise Invalid(f"Credit is {' or '.join(DIRECTIONS)}, not “{direction[:40]}”.")
    if amount_cents <= 0:
        raise Invalid("The amount must be more than zero.")
    if direction == "take" and amount_cents > credit_cents:
        there = money.show(max(credit_cents, 0), payment.currency)
        raise Refused(f"They have {there} of credit: no more than that can be taken.")
    invoice = invoice_of(work.session, payment)
    customer = customer_of(work.session, payment, invoice)
    if customer is None:
        raise Refused("This person is no customer at Stripe that is known here.")
    if attempt is not None:
        attempt.must_fit()
    return operations.prepare(
        work,
        "customer_balance",
        object_type="payment_transactions",
        object_id=invoice.payment_id if invoice is not None else payment.id,
        relationship_id=payment.relationship_id,
        params={
            "customer_id": customer,
            # At Stripe a credit is a negative balance.
            "amount_cents": -amount_cents if direction == "add" else amount_cents,
            "currency": payment.currency or "USD",
            "description": "Credit from Better Together" if direction == "add" else "Credit taken back",
            "credit_id": credit_id,
        },
        reason=reason,
    )


@action(Permission.PAYMENTS_CREDIT, about="payment_transactions")
def issue_note(
    work: Work,
    payment_id: str,
    *,
    shown: Digest,
    amount_cents: int,
    note_reason: str,
    memo: str = "",
    reason: str,
) -> Operation:
    """Issue a credit note for the payment's invoice.

    `amount_cents`: minor units, at most what the invoice asks for, or of a paid one what was paid.
    `note_reason`: one of `NOTE_REASONS`, told to Stripe. `memo`: printed for the customer.

    It counts against the actor's limit, and every try is kept. Raises Invalid for an amount or reason that
    is none, and Refused beyond that limit, when the invoice changed since it was shown, is neither open nor
    paid, has less left, or while another operation on it is under way.
    """
    payment, credit_id = get(work.session, payment_id), new_id()
    attempt = _attempt(work, credit_id, amount_cents, payment.currency) if amount_cents > 0 else None
    invoice = invoice_of(work.session, payment)
    if invoice is not None:
        work.expect(invoice, shown)
    if (why := why_not("credit_note", invoice, None)) or invoice is None:
        raise Refused(str(why))
    if note_reason not in NOTE_REASONS:
        raise Invalid(f"Stripe knows {', '.join(NOTE_REASONS)} as reasons, not “{note_reason[:40]}”.")
    paid = invoice.status == "paid"
    left = invoice.amount_paid_cents if paid else invoice.amount_remaining_cents
    if not 0 < amount_cents <= left:
        raise Refused(f"A credit note for this invoice is of at most {money.show(left, invoice.currency)}.")
    assert attempt is not None, "refused above"
    attempt.must_fit()
    return operations.prepare(
        work,
        "credit_note",
        object_type="payment_transactions",
        object_id=invoice.payment_id,
        relationship_id=payment.relationship_id,
        params={
            "invoice_id": invoice.stripe_invoice_id,
            "amount_cents": amount_cents,
            "to_balance": paid,
            "reason": note_reason,
            "memo": memo.strip() or None,
            "credit_id": credit_id,
        },
        reason=reason,
    )


def _attempt(work: Work, credit_id: str, amount_cents: int, currency: str | None) -> limits.Attempt:
    return limits.attempt(work, limits.REFUNDS, credit_id, amount_cents, (currency or "USD").upper())
