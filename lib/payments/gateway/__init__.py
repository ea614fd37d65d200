"""Our verbs at Stripe, with typed results and errors for staff. Only this and the sandbox import `stripe`.

Every write takes an idempotency key, so that sending it again within a day cannot do it twice. When a write
fails, `StripeFailed.outcome_known` is False if Stripe may have done it all the same: then ask (`find_refund`,
`retrieve_subscription`) before anything is sent again. No verb belongs inside a database transaction.

    verbs.py       Gateway: what we ask of Stripe
    connection.py  how a request is sent, repeated and paged
    failures.py    what went wrong, for the person at the screen
    signature.py   whether a webhook really comes from Stripe
"""

from lib.payments.gateway.connection import API_VERSION
from lib.payments.gateway.signature import verify_webhook
from lib.payments.gateway.verbs import Account, Gateway

__all__ = ["API_VERSION", "Account", "Gateway", "verify_webhook"]
