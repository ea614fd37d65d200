"""Whole lists at Stripe, a page at a time, and whether Stripe knows one object of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from lib.core.errors import StripeFailed
from lib.payments.events import Event, RefundFacts, SubscriptionFacts, read_event
from lib.payments.gateway import listed
from lib.payments.gateway.connection import Connection, facts_of

T = TypeVar("T")

_WITH_CHARGE: Final = "latest_charge"


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """Part of a list, newest first; `after` is the cursor of the next page, None on the last one."""

    items: tuple[T, ...]
    after: str | None


class Lists:
    """Every object of a kind. A cursor is the id that Stripe calls `starting_after`; None is the beginning.

    `since`: only what was made from then on. A page asks Stripe once. StripeFailed with the code
    `resource_missing` means that the cursor's object was deleted meanwhile.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def customers(self, after: str | None, since: datetime | None) -> ListPage[listed.ListedCustomer]:
        """Customers that were not deleted."""
        return self._page(self._stripe.customers.list, listed.customer, after, since)

    def subscriptions(self, after: str | None, since: datetime | None) -> ListPage[SubscriptionFacts]:
        """Subscriptions, ended ones too."""
        return self._page(
            self._stripe.subscriptions.list,
            lambda row: facts_of(SubscriptionFacts, row),
            after,
            since,
            status="all",
        )

    def payments(self, after: str | None, since: datetime | None) -> ListPage[listed.ListedPayment]:
        """Payment intents with their latest charge."""
        return self._page(
            self._stripe.payment_intents.list, listed.payment, after, since, expand=[f"data.{_WITH_CHARGE}"]
        )

    def refunds(self, after: str | None, since: datetime | None) -> ListPage[RefundFacts]:
        """Refunds of every payment."""
        return self._page(self._stripe.refunds.list, lambda row: facts_of(RefundFacts, row), after, since)

    def prices(self, after: str | None, since: datetime | None) -> ListPage[listed.ListedPrice]:
        """Prices, switched on or off."""
        return self._page(self._stripe.prices.list, listed.price, after, since)

    def coupons(self, after: str | None, since: datetime | None) -> ListPage[listed.ListedCoupon]:
        """Coupons, valid or not."""
        return self._page(self._stripe.coupons.list, listed.coupon, after, since)

    def promotion_codes(
        self, after: str | None, since: datetime | None
    ) -> ListPage[listed.ListedPromotionCode]:
        """Promotion codes, active or not."""
        return self._page(self._stripe.promotion_codes.list, listed.promotion_code, after, since)

    def events(self, after: str | None, since: datetime | None, *, types: Iterable[str]) -> ListPage[Event]:
        """Events of at most 20 types; Stripe keeps 30 days."""
        return self._page(self._stripe.events.list, read_event, after, since, types=sorted(types))

    def balance_transactions(
        self, after: str | None, since: datetime, until: datetime
    ) -> ListPage[listed.BalanceTransaction]:
        """What moved the balance from `since` on and before `until`, with the object that moved it."""
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        return self._page(
            self._stripe.balance_transactions.list,
            listed.balance_transaction,
            after,
            None,
            created=created,
            expand=["data.source"],
        )

    def customer(self, customer_id: str) -> listed.ListedCustomer | None:
        """One customer; None when Stripe does not know it or it was deleted."""
        source = self._one(self._stripe.customers.retrieve, customer_id)
        return None if source is None or source.get("deleted") else listed.customer(source)

    def payment(self, payment_id: str) -> listed.ListedPayment | None:
        """One payment by `pi_…`, or by `ch_…` from before payment intents; None when Stripe knows none."""
        if not payment_id.startswith("pi_"):
            source = self._one(self._stripe.charges.retrieve, payment_id)
            return None if source is None else listed.charge(source)
        source = self._one(
            self._stripe.payment_intents.retrieve, payment_id, params={"expand": [_WITH_CHARGE]}
        )
        return None if source is None else listed.payment(source)

    def price(self, price_id: str) -> listed.ListedPrice | None:
        """One price; None when Stripe does not know it."""
        source = self._one(self._stripe.prices.retrieve, price_id)
        return None if source is None else listed.price(source)

    def coupon(self, coupon_id: str) -> listed.ListedCoupon | None:
        """One coupon; None when Stripe does not know it or it was deleted."""
        source = self._one(self._stripe.coupons.retrieve, coupon_id)
        return None if source is None or source.get("deleted") else listed.coupon(source)

    def _page(
        self,
        send: Callable[..., Any],
        read: Callable[[Mapping[str, Any]], T],
        after: str | None,
        since: datetime | None,
        **params: Any,
    ) -> ListPage[T]:
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        rows, more = self._connection.page(send, params, after)
        return ListPage(tuple(read(row) for row in rows), rows[-1]["id"] if more else None)

    def _one(self, send: Callable[..., Any], object_id: str, **given: Any) -> dict[str, Any] | None:
        try:
            return self._connection.ask(send, object_id, **given)
        except StripeFailed as error:
            if error.code == "resource_missing":
                return None
            raise
