"""What only Stripe knows of a payment, asked for when somebody looks: nothing of it is kept here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lib.core.errors import StripeFailed
from lib.core.listing import Column
from lib.payments.events import BalanceEntryFacts, ChargeFacts, CreditNoteFacts
from lib.payments.gateway import Gateway
from lib.services.payments.case import PaymentCase
from lib.services.payments.reasons import reason_of

TRY_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("amount_cents", "Amount", "money"),
    Column("status", "Status", "status"),
    Column("card", "Card"),
    Column("why", "Why it failed"),
    Column("id", "Stripe charge", "id"),
)
NOTE_COLUMNS: Final = (
    Column("created", "Issued", "moment"),
    Column("amount", "Amount", "money"),
    Column("number", "Number"),
    Column("reason", "Reason", "code"),
    Column("status", "Status", "status"),
)
MOVEMENT_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("given_cents", "Credit", "money"),
    Column("after_cents", "Credit after it", "money"),
    Column("type", "Why", "code"),
    Column("description", "Words"),
)


@dataclass(frozen=True, slots=True)
class Try:
    """One try to take the money. `card` is its brand and last four digits, which is all that is read."""

    id: str
    at: datetime | None
    amount_cents: int | None
    currency: str | None
    status: str | None
    card: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Collected:
    """The tries of a payment, newest first, what Stripe kept of it, and its papers.

    `fee_cents`, `net_cents` are minor units of `settled_currency`, the account's; None until it is settled.
    """

    tries: tuple[Try, ...]
    fee_cents: int | None
    net_cents: int | None
    settled_currency: str | None
    receipt_url: str | None
    invoice_url: str | None
    invoice_pdf: str | None
    credit_notes: tuple[CreditNoteFacts, ...]


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of a credit balance, as the customer sees it: a credit is positive."""

    at: datetime | None
    given_cents: int
    after_cents: int
    currency: str | None
    type: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Credit:
    """What a customer has as credit, in minor units of `currency`, and how it came to be, newest first."""

    cents: int
    currency: str
    movements: tuple[Movement, ...]

    def after(self, direction: str, amount_cents: int) -> int:
        """The credit after an amount was added or taken."""
        return self.cents + (amount_cents if direction == "add" else -amount_cents)


def collected(gateway: Gateway, case: PaymentCase) -> Collected:
    """The tries, fees, receipt and invoice of a payment; raises StripeFailed."""
    tries = _tries(gateway, case)
    paid = next((charge for charge in tries if charge.status == "succeeded"), None)
    invoice = gateway.invoices.retrieve(case.owed.id) if case.owed else None
    notes = gateway.credit_notes.of_invoice(case.owed.id) if case.owed else []
    return Collected(
        tries=tuple(_try(charge) for charge in tries),
        fee_cents=paid.fee if paid else None,
        net_cents=paid.net if paid else None,
        settled_currency=paid.settled_currency if paid else None,
        receipt_url=paid.receipt_url if paid else None,
        invoice_url=invoice.hosted_invoice_url if invoice else None,
        invoice_pdf=invoice.invoice_pdf if invoice else None,
        credit_notes=tuple(notes),
    )


def credit_of(gateway: Gateway, customer_id: str, currency: str) -> Credit:
    """The credit of a customer and its newest movements; raises StripeFailed."""
    customer = gateway.customers.retrieve(customer_id)
    if customer.deleted:
        raise StripeFailed(
            f"Stripe has deleted the customer {customer_id}.", retryable=False, outcome_known=True
        )
    entries = gateway.customers.balance_entries(customer_id)
    return Credit(
        cents=-(customer.balance or 0),
        currency=customer.currency or currency,
        movements=tuple(_movement(entry) for entry in entries),
    )


def note_preview(gateway: Gateway, invoice_id: str, amount_cents: int, *, paid: bool) -> CreditNoteFacts:
    """What Stripe says a credit note would do, changing nothing; raises StripeFailed."""
    return gateway.credit_notes.preview(invoice_id, amount_cents, to_balance=paid)


def _tries(gateway: Gateway, case: PaymentCase) -> list[ChargeFacts]:
    if case.line.stripe_payment_intent_id:
        return gateway.charges.attempts(case.line.stripe_payment_intent_id)
    if case.line.stripe_charge_id:
        return [gateway.charges.with_fees(case.line.stripe_charge_id)]
    return []


def _try(charge: ChargeFacts) -> Try:
    failed = charge.status == "failed"
    reason = reason_of(f"{charge.decline_reason} {charge.failure_message}") if failed else None
    card = f"{charge.card_brand.title()} ···· {charge.card_last4}" if charge.card_brand else None
    return Try(
        id=charge.id,
        at=charge.created,
        amount_cents=charge.amount,
        currency=charge.currency,
        status=charge.status,
        card=card,
        why=reason.why if reason else charge.failure_message,
    )


def _movement(entry: BalanceEntryFacts) -> Movement:
    return Movement(
        at=entry.created,
        given_cents=-(entry.amount or 0),
        after_cents=-(entry.ending_balance or 0),
        currency=entry.currency,
        type=entry.type,
        description=entry.description,
    )
