"""Bringing an entry and Stripe into step: made there, given a new price, or its price taken over."""

from typing import Final

from lib.core.access import Permission
from lib.core.errors import Invalid, Refused
from lib.core.work import Digest, Work, action
from lib.models import Addon, Operation, SubscriptionPlan, new_id
from lib.payments import operations
from lib.services.catalogue.entries import INTERVALS, currency_of, found, name_of

_HIGHEST: Final = 999_999_99  # Stripe takes eight digits


@action(Permission.CATALOGUE_WRITE)
def create(work: Work, table: str, key: str, *, shown: Digest, reason: str) -> Operation:
    """Make the product and the price of an entry at Stripe, as far as they are missing there.

    Raises NotFound without such an entry, Refused when it changed since it was shown, is not on offer, or
    while Stripe is at work on it.
    """
    row = _expected(work, table, key, shown)
    if not row.is_active:
        raise Refused("It is not on offer, so nothing is made for it at Stripe.")
    return _prepare(work, "catalogue_create", row, row.price_cents, reason)


@action(Permission.CATALOGUE_WRITE)
def new_price(work: Work, table: str, key: str, *, price_cents: int, shown: Digest, reason: str) -> Operation:
    """Let an entry cost `price_cents` for whoever buys it from now on; who has it keeps the price before.

    With the price of the row, Stripe follows it where the two differ. Raises NotFound without such an entry,
    Invalid for an amount that is none, Refused when it changed since it was shown, has no product at Stripe,
    or while Stripe is at work on it.
    """
    row = _expected(work, table, key, shown)
    if not 1 <= price_cents <= _HIGHEST:
        raise Invalid("A price is more than nothing and has eight digits at most.")
    if row.stripe_product_id is None:
        raise Refused("It has no product at Stripe yet: make it there first.")
    return _prepare(work, "catalogue_new_price", row, price_cents, reason)


@action(Permission.CATALOGUE_WRITE)
def adopt_price(work: Work, table: str, key: str, *, shown: Digest, reason: str) -> Operation:
    """Take over the amount that the entry's price has at Stripe; nothing changes there.

    Raises NotFound without such an entry, Refused when it changed since it was shown, names no price at
    Stripe, or while Stripe is at work on it.
    """
    row = _expected(work, table, key, shown)
    if row.stripe_price_id is None:
        raise Refused("It names no price at Stripe.")
    return operations.prepare(
        work,
        "catalogue_adopt_price",
        object_type=table,
        object_id=key,
        relationship_id=None,
        params={"price_id": row.stripe_price_id},
        reason=reason,
    )


def _prepare(
    work: Work, kind: str, row: SubscriptionPlan | Addon, price_cents: int, reason: str
) -> Operation:
    period = row.billing_period or "one_time"
    if period not in INTERVALS:
        raise Invalid(f"The billing period “{period}” is not one that Stripe can bill.")
    return operations.prepare(
        work,
        kind,
        object_type=str(row.__tablename__),
        object_id=row.id,
        relationship_id=None,
        params={
            "catalogue_id": row.id,
            "product_id": row.stripe_product_id or f"prod_{row.id}",
            "name": name_of(row),
            "unit_amount": price_cents,
            "currency": currency_of(row),
            "interval": INTERVALS[period],
            "old_price_id": row.stripe_price_id,
            "revision": new_id(),
        },
        reason=reason,
    )


def _expected(work: Work, table: str, key: str, shown: Digest) -> SubscriptionPlan | Addon:
    row = found(work.session, table, key)
    work.about(table, key)
    work.expect(row, shown)
    return row
