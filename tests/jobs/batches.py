"""Batches of codes as somebody asked for them, for the tests of what the worker does with them."""

from typing import Any

from lib.core import moments
from lib.core.database import Database
from lib.payments import operations
from lib.services import discounts
from tests.faults.offer_scenarios import TERMS
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do


def asked_for(database: Database, wanted: int, **over: Any) -> str:
    """A batch of so many codes that nobody has worked on yet."""
    given = {"title": "Spring fair", "prefix": "fair", "at_stripe": False, **TERMS} | {"max_uses": 1} | over
    key: str = do(database, FINANCE, discounts.make_batch, wanted=wanted, reason="Cards", **given)
    return key


def with_coupon(database: Database, stripe: LocalStripe, wanted: int, **over: Any) -> str:
    """The same, with its coupon at Stripe."""
    key = asked_for(database, wanted, **over)
    for waiting in operations.due(database, moments.now()):
        operations.run(database, stripe.gateway, waiting, "worker")
        operations.settle(database, stripe.gateway, waiting)
    return key
