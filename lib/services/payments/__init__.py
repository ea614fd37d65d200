"""Payments: what couples paid or could not pay, what is owed, what banks ask back, and what is done about it.

balances.py      how much of a payment can still be given back
transactions.py  the list of all payments
failed.py        the work list of what could not be collected
disputes.py      what banks ask back, the nearest deadline first
reasons.py       why a card was refused, in plain words
case.py          one payment with everything that a decision needs
invoices.py      retry, send again, void, write off
credit.py        the credit balance and credit notes, which are no refunds
at_stripe.py     what only Stripe knows of a payment: its tries, fees, receipt and PDF
"""

from lib.services.payments.balances import (
    SHOWN,
    Asked,
    Balance,
    PaymentLine,
    balance_of,
    disputed_payment,
    is_disputed,
    line_of,
    of_couple,
    of_person,
    one,
    refunds_of,
    why_not_refundable,
)

__all__ = [
    "SHOWN",
    "Asked",
    "Balance",
    "PaymentLine",
    "balance_of",
    "disputed_payment",
    "is_disputed",
    "line_of",
    "of_couple",
    "of_person",
    "one",
    "refunds_of",
    "why_not_refundable",
]
