"""Discount codes: what they give, to whom and how often, and who used them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import case, func, select

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, View, digest, query
from lib.models import DiscountCode, DiscountUsage, Payment, sortable
from lib.models.expressions import starts_with

SWITCHES: Final = ("on", "off")
State = Literal["usable", "not_yet", "over", "used_up", "off"]
"""Whether a code can be used now, and if not, why: before or after its dates, at its limit, switched off."""


@listing(
    Permission.DISCOUNTS_READ,
    columns=(
        Column("code", "Code"),
        Column("discount_type", "Kind", "status"),
        Column("percent_off", "Percent off", "count"),
        Column("amount_off_cents", "Amount off", "money"),
        Column("trial_days", "Trial days", "count"),
        Column("applies_to", "Applies to", "status"),
        Column("current_uses", "Used", "count"),
        Column("max_uses", "Limit", "count"),
        Column("valid_from", "From", "moment"),
        Column("valid_until", "Until", "moment"),
        Column("is_active", "Switched on", "flag"),
        Column("created_at", "Made", "moment"),
        Column("id", "Id", "id"),
    ),
)
def codes(*, switched: str | None = None, q: str = "") -> AnySelect:
    """Codes, newest first; `q` is the beginning of the code, in any case of letters.

    Raises Invalid for a switch that is neither on nor off.
    """
    value, kind = DiscountCode.discount_value, DiscountCode.discount_type
    statement: AnySelect = select(
        DiscountCode.id,
        DiscountCode.code,
        kind,
        case((kind == "percentage", value)).label("percent_off"),
        case((kind == "fixed_amount", value)).label("amount_off_cents"),
        case((kind == "trial_extension", value)).label("trial_days"),
        DiscountCode.applies_to,
        DiscountCode.current_uses,
        DiscountCode.max_uses,
        DiscountCode.valid_from,
        DiscountCode.valid_until,
        DiscountCode.is_active,
        DiscountCode.created_at,
    ).order_by(sortable(DiscountCode.created_at).desc(), DiscountCode.id.desc())
    if switched:
        if switched not in SWITCHES:
            raise Invalid(f"A code is switched on or off, not “{switched[:40]}”.")
        statement = statement.where(DiscountCode.is_active.is_(switched == "on"))
    return statement.where(starts_with(DiscountCode.code, q)) if q else statement


@dataclass(frozen=True, slots=True)
class Discount:
    """A code with what became of it.

    `value` is percent, minor units or days, by `kind`. `current_uses` is the app's own count, `redemptions`
    counts the rows; `given_cents` is what they took off, in US dollars' minor units as the app keeps them.
    `left` is None for a code without a limit. `oddities` are sentences.
    """

    id: str
    code: str
    kind: str
    value: int
    applies_to: str | None
    valid_from: datetime | None
    valid_until: datetime | None
    stripe_coupon_id: str | None
    created_by: str | None
    created_at: datetime | None
    state: State
    current_uses: int
    max_uses: int | None
    redemptions: int
    couples: int
    given_cents: int
    last_used_at: datetime | None
    oddities: tuple[str, ...]
    digest: Digest

    @property
    def gives(self) -> str:
        """What it gives, in words: `20 % off`, `$5.00 off`, `14 more days of trial`."""
        match self.kind:
            case "percentage":
                return f"{self.value} % off"
            case "fixed_amount":
                return f"{money.show(self.value)} off"
            case _:
                return f"{self.value} more days of trial"

    @property
    def left(self) -> int | None:
        """How many times it can still be used."""
        return None if self.max_uses is None else max(0, self.max_uses - self.redemptions)


@query(Permission.DISCOUNTS_READ)
def one(view: View, code_id: str) -> Discount:
    """A code with its redemptions summed up; raises NotFound. Two statements."""
    row = view.session.get(DiscountCode, code_id)
    if row is None:
        raise NotFound(f"There is no discount code {code_id[:60]}. Go back to the list and choose another.")
    used_at = sortable(DiscountUsage.used_at)
    redemptions, couples, given, last = view.session.execute(
        select(
            func.count(),
            func.count(DiscountUsage.relationship_id.distinct()),
            func.coalesce(func.sum(DiscountUsage.discount_amount_cents), 0),
            func.max(used_at, type_=DiscountUsage.used_at.type),
        ).where(DiscountUsage.discount_id == code_id)
    ).one()
    return Discount(
        row.id,
        row.code,
        row.discount_type,
        row.discount_value,
        row.applies_to,
        row.valid_from,
        row.valid_until,
        row.stripe_coupon_id,
        row.created_by,
        row.created_at,
        _state(row, redemptions, view.now),
        row.current_uses or 0,
        row.max_uses,
        redemptions,
        couples,
        int(given),
        last,
        tuple(_oddities(row, redemptions)),
        digest(row),
    )


@listing(
    Permission.DISCOUNTS_READ,
    columns=(
        Column("used_at", "Used", "moment"),
        Column("discount_amount_cents", "Taken off", "money"),
        Column("paid_cents", "Paid", "money"),
        Column("payment_status", "Payment", "status"),
        Column("relationship_id", "Couple", "id"),
        Column("user_id", "Person", "id"),
        Column("transaction_id", "Payment id", "id"),
        Column("id", "Redemption", "id"),
    ),
)
def redemptions(*, code_id: str) -> AnySelect:
    """The redemptions of one code, newest first."""
    return (
        select(
            DiscountUsage.id,
            DiscountUsage.used_at,
            DiscountUsage.discount_amount_cents,
            Payment.amount_cents.label("paid_cents"),
            Payment.currency,
            Payment.status.label("payment_status"),
            DiscountUsage.relationship_id,
            DiscountUsage.user_id,
            DiscountUsage.transaction_id,
        )
        .outerjoin(Payment, Payment.id == DiscountUsage.transaction_id)
        .where(DiscountUsage.discount_id == code_id)
        .order_by(sortable(DiscountUsage.used_at).desc(), DiscountUsage.id.desc())
    )


def _state(row: DiscountCode, redemptions: int, now: datetime) -> State:
    if not row.is_active:
        return "off"
    if row.valid_until is not None and now >= row.valid_until:
        return "over"
    if row.max_uses is not None and max(redemptions, row.current_uses or 0) >= row.max_uses:
        return "used_up"
    return "not_yet" if row.valid_from is not None and now < row.valid_from else "usable"


def _oddities(row: DiscountCode, redemptions: int) -> list[str]:
    found = []
    if (row.current_uses or 0) != redemptions:
        found.append(f"The app counts {row.current_uses or 0:,} uses; there are {redemptions:,} redemptions.")
    if row.max_uses is not None and redemptions > row.max_uses:
        found.append(f"It was used {redemptions:,} times, and its limit is {row.max_uses:,}.")
    if row.discount_type != "trial_extension" and not row.stripe_coupon_id:
        found.append("It names no coupon at Stripe, so Stripe takes nothing off for it.")
    return found
