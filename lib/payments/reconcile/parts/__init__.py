"""What is compared, part by part: how Stripe's list is read, what it is held against, and what it lacked.

Each part has two stages. `theirs`: Stripe's list, page by page, each page beside the rows that it names.
`ours`: our rows in the order of their ids; those that Stripe did not list are asked for one by one, because a
list that was read for hours proves nothing about a single object.
"""

from typing import Final

from lib.payments.reconcile.parts.catalogue import COUPONS, PRICES, PROMOTION_CODES
from lib.payments.reconcile.parts.events import EVENTS
from lib.payments.reconcile.parts.part import Mine, Part, Prices, Reading
from lib.payments.reconcile.parts.payments import PAYMENTS, REFUNDS
from lib.payments.reconcile.parts.subscriptions import CUSTOMERS, SUBSCRIPTIONS

__all__ = ["PARTS", "Mine", "Part", "Prices", "Reading"]

PARTS: Final = (
    PRICES,
    COUPONS,
    PROMOTION_CODES,
    CUSTOMERS,
    SUBSCRIPTIONS,
    PAYMENTS,
    REFUNDS,
    EVENTS,
)
"""In this order: what others refer to comes first. The price list and the codes are always read whole."""
