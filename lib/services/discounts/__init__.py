"""Discount codes: what they give, to whom, how often; who used them, what it cost, and whether they stayed.

terms.py       what a code gives, checked, in words and in Stripe's
codes.py       the lists; making, changing and switching one code
case.py        one code with what became of it, ours against Stripe's
batches.py     up to 100,000 unique codes, made by the worker
switching_off.py  a whole batch switched off, by the worker
staying.py     whether those who redeemed it stayed, compared with others
redeeming.py   whether a couple may use a code
"""

from lib.services.discounts.batches import (
    PER_SECOND,
    Batch,
    batch,
    batch_progress,
    batches,
    make_batch,
    of_batch,
    resume_batch,
    stop_batch,
    time_at_stripe,
)
from lib.services.discounts.case import (
    GIVEN,
    MRR_OFF,
    NOT_THERE,
    STRIPE_COLUMNS,
    AtStripe,
    Discount,
    at_stripe,
    one,
    progress,
)
from lib.services.discounts.codes import (
    SWITCHES,
    change,
    codes,
    create,
    redemptions,
    send_again,
    switch_off,
    switch_on,
)
from lib.services.discounts.staying import NOBODY, STAYED, STAYED_COLUMNS, stayed
from lib.services.discounts.switching_off import (
    SwitchOffCase,
    resume_switch_off,
    stop_switch_off,
    switch_batch_off,
    switch_off_case,
    switch_off_progress,
)
from lib.services.discounts.terms import APPLIES_TO, DURATIONS, KINDS, plans

__all__ = [
    "APPLIES_TO",
    "DURATIONS",
    "GIVEN",
    "KINDS",
    "MRR_OFF",
    "NOBODY",
    "NOT_THERE",
    "PER_SECOND",
    "STAYED",
    "STAYED_COLUMNS",
    "STRIPE_COLUMNS",
    "SWITCHES",
    "AtStripe",
    "Batch",
    "Discount",
    "SwitchOffCase",
    "at_stripe",
    "batch",
    "batch_progress",
    "batches",
    "change",
    "codes",
    "create",
    "make_batch",
    "of_batch",
    "one",
    "plans",
    "progress",
    "redemptions",
    "resume_batch",
    "resume_switch_off",
    "send_again",
    "stayed",
    "stop_batch",
    "stop_switch_off",
    "switch_batch_off",
    "switch_off",
    "switch_off_case",
    "switch_off_progress",
    "switch_on",
    "time_at_stripe",
]
