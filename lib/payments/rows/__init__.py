"""Our rows follow Stripe's facts, the same way whoever brings them: an event, or the answer to a request.

    found.py          which row of ours an object of Stripe's is about
    subscriptions.py  a subscription's status, period, plan and end
    begun.py          the row of a subscription that an operation of ours began
    gifts.py          a gift that its giver has paid
    addons.py         an add-on that is paid again and again
    reductions.py     what the coupons on it take off
    redemptions.py    a code that staff put on one was redeemed
    payments.py       an invoice that was paid or not, or is closed; a charge that was given back
    invoices.py       what is owed on an invoice, and when it is tried next
    disputes.py       a payment that a bank asks back
    refunds.py        a refund that arrived, is under way, or came back
    offers.py         codes, and the prices of plans and add-ons

Every `follow_*` runs inside an action: it reads, sets what Stripe says, flushes, and returns what changed as
`{"table/id": {"column": [before, after]}}`, empty when our rows said so already. None means that no row of
ours is about the object (yet). Facts are set and never added up, so following twice changes nothing.
"""

from lib.payments.rows.addons import follow_addon
from lib.payments.rows.disputes import follow_dispute
from lib.payments.rows.found import Changes, find_payment, find_subscription, noted
from lib.payments.rows.gifts import follow_gift
from lib.payments.rows.offers import (
    follow_batch_coupon,
    follow_price,
    follow_promotion_code,
    switch_code,
)
from lib.payments.rows.payments import follow_charge, follow_closed_invoice, follow_invoice, subscription_of
from lib.payments.rows.redemptions import note_redemption
from lib.payments.rows.reductions import off_by_code
from lib.payments.rows.refunds import follow_refund
from lib.payments.rows.subscriptions import STATUSES, follow_subscription

__all__ = [
    "STATUSES",
    "Changes",
    "find_payment",
    "find_subscription",
    "follow_addon",
    "follow_batch_coupon",
    "follow_charge",
    "follow_closed_invoice",
    "follow_dispute",
    "follow_gift",
    "follow_invoice",
    "follow_price",
    "follow_promotion_code",
    "follow_refund",
    "follow_subscription",
    "note_redemption",
    "noted",
    "off_by_code",
    "subscription_of",
    "switch_code",
]
