"""Prices, coupons and promotion codes, compared a page at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import and_

from lib.models import DiscountCode
from lib.payments.gateway import Gateway
from lib.payments.gateway.listed import ListedCoupon, ListedPrice, ListedPromotionCode
from lib.payments.reconcile import ours
from lib.payments.reconcile.compare import catalogue
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.parts.part import Mine, Part, Prices, Reading, only_id


def _prices_compared(reading: Reading, page: Sequence[ListedPrice]) -> list[Finding]:
    known = ours.prices(reading.session)
    return [
        finding
        for listed in page
        for finding in (
            catalogue.price(listed, known[listed.id])
            if listed.id in known
            else catalogue.price_unknown(listed)
        )
    ]


def _my_prices(reading: Reading, after: str, limit: int) -> list[Mine]:
    rows = sorted(ours.prices(reading.session).values(), key=lambda row: row.price_id)
    return [Mine(row.price_id, (row.price_id,), row) for row in rows if row.price_id > after][:limit]


def _ask_price(gateway: Gateway, row: ours.OurPrice, _prices: Prices, _now: datetime) -> list[Finding]:
    listed = gateway.lists.price(row.price_id)
    return list(catalogue.price_gone(row) if listed is None else catalogue.price(listed, row))


def _coupons_compared(reading: Reading, page: Sequence[ListedCoupon]) -> list[Finding]:
    rows = ours.codes(reading.session, DiscountCode.stripe_coupon_id.in_([listed.id for listed in page]))
    of_coupon = ours.by(rows, "coupon_id")
    return [finding for listed in page for finding in catalogue.coupon(listed, of_coupon.get(listed.id, []))]


def _my_coupons(reading: Reading, after: str, limit: int) -> list[Mine]:
    rows = ours.codes(
        reading.session, and_(DiscountCode.stripe_coupon_id.is_not(None), DiscountCode.id > after), limit
    )
    return [Mine(row.id, (row.coupon_id or "",), row) for row in rows]


def _ask_coupon(gateway: Gateway, row: ours.OurCode, _prices: Prices, now: datetime) -> list[Finding]:
    listed = gateway.lists.coupon(row.coupon_id or "")
    return list(catalogue.coupon_gone(row, now) if listed is None else catalogue.coupon(listed, [row]))


def _promotion_codes_compared(reading: Reading, page: Sequence[ListedPromotionCode]) -> list[Finding]:
    codes = {listed.code for listed in page if listed.code}
    spelled = DiscountCode.code.in_(sorted(codes | {code.upper() for code in codes}))
    known = {row.code.upper(): row for row in ours.codes(reading.session, spelled)}
    newest_first: dict[str, ListedPromotionCode] = {}
    for listed in page:  # a code may be made anew once it is inactive: the newest one counts
        newest_first.setdefault((listed.code or listed.id).upper(), listed)
    return [
        finding
        for code, listed in newest_first.items()
        for finding in (
            catalogue.promotion_code(listed, known[code], reading.now)
            if code in known
            else catalogue.promotion_code_unknown(listed)
        )
    ]


PRICES: Final = Part(
    "prices",
    "Prices",
    lambda gateway, after, since: gateway.lists.prices(after, since),
    only_id,
    _prices_compared,
    _my_prices,
    _ask_price,
    whole=True,
)


COUPONS: Final = Part(
    "coupons",
    "Coupons",
    lambda gateway, after, since: gateway.lists.coupons(after, since),
    only_id,
    _coupons_compared,
    _my_coupons,
    _ask_coupon,
    whole=True,
)


PROMOTION_CODES: Final = Part(
    "promotion_codes",
    "Promotion codes",
    lambda gateway, after, since: gateway.lists.promotion_codes(after, since),
    only_id,
    _promotion_codes_compared,
    whole=True,
)
