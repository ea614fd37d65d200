"""The inbox: what Stripe tells us is stored at once, and applied afterwards, until our rows say the same.

    receive --> received --apply--> applied
                    |  ^              (our rows follow, or said so already)
                    |  +-- no row of ours yet, or it failed: tried again later, less and less often
                    +--> unmatched    no row of ours came
                    +--> parked       it went on failing; the error is kept, a person may replay it
        +---------> ignored           a type that this product does not act on

Events come twice, late and out of order. So an event counts once, by its id; its object is asked for anew
rather than believed, once for all of its waiting events and under a lease; where it cannot be asked for, the
payload counts if it is newer than what was applied last; amounts are set, never added. What Stripe has told
of several objects is applied in one transaction, with an audit entry for each. If that fails, each is applied
alone: one event that fails holds up no other.

The event itself stands in production's `stripe_webhooks`. With STRIPE_WEBHOOKS=receive the endpoint is ours
and so is that log; with `observe` the app fills it, we `discover` what is new there and never write to it.

    intake.py    storing what came
    leases.py    who works on which object, what is due, and putting off what failed
    pictures.py  an object as it is at Stripe now
    asking.py    asking about several objects at once, in an order that no older picture spoils
    applying.py  one event, or one object, applied in one transaction
    due.py       everything that is due
    replays.py   applying events again: a dry run first, then exactly what it showed
    differences.py   what a dry run shows, so that two of them can be compared
    gaps.py      events that Stripe lists and that never came
"""

from lib.payments.inbox.due import Applied, apply_due, apply_event
from lib.payments.inbox.gaps import EVENTS_KEPT, Fetched, fetch_missing
from lib.payments.inbox.intake import discover, receive
from lib.payments.inbox.leases import BACKOFF, TRIES, TRIES_TO_MATCH
from lib.payments.inbox.replays import advance

__all__ = [
    "BACKOFF",
    "EVENTS_KEPT",
    "TRIES",
    "TRIES_TO_MATCH",
    "Applied",
    "Fetched",
    "advance",
    "apply_due",
    "apply_event",
    "discover",
    "fetch_missing",
    "receive",
]
