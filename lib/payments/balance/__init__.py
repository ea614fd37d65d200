"""A month's payments, refunds and disputes tied to what moved the balance at Stripe.

moves.py    what our rows say that moved in a time; also what a month's cash is summed from
ties.py     one movement of ours beside Stripe's: matched, another amount, only on one side
missing.py  rows of ours that Stripe's balance does not have
walking.py  the whole month, page by page, resumable, into `admin_reconciled_payments`
"""

from lib.payments.balance.ties import STATES
from lib.payments.balance.walking import Tied, give_up, tie

__all__ = ["STATES", "Tied", "give_up", "tie"]
