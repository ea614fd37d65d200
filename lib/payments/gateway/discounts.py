"""Coupons and promotion codes at Stripe."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from lib.payments.events import CouponFacts, PromotionCodeFacts
from lib.payments.gateway.connection import Connection, facts_of


class Discounts:
    """What is taken off, and the texts that customers type for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def create_coupon(
        self,
        coupon_id: str,
        *,
        name: str,
        percent_off: int | None = None,
        amount_off: int | None = None,
        currency: str | None = None,
        duration: str,
        duration_in_months: int | None = None,
        product_ids: Sequence[str] = (),
        metadata: Mapping[str, str],
        key: str,
    ) -> CouponFacts:
        """Make a coupon under an id of ours: a second one fails with the code `resource_already_exists`.

        `amount_off`: cents of `currency`. `product_ids`: what it is for; everything where empty.
        """
        given = {
            "percent_off": percent_off,
            "amount_off": amount_off,
            "currency": currency,
            "duration_in_months": duration_in_months,
            "applies_to": {"products": list(product_ids)} if product_ids else None,
        }
        params: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        params |= {"id": coupon_id, "name": name, "duration": duration, "metadata": dict(metadata)}
        return self._connection.write(CouponFacts, self._stripe.coupons.create, params=params, key=key)

    def coupon(self, coupon_id: str) -> CouponFacts:
        """The coupon as it is now, with how often it was redeemed."""
        return self._connection.read(CouponFacts, self._stripe.coupons.retrieve, coupon_id)

    def create_code(
        self,
        *,
        coupon_id: str,
        code: str,
        max_redemptions: int | None = None,
        expires_at: datetime | None = None,
        first_time_only: bool = False,
        metadata: Mapping[str, str],
        key: str,
    ) -> PromotionCodeFacts:
        """Make a promotion code; of one text, in any case of letters, one at most can be active.

        `metadata`: carries what `codes` finds it by. Its limit and its end can never be changed.
        """
        params: dict[str, Any] = {
            "promotion": {"type": "coupon", "coupon": coupon_id},
            "code": code,
            "metadata": dict(metadata),
        }
        if max_redemptions is not None:
            params["max_redemptions"] = max_redemptions
        if expires_at is not None:
            params["expires_at"] = int(expires_at.timestamp())
        if first_time_only:
            params["restrictions"] = {"first_time_transaction": True}
        create = self._stripe.promotion_codes.create
        return self._connection.write(PromotionCodeFacts, create, params=params, key=key)

    def codes(self, *, code: str | None = None, coupon_id: str | None = None) -> Iterator[PromotionCodeFacts]:
        """The promotion codes with a text, of a coupon, or both; active or not, newest first."""
        given = {"code": code, "coupon": coupon_id}
        params = {name: value for name, value in given.items() if value is not None}
        for row in self._connection.pages(self._stripe.promotion_codes.list, params):
            yield facts_of(PromotionCodeFacts, row)

    def switch(self, promotion_code_id: str, active: bool, *, key: str) -> PromotionCodeFacts:
        """Switch a promotion code on or off; one that is used up or over cannot be switched on.

        When the outcome is unknown, `codes` says so in `active`.
        """
        return self._connection.write(
            PromotionCodeFacts,
            self._stripe.promotion_codes.update,
            promotion_code_id,
            params={"active": active},
            key=key,
        )
