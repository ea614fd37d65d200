"""What a page of a list says about customers, payments, prices, coupons, codes and the balance.

Less than the facts of a single object: only what is compared with our rows. Amounts are integers in the
currency's smallest unit, moments aware UTC, and None means that the shape does not say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lib.payments.events.fields import at, first, flag, ident, moment, text, texts, whole

PaymentStatus = Literal["succeeded", "pending", "failed", "canceled"]

_STATUSES: Mapping[str, PaymentStatus] = {"succeeded": "succeeded", "canceled": "canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCustomer:
    """A customer: `email` as it was typed, `metadata` as the app set it."""

    id: str
    email: str | None
    metadata: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPayment:
    """A payment intent with its latest charge, which is the one that paid it.

    `status`: `failed` while the latest try was declined and another may follow. `refunded`: cents given back
    so far. `id` is `pi_…`; for a charge from before payment intents it is None.
    """

    id: str | None
    charge_id: str | None
    customer_id: str | None
    status: PaymentStatus
    amount: int | None
    refunded: int
    currency: str | None
    failure_message: str | None
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """A price: `unit_amount` per `interval`; None for a one-time price's interval."""

    id: str
    product_id: str | None
    unit_amount: int | None
    currency: str | None
    interval: str | None
    active: bool | None
    nickname: str | None
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCoupon:
    """A coupon: `percent_off` or `amount_off`. `valid`: whether it can still be redeemed."""

    id: str
    name: str | None
    percent_off: float | None
    amount_off: int | None
    currency: str | None
    times_redeemed: int | None
    valid: bool | None
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPromotionCode:
    """The code that people type for a coupon, and whether it can be redeemed now."""

    id: str
    code: str | None
    coupon_id: str | None
    active: bool | None
    times_redeemed: int | None
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTransaction:
    """One movement of the balance: a charge, a refund, a dispute, a fee, a payout.

    `amount` is signed and in `currency`, the balance's; `fee` is what Stripe kept of it, `net` what is left.
    `source_id` is the object that moved it, with `source_amount` and `source_currency` as its payer saw them;
    None where it is no payment's.
    """

    id: str
    type: str | None
    source_id: str | None
    payment_intent_id: str | None
    charge_id: str | None
    amount: int
    currency: str | None
    fee: int
    net: int
    source_amount: int | None
    source_currency: str | None
    created: datetime | None


def customer(source: Mapping[str, Any]) -> ListedCustomer:
    """A customer of a list."""
    return ListedCustomer(
        id=source["id"],
        email=text(source.get("email")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


def payment(source: Mapping[str, Any]) -> ListedPayment:
    """A payment intent of a list, its `latest_charge` expanded."""
    charge = source.get("latest_charge")
    status = _STATUSES.get(text(source.get("status")) or "")
    declined = text(at(charge, "status")) == "failed" or isinstance(source.get("last_payment_error"), Mapping)
    return ListedPayment(
        id=source["id"],
        charge_id=ident(charge),
        customer_id=ident(source.get("customer")),
        status=status or ("failed" if declined else "pending"),
        amount=whole(source.get("amount")),
        refunded=whole(at(charge, "amount_refunded")) or 0,
        currency=text(source.get("currency")),
        failure_message=first(
            text(at(source, "last_payment_error", "message")), text(at(charge, "failure_message"))
        ),
        created=moment(source.get("created")),
    )


def charge(source: Mapping[str, Any]) -> ListedPayment:
    """A charge without a payment intent."""
    status = text(source.get("status"))
    return ListedPayment(
        id=ident(source.get("payment_intent")),
        charge_id=source["id"],
        customer_id=ident(source.get("customer")),
        status="succeeded" if status == "succeeded" else "failed" if status == "failed" else "pending",
        amount=whole(source.get("amount")),
        refunded=whole(source.get("amount_refunded")) or 0,
        currency=text(source.get("currency")),
        failure_message=text(source.get("failure_message")),
        created=moment(source.get("created")),
    )


def price(source: Mapping[str, Any]) -> ListedPrice:
    """A price of a list."""
    return ListedPrice(
        id=source["id"],
        product_id=ident(source.get("product")),
        unit_amount=whole(source.get("unit_amount")),
        currency=text(source.get("currency")),
        interval=text(at(source, "recurring", "interval")),
        active=flag(source.get("active")),
        nickname=text(source.get("nickname")),
        created=moment(source.get("created")),
    )


def coupon(source: Mapping[str, Any]) -> ListedCoupon:
    """A coupon of a list."""
    percent = source.get("percent_off")
    return ListedCoupon(
        id=source["id"],
        name=text(source.get("name")),
        percent_off=float(percent) if isinstance(percent, int | float) else None,
        amount_off=whole(source.get("amount_off")),
        currency=text(source.get("currency")),
        times_redeemed=whole(source.get("times_redeemed")),
        valid=flag(source.get("valid")),
        created=moment(source.get("created")),
    )


def promotion_code(source: Mapping[str, Any]) -> ListedPromotionCode:
    """A promotion code of a list, in the shape of today or before clover."""
    return ListedPromotionCode(
        id=source["id"],
        code=text(source.get("code")),
        coupon_id=first(ident(at(source, "promotion", "coupon")), ident(source.get("coupon"))),
        active=flag(source.get("active")),
        times_redeemed=whole(source.get("times_redeemed")),
        created=moment(source.get("created")),
    )


def balance_transaction(source: Mapping[str, Any]) -> BalanceTransaction:
    """A movement of the balance, its `source` expanded."""
    moved_by = source.get("source")
    source_id, amount = ident(moved_by), whole(source.get("amount")) or 0
    fee = whole(source.get("fee")) or 0
    is_charge = text(at(moved_by, "object")) == "charge"
    return BalanceTransaction(
        id=source["id"],
        type=text(source.get("type")),
        source_id=source_id,
        payment_intent_id=ident(at(moved_by, "payment_intent")),
        charge_id=source_id if is_charge else ident(at(moved_by, "charge")),
        amount=amount,
        currency=text(source.get("currency")),
        fee=fee,
        net=first(whole(source.get("net")), amount - fee) or 0,
        source_amount=whole(at(moved_by, "amount")),
        source_currency=text(at(moved_by, "currency")),
        created=moment(source.get("created")),
    )
