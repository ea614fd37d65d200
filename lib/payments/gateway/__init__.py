"""Our verbs at Stripe, with typed results and errors for staff. Only this and the sandbox import `stripe`.

Every write takes an idempotency key, so that sending it again within a day cannot do it twice. When a write
fails, `StripeFailed.outcome_known` is False if Stripe may have done it all the same: then ask
(`refunds.find`, `subscriptions.retrieve`) before anything is sent again. No verb belongs inside a database
transaction.

    account.py     Gateway: the key, and the verbs below by object: `gateway.refunds.create(...)`
    refunds.py, subscriptions.py, invoices.py ...   what we ask of Stripe about each kind of object
    lists.py, listed.py   whole lists a page at a time, for comparing them with our rows
    reductions.py  coupons and codes on a subscription; previews.py  invoices that nobody sends
    connection.py  how a request is sent, repeated and paged
    failures.py    what went wrong, for the person at the screen
    signature.py   whether a webhook really comes from Stripe
"""

from lib.payments.gateway.account import Account, Gateway, gateway_of
from lib.payments.gateway.connection import API_VERSION
from lib.payments.gateway.reductions import NewCoupon
from lib.payments.gateway.signature import verify_webhook
from lib.payments.gateway.subscriptions import MARK, PauseBehavior, Proration

__all__ = [
    "API_VERSION",
    "MARK",
    "Account",
    "Gateway",
    "NewCoupon",
    "PauseBehavior",
    "Proration",
    "gateway_of",
    "verify_webhook",
]
