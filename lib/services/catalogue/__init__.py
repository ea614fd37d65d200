"""The catalogue: plans and add-ons against the products and prices at Stripe.

A price's amount never changes at Stripe. A new price is made, the row here points to it, and the one before
is archived: who has it keeps it, and only who buys from now on pays the new one.

    entries.py     plans and add-ons as they stand here
    comparing.py   what Stripe says about them
    changing.py    making what is missing there, a new price, taking Stripe's price over
"""

from lib.services.catalogue.changing import adopt_price, create, new_price
from lib.services.catalogue.comparing import (
    ABOUT,
    LINE_COLUMNS,
    STRAY_COLUMNS,
    STRAYS,
    Comparison,
    Line,
    compare,
    compare_one,
    unasked,
    why_not,
)
from lib.services.catalogue.entries import Entry, entries, one, progress

__all__ = [
    "ABOUT",
    "LINE_COLUMNS",
    "STRAYS",
    "STRAY_COLUMNS",
    "Comparison",
    "Entry",
    "Line",
    "adopt_price",
    "compare",
    "compare_one",
    "create",
    "entries",
    "new_price",
    "one",
    "progress",
    "unasked",
    "why_not",
]
