"""The MRR ledger: what each subscription was, from when on (`subscription_changes`).

How to read it: the rows of one subscription in the order of (`effective_at`, `seq`) are its chain. A row
holds from its `effective_at` until the next row of the chain; the last one holds still. A chain never goes
back in time: what is learnt late takes effect no earlier than the row before it. Of two rows of one moment
the later `seq` counts.

Amounts are annualised integer cents of the row's currency: what the subscription is worth by the price list
and by the price paid while a discount lasts. They state the price in every row, whatever the status; whether
a row counts is for a policy to say by its status. A subscription that is over ends its chain with a
`canceled` row, which is worth nothing to any policy, and whose `cause` says why it ended.

    states.py    a subscription's state, and `record`, which adds a row when the state is another
    history.py   the chain of a subscription that nobody recorded, worked out from its rows
    backfill.py  those chains for every subscription that has none
"""

from lib.payments.ledger.backfill import backfill, begin
from lib.payments.ledger.states import Cause, Source, State, newest, newest_of, record, state_of

__all__ = ["Cause", "Source", "State", "backfill", "begin", "newest", "newest_of", "record", "state_of"]
