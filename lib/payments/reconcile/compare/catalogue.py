"""Prices, coupons and promotion codes at Stripe beside our price list and our codes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from lib.payments.gateway.listed import ListedCoupon, ListedPrice, ListedPromotionCode
from lib.payments.reconcile.finding import Finding, amount
from lib.payments.reconcile.ours import OurCode, OurPrice

_INTERVALS: Final = {"monthly": "month", "annual": "year", "one_time": None, None: None}


def price(listed: ListedPrice, row: OurPrice) -> Iterator[Finding]:
    """What differs between an entry of our price list and Stripe's price."""
    ours = _said(row.price_cents, row.currency, _INTERVALS.get(row.billing_period))
    theirs = _said(listed.unit_amount, listed.currency, listed.interval)
    if listed.unit_amount is not None and ours != theirs:
        difference = abs(listed.unit_amount - row.price_cents)
        yield _of_price(row, "price_amount", ours, theirs, money_cents=difference)
    if listed.active is not None and listed.active != row.is_active:
        yield _of_price(row, "price_switch", _on(row.is_active), _on(listed.active))


def price_unknown(listed: ListedPrice) -> Iterator[Finding]:
    """A price on sale at Stripe that is not in our list."""
    if listed.active:
        yield Finding(
            kind="price_unknown",
            ours=None,
            theirs=_said(listed.unit_amount, listed.currency, listed.interval),
            stripe_id=listed.id,
            currency=(listed.currency or "USD").upper(),
            since=listed.created,
        )


def price_gone(row: OurPrice) -> Iterator[Finding]:
    """An entry of our price list on sale by a price that Stripe does not know."""
    if row.is_active:
        ours = f"{row.name}, {_said(row.price_cents, row.currency, _INTERVALS.get(row.billing_period))}"
        yield _of_price(row, "price_gone", ours, None, money_cents=row.price_cents)


def coupon(listed: ListedCoupon, rows: Sequence[OurCode]) -> Iterator[Finding]:
    """What differs between a coupon and the codes of ours that stand for it."""
    for row in rows:
        ours, theirs = _reduction(row), _reduction_at_stripe(listed)
        if ours is not None and ours != theirs:
            yield _of_code(row, "discount_terms", ours, theirs, stripe_id=listed.id)


def coupon_gone(row: OurCode, now: datetime) -> Iterator[Finding]:
    """A code that works and whose coupon Stripe does not know."""
    if row.works(now):
        yield _of_code(row, "discount_gone", row.code, None, stripe_id=row.coupon_id)


def promotion_code(listed: ListedPromotionCode, row: OurCode, now: datetime) -> Iterator[Finding]:
    """What differs between a promotion code and our row of the same spelling."""
    begun = row.valid_from is None or row.valid_from <= now
    if begun and listed.active is not None and listed.active != row.works(now):
        yield _of_code(
            row, "discount_switch", _works(row.works(now)), _works(listed.active), stripe_id=listed.id
        )
    if listed.times_redeemed is not None and listed.times_redeemed != row.current_uses:
        yield _of_code(
            row,
            "discount_count",
            f"{row.current_uses:,} times",
            f"{listed.times_redeemed:,} times",
            stripe_id=listed.id,
        )


def promotion_code_unknown(listed: ListedPromotionCode) -> Iterator[Finding]:
    """A promotion code that works and is not ours."""
    if listed.active:
        yield Finding(
            kind="discount_unknown",
            ours=None,
            theirs=listed.code,
            stripe_id=listed.id,
            since=listed.created,
        )


def _of_price(row: OurPrice, kind: str, ours: str | None, theirs: str | None, **more: Any) -> Finding:
    return Finding(
        kind=kind,
        ours=ours,
        theirs=theirs,
        stripe_id=row.price_id,
        object_type=row.object_type,
        object_id=row.id,
        currency=row.currency.upper(),
        **more,
    )


def _of_code(
    row: OurCode, kind: str, ours: str | None, theirs: str | None, *, stripe_id: str | None
) -> Finding:
    return Finding(
        kind=kind,
        ours=ours,
        theirs=theirs,
        stripe_id=stripe_id,
        object_type="discount_codes",
        object_id=row.id,
    )


def _said(cents: int | None, currency: str | None, interval: str | None) -> str:
    shown = amount(cents, currency) or "no fixed amount"
    return f"{shown} a {interval}" if interval else shown


def _on(active: bool) -> str:
    return "on sale" if active else "switched off"


def _works(works: bool) -> str:
    return "can be used" if works else "cannot be used"


def _reduction(row: OurCode) -> str | None:
    """What a code takes off; None for a longer trial, which Stripe has no coupon for."""
    if row.discount_type == "percentage":
        return f"{row.discount_value} % off"
    return f"{amount(row.discount_value, 'USD')} off" if row.discount_type == "fixed_amount" else None


def _reduction_at_stripe(listed: ListedCoupon) -> str | None:
    if listed.percent_off is not None:
        return f"{listed.percent_off:g} % off"
    return None if listed.amount_off is None else f"{amount(listed.amount_off, listed.currency)} off"
