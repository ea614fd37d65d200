"""The month close: a month's figures frozen, restated and tied to Stripe, with their files and rates.

lines.py           what is frozen, as data, with its words; differences
recurring.py       recurring revenue of the month, from the daily roll-ups
cash.py            payments, refunds, disputes and fees of the month
standing.py        the month as it would be frozen now
versions.py        what was frozen, beside what it would be now
closes.py          freeze, restate
late.py            what came after the freeze: ledger entries and payments
reconciliation.py  the month's payments in Stripe's balance
rates.py           exchange rates
files/             the version's CSV and PDF
"""

from lib.services.month_close.closes import freeze, restate
from lib.services.month_close.versions import closable_months, of_month, version

__all__ = ["closable_months", "freeze", "of_month", "restate", "version"]
