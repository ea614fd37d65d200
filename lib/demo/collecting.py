"""What Stripe told of invoices and disputes lately, as the inbox keeps it: what is owed, what banks want."""

from collections.abc import Sequence
from zlib import crc32

from lib.demo.book import Book
from lib.demo.clock import DAY, sql_form
from lib.demo.ids import stripe_id
from lib.demo.life import Invoice
from lib.demo.payloads import dispute as dispute_payload
from lib.demo.people import Couple
from lib.demo.purchases import Paid
from lib.demo.webhooks import Webhooks

_DISPUTES = (
    # Opened so many days ago, evidence due in so many days, why, and how far it is.
    (6, 3, "fraudulent", "needs_response"),
    (2, 12, "product_not_received", "needs_response"),
    (21, -4, "subscription_canceled", "under_review"),
    (55, -40, "fraudulent", "lost"),
)


class Collecting:
    """Writes the invoices that the inbox has heard of, and a few disputes."""

    def __init__(self, book: Book, webhooks: Webhooks, horizon: int) -> None:
        self._book = book
        self._webhooks = webhooks
        self._horizon = horizon

    def invoice(self, key: str, couple: Couple, bill: Invoice, payment: Paid | None) -> None:
        """Note an invoice after its last try, if Stripe's event about it is recent enough to be kept."""
        if payment is None or not self._webhooks.wants(bill.attempts[-1].moment):
            return
        paid = bill.status == "paid"
        self._book.write(
            "admin_invoices",
            stripe_invoice_id=key,
            payment_id=payment.id,
            stripe_customer_id=couple.customer,
            status=bill.status,
            currency="USD",
            amount_due_cents=bill.amount,
            amount_paid_cents=bill.amount if paid else 0,
            amount_remaining_cents=0 if paid else bill.amount,
            attempt_count=len(bill.attempts),
            next_attempt_at=sql_form(bill.next_attempt) if bill.next_attempt else None,
            issued_at=sql_form(bill.period_start),
            told_at=sql_form(bill.attempts[-1].moment),
        )

    def disputes(self, payments: Sequence[Paid]) -> None:
        """Let banks ask some payments back; each is of a payment made before the dispute was opened."""
        left = list(payments)
        for ago, due, reason, status in _DISPUTES:
            opened = self._horizon - ago * DAY
            fitting = [paid for paid in left if opened - 60 * DAY < paid.purchase.moment < opened - DAY]
            if fitting:
                left.remove(fitting[-1])
                self._dispute(fitting[-1], opened, self._horizon + due * DAY, reason, status)

    def _dispute(self, paid: Paid, opened: int, due: int, reason: str, status: str) -> None:
        key = stripe_id("dp", paid.id)
        told = opened if status == "needs_response" else min(due, self._horizon - DAY)
        self._book.write(
            "admin_disputes",
            stripe_dispute_id=key,
            payment_id=paid.id,
            stripe_charge_id=paid.charge,
            stripe_payment_intent_id=paid.intent,
            status=status,
            reason=reason,
            currency="USD",
            amount_cents=paid.purchase.amount,
            evidence_due_at=sql_form(due),
            opened_at=sql_form(opened),
            told_at=sql_form(told),
        )
        self._book.at_stripe(
            "dispute",
            id=key,
            created=opened,
            amount=paid.purchase.amount,
            charge=paid.charge,
            payment_intent=paid.intent,
            status=status,
            reason=reason,
            evidence_due_by=due,
            closed_at=told if status == "lost" else None,
        )
        if self._webhooks.wants(opened):
            payload = dispute_payload(key, paid, opened, due, reason)
            self._webhooks.deliver("charge.dispute.created", opened, "dispute", payload)


def has_new_card(couple: Couple) -> bool:
    """Whether a couple whose payment failed has entered another card since: one in three, by its id."""
    return crc32(couple.customer.encode()) % 3 == 0


def credit_of(couple: Couple) -> int:
    """Cents of credit that a couple has at Stripe: ten dollars for one in forty, by its id."""
    return 1000 if crc32(couple.customer.encode()) % 40 == 7 else 0
