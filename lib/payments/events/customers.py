"""Where Stripe keeps each fact about customers, their credit balance, and credit notes."""

from collections.abc import Callable, Mapping

from lib.payments.events.facts import BalanceEntryFacts, CreditNoteFacts, CustomerFacts, Facts
from lib.payments.events.fields import at, first, flag, ident, moment, rows, text, texts, whole
from lib.payments.events.objects import Payload, invoice


def customer(source: Payload, customer_id: str) -> CustomerFacts:
    """A customer; the card's own fields are there when it is expanded.

    `account_balance` was the balance's name until 2019.
    """
    card = at(source, "invoice_settings", "default_payment_method")
    brand = text(at(card, "card", "brand"))
    return CustomerFacts(
        id=customer_id,
        card_id=ident(card),
        card_brand=brand.lower() if brand else None,
        card_last4=text(at(card, "card", "last4")),
        card_exp_month=whole(at(card, "card", "exp_month")),
        card_exp_year=whole(at(card, "card", "exp_year")),
        balance=first(whole(source.get("balance")), whole(source.get("account_balance"))),
        currency=text(source.get("currency")),
        deleted=flag(source.get("deleted")) is True,
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
        livemode=flag(source.get("livemode")),
    )


def balance_entry(source: Payload, entry_id: str) -> BalanceEntryFacts:
    """A movement of a customer's credit balance."""
    return BalanceEntryFacts(
        id=entry_id,
        customer_id=ident(source.get("customer")),
        amount=whole(source.get("amount")),
        ending_balance=whole(source.get("ending_balance")),
        currency=text(source.get("currency")),
        type=text(source.get("type")),
        description=text(source.get("description")),
        invoice_id=ident(source.get("invoice")),
        credit_note_id=ident(source.get("credit_note")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


def credit_note(source: Payload, note_id: str) -> CreditNoteFacts:
    """A credit note, or the preview of one."""
    whole_invoice = source.get("invoice")
    invoice_id = ident(whole_invoice)
    refunds = rows(source.get("refunds"))
    return CreditNoteFacts(
        id=note_id,
        number=text(source.get("number")),
        status=text(source.get("status")),
        invoice_id=invoice_id,
        customer_id=ident(source.get("customer")),
        amount=whole(source.get("amount")),
        pre_payment=whole(source.get("pre_payment_amount")),
        post_payment=whole(source.get("post_payment_amount")),
        refunded=sum(whole(row.get("amount_refunded")) or 0 for row in refunds),
        currency=text(source.get("currency")),
        reason=text(source.get("reason")),
        memo=text(source.get("memo")),
        pdf=text(source.get("pdf")),
        invoice=invoice(whole_invoice, invoice_id)
        if isinstance(whole_invoice, Mapping) and invoice_id
        else None,
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


READERS: dict[str, Callable[[Payload, str], Facts]] = {
    "customer": customer,
    "customer_balance_transaction": balance_entry,
    "credit_note": credit_note,
}
"""Stripe's `object` -> how it is read."""
