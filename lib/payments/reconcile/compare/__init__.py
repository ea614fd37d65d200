"""Stripe's facts beside our rows: pure functions that give what differs, and touch nothing.

    subscriptions.py   a subscription, its plan, price, period and end; add-ons; customers
    payments.py        a payment and what went back of it; refunds
    catalogue.py       prices, coupons and promotion codes

The rules of what counts as equal are those of `lib.payments.rows`, which makes our rows equal: what it would
leave as it is, is no drift here.
"""
