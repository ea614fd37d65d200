"""What takes something off a subscription's invoices: coupons and promotion codes put on it, and removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lib.core.errors import StripeFailed
from lib.payments.events import SubscriptionFacts
from lib.payments.events.fields import ident
from lib.payments.gateway.connection import Connection
from lib.payments.gateway.subscriptions import MARK

Duration = Literal["once", "repeating", "forever"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCoupon:
    """A coupon to be made: `percent_off`, or `amount_off` cents of `currency`; `months` where it repeats."""

    id: str
    name: str
    duration: Duration
    percent_off: int | None = None
    amount_off: int | None = None
    currency: str | None = None
    months: int | None = None
    metadata: Mapping[str, str]

    def params(self) -> dict[str, Any]:
        """The parameters of its creation. It can be redeemed once: it is meant for one subscription."""
        given = {
            "id": self.id,
            "name": self.name,
            "duration": self.duration,
            "percent_off": self.percent_off,
            "amount_off": self.amount_off,
            "currency": self.currency.lower() if self.currency else None,
            "duration_in_months": self.months,
            "max_redemptions": 1,
            "metadata": dict(self.metadata),
        }
        return {name: value for name, value in given.items() if value is not None}


class Reductions:
    """Coupons and promotion codes on subscriptions. What was on one before stays on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def promotion_code_id(self, code: str) -> str:
        """The id `promo_…` of the active promotion code with this text; StripeFailed when there is none."""
        rows = self._connection.pages(self._stripe.promotion_codes.list, {"code": code, "active": True})
        found = next((found for row in rows if (found := ident(row))), None)
        if found is None:
            raise StripeFailed(
                f"Stripe has no active promotion code “{code[:60]}”. Look at it under Billing, Discounts."
            )
        return found

    def apply_code(self, subscription_id: str, code: str, *, mark: str, key: str) -> SubscriptionFacts:
        """Let a promotion code take something off from the next invoice on.

        StripeFailed when Stripe has no such active code, or does not accept it for this customer.
        """
        new = {"promotion_code": self.promotion_code_id(code)}
        return self._add(subscription_id, new, mark=mark, key=key)

    def give(self, subscription_id: str, coupon: NewCoupon, *, mark: str, key: str) -> SubscriptionFacts:
        """Make a coupon for this subscription alone, unless it was made before, and put it there."""
        try:
            self._connection.ask(
                self._stripe.coupons.create,
                params=coupon.params(),
                writes=True,
                options={"idempotency_key": f"{key}:coupon"},
            )
        except StripeFailed as failure:
            if failure.code != "resource_already_exists":
                raise
        return self._add(subscription_id, {"coupon": coupon.id}, mark=mark, key=key)

    def remove(self, subscription_id: str, discount_id: str, *, mark: str, key: str) -> SubscriptionFacts:
        """Take the discount `di_…` off a subscription, and leave the others; nothing if it is not there."""
        facts = self._retrieve(subscription_id)
        if all(discount.id != discount_id for discount in facts.discounts):
            return facts
        kept = [{"discount": each.id} for each in facts.discounts if each.id != discount_id]
        return self._set(subscription_id, kept or "", mark=mark, key=key)

    def _add(self, subscription_id: str, new: Mapping[str, str], *, mark: str, key: str) -> SubscriptionFacts:
        there = [{"discount": each.id} for each in self._retrieve(subscription_id).discounts]
        return self._set(subscription_id, [*there, dict(new)], mark=mark, key=key)

    def _retrieve(self, subscription_id: str) -> SubscriptionFacts:
        return self._connection.read(
            SubscriptionFacts,
            self._stripe.subscriptions.retrieve,
            subscription_id,
            params={"expand": ["discounts"]},
        )

    def _set(self, subscription_id: str, discounts: Any, *, mark: str, key: str) -> SubscriptionFacts:
        return self._connection.write(
            SubscriptionFacts,
            self._stripe.subscriptions.update,
            subscription_id,
            params={"discounts": discounts, "metadata": {MARK: mark}, "expand": ["discounts"]},
            key=key,
        )
