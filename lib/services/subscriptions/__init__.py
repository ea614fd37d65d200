"""Subscriptions: who pays what for whom, and everything that can be done to one that exists.

    active, trialing, past_due --cancel_at_period_end, cancel_on--> the same, set to cancel --> canceled
    any but canceled           --cancel_now------------> canceled
    set to cancel              --keep------------------> not set to cancel
    active, trialing           --pause-----------------> paused --resume--> active
    billed                     --pause_collection------> the same, bills paused --resume_collection--> billed

Each action only queues an operation: the row follows what Stripe answers. A subscription that is set to
cancel keeps its status and has `canceled_at` filled.

    finding.py   the list
    case.py      one subscription with what a decision needs
    wishes.py    what can be wished for one, and when it cannot be granted
    asking.py    what Stripe says about it, for the page
    ends.py      cancel now, with the period, on a date; keep
    plan_changes.py  another plan, with Stripe's own preview
    pauses.py    the two pauses and their ends
    goodwill.py  a longer trial, free months, bills of nothing; what a role may give
    codes.py     a discount code put on it and taken off
"""

from lib.services.subscriptions.case import PAYMENT_COLUMNS, SubscriptionCase, latest, one, payments, progress
from lib.services.subscriptions.ends import cancel_at_period_end, cancel_now, cancel_on, keep
from lib.services.subscriptions.finding import COLUMNS, STATUSES, plans, subscriptions

__all__ = [
    "COLUMNS",
    "PAYMENT_COLUMNS",
    "STATUSES",
    "SubscriptionCase",
    "cancel_at_period_end",
    "cancel_now",
    "cancel_on",
    "keep",
    "latest",
    "one",
    "payments",
    "plans",
    "progress",
    "subscriptions",
]
