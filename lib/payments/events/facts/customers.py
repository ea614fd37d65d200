"""Who pays, and the credit that they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lib.payments.events.facts.payments import InvoiceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """Who pays.

    `card_id`: `pm_…`, the card that subscriptions are charged to; brand, last four digits and the last month
    that it is good for only when it is expanded. No name, address or e-mail is read.
    `balance`: cents; a credit is negative. `deleted`: Stripe keeps an id of it, and nothing else.
    """

    id: str
    card_id: str | None
    card_brand: str | None
    card_last4: str | None
    card_exp_month: int | None
    card_exp_year: int | None
    balance: int | None
    currency: str | None
    deleted: bool
    metadata: Mapping[str, str]
    created: datetime | None
    livemode: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceEntryFacts:
    """One movement of a customer's credit balance (`cbtxn_…`).

    `amount`: cents, negative for a credit to the customer. `ending_balance`: the balance after it.
    `type`: adjustment, applied_to_invoice, unapplied_from_invoice, credit_note ...
    """

    id: str
    customer_id: str | None
    amount: int | None
    ending_balance: int | None
    currency: str | None
    type: str | None
    description: str | None
    invoice_id: str | None
    credit_note_id: str | None
    metadata: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteFacts:
    """A credit note: it lowers what an invoice asks for, or, of a paid one, is credited to the customer.

    `pre_payment`: cents taken off what the invoice still asks for. `post_payment`:
    cents given for what was paid already; `refunded` of them go back as money, which no credit note of ours
    does, and the rest to the credit balance. `invoice`: as it is after the note, when expanded.
    """

    id: str
    number: str | None
    status: str | None
    invoice_id: str | None
    customer_id: str | None
    amount: int | None
    pre_payment: int | None
    post_payment: int | None
    refunded: int | None
    currency: str | None
    reason: str | None
    memo: str | None
    pdf: str | None
    invoice: InvoiceFacts | None
    metadata: Mapping[str, str]
    created: datetime | None
