"""What is sold: the price list as the database holds it, and the codes of the company's campaigns."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, select

from lib.demo.book import Book
from lib.demo.clock import DAY, js_form, midnight, sql_form, stamp
from lib.demo.ids import Ids, stripe_id
from lib.models import Achievement, Addon, Challenge, SubscriptionPlan

# Set up at Stripe before there was a desk for it: their terms are known there alone.
_MADE_ELSEWHERE = frozenset({"FIRST100", "OLDPARTNER"})
MONTHS = {"monthly": 1, "annual": 12}


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the price list; the price is in cents per billing period."""

    id: str
    name: str
    kind: str
    billing_period: str
    price: int
    stripe_price: str
    stripe_product: str

    @property
    def months(self) -> int:
        """How long one period is."""
        return MONTHS[self.billing_period]


@dataclass(frozen=True, slots=True)
class Extra:
    """An add-on of the price list; `billing_period` is `one_time`, `monthly` or `annual`."""

    id: str
    name: str
    kind: str
    billing_period: str
    price: int
    stripe_price: str
    stripe_product: str


@dataclass(slots=True)
class Code:
    """A discount code. `invoices` is how many invoices of a subscription it lowers; None for all of them."""

    id: str
    code: str
    kind: str
    value: int
    applies_to: str
    valid_from: int
    valid_until: int
    max_uses: int | None
    coupon: str | None
    invoices: int | None
    active: bool
    uses: int = 0

    def off(self, price: int) -> int:
        """Cents off a price."""
        if self.kind == "percentage":
            return (price * self.value + 50) // 100
        return min(price, self.value) if self.kind == "fixed_amount" else 0

    def may_be_used(self, moment: int) -> bool:
        """Whether somebody can redeem it then."""
        in_time = self.valid_from <= moment < self.valid_until
        return in_time and (self.max_uses is None or self.uses < self.max_uses)


@dataclass(frozen=True, slots=True)
class Batch:
    """Unique codes that were made in one go; `made` is the moment at which, `percent` what each takes off."""

    id: str
    title: str
    codes: int
    percent: int
    coupon: str
    made: int


@dataclass(slots=True)
class Catalogue:
    """Everything on offer."""

    plans: dict[str, Plan]
    extras: tuple[Extra, ...]
    challenges: tuple[tuple[str, int], ...]
    achievements: tuple[str, ...]
    codes: list[Code] = field(default_factory=list)

    def plan(self, kind: str) -> Plan:
        """The plan of a kind: try_it_out, better_together or premium_plus."""
        return next(plan for plan in self.plans.values() if plan.kind == kind)

    def code_for(self, moment: int, what: str, random: Random) -> Code | None:
        """A code that works for a `subscription`, `credits` or `addons` at a moment; None without one."""
        usable = [
            code for code in self.codes if code.applies_to in (what, "all") and code.may_be_used(moment)
        ]
        return random.choice(usable) if usable else None

    def lasting_code(self, moment: int) -> Code:
        """The first code without an end that works for a subscription at a moment; there always is one."""
        return next(
            code
            for code in self.codes
            if code.invoices is None
            and code.applies_to in ("subscription", "all")
            and code.may_be_used(moment)
        )


def read(connection: Connection) -> Catalogue:
    """The price list, challenges (with their days) and achievements as the database holds them."""
    plans: Iterable[Any] = connection.execute(
        select(
            SubscriptionPlan.id,
            SubscriptionPlan.plan_name,
            SubscriptionPlan.plan_type,
            SubscriptionPlan.billing_period,
            SubscriptionPlan.price_cents,
            SubscriptionPlan.stripe_price_id,
            SubscriptionPlan.stripe_product_id,
        )
        .where(SubscriptionPlan.stripe_price_id.is_not(None))
        .order_by(SubscriptionPlan.sort_order, SubscriptionPlan.id)
    )
    extras: Iterable[Any] = connection.execute(
        select(
            Addon.id,
            Addon.addon_name,
            Addon.addon_type,
            Addon.billing_period,
            Addon.price_cents,
            Addon.stripe_price_id,
            Addon.stripe_product_id,
        )
        .where(Addon.stripe_price_id.is_not(None))
        .order_by(Addon.id)
    )
    challenges = connection.execute(select(Challenge.id, Challenge.duration_days).order_by(Challenge.id))
    return Catalogue(
        plans={row[0]: Plan(*row) for row in plans},
        extras=tuple(Extra(*row) for row in extras),
        challenges=tuple((str(key), days or 7) for key, days in challenges),
        achievements=tuple(
            str(key) for key in connection.scalars(select(Achievement.id).order_by(Achievement.id))
        ),
    )


def campaign_codes(start: date, today: date, ids: Ids) -> list[Code]:
    """The codes that a company with campaigns has after a while: running, seasonal, used up, switched off."""
    codes = []

    def add(
        name: str,
        kind: str,
        value: int,
        begin: date,
        end: date,
        *,
        applies_to: str = "subscription",
        invoices: int | None = 1,
        max_uses: int | None = None,
        active: bool = True,
    ) -> None:
        codes.append(
            Code(
                id=ids.row("disc"),
                code=name,
                kind=kind,
                value=value,
                applies_to=applies_to,
                valid_from=midnight(begin),
                valid_until=midnight(end) + DAY - 1,
                max_uses=max_uses,
                # A longer trial is given at sign-up and needs no coupon.
                coupon=stripe_id("co", name)[3:11] if kind != "trial_extension" else None,
                invoices=invoices,
                active=active,
            )
        )

    ahead = today + timedelta(days=200)
    add("WELCOME20", "percentage", 20, start, ahead)
    add("FRIENDS10", "percentage", 10, start, ahead, invoices=None)
    add("FIVEOFF", "fixed_amount", 500, start, ahead, invoices=3)
    add("TRYMORE14", "trial_extension", 14, start, ahead, invoices=0)
    add("CREDITS15", "percentage", 15, start, ahead, applies_to="credits")
    add("BOXLOVE", "fixed_amount", 1000, start, ahead, applies_to="addons")
    add(
        "PODCAST25",
        "percentage",
        25,
        today - timedelta(days=150),
        today + timedelta(days=30),
        invoices=3,
        max_uses=40,
    )
    add("FIRST100", "percentage", 50, start, start + timedelta(days=400), max_uses=10)
    add("OLDPARTNER", "percentage", 30, start, start + timedelta(days=60), active=False)
    add(
        "OOPS100",
        "percentage",
        100,
        today - timedelta(days=75),
        today + timedelta(days=90),
        max_uses=3,
        active=False,
    )
    for year in range(start.year, today.year + 1):
        for name, kind, value, begin, end, invoices in (
            ("NEWYEAR", "percentage", 15, date(year, 1, 1), date(year, 1, 21), 3),
            ("VALENTINE", "percentage", 30, date(year, 2, 1), date(year, 2, 16), 1),
            ("SUMMER", "fixed_amount", 600, date(year, 7, 1), date(year, 8, 31), 2),
            ("BLACKFRIDAY", "percentage", 40, date(year, 11, 20), date(year, 11, 30), 1),
        ):
            if start <= end and begin <= today:
                add(f"{name}{year % 100}", kind, value, begin, end, invoices=invoices, active=end >= today)
    return codes


def fair_batch(today: date, ids: Ids) -> Batch:
    """The codes on the cards of a fair some weeks ago."""
    key = ids.row("batch")
    made = midnight(today - timedelta(days=24))
    return Batch(key, "Wedding fair, printed cards", 120, 15, f"bt-{key}", made)


def write_codes(book: Book, codes: list[Code]) -> None:
    """Write the codes; how often each was used is corrected in the end."""
    for code in codes:
        book.write(
            "discount_codes",
            id=code.id,
            code=code.code,
            discount_type=code.kind,
            discount_value=code.value,
            applies_to=code.applies_to,
            max_uses=code.max_uses,
            current_uses=0,
            valid_from=sql_form(code.valid_from),
            valid_until=js_form(code.valid_until),
            stripe_coupon_id=code.coupon,
            is_active=code.active,
            created_by="marketing@example.org",
            created_at=stamp(code.valid_from),
        )
        if code.code not in _MADE_ELSEWHERE:
            _write_terms(book, code)


def _write_terms(book: Book, code: Code) -> None:
    """What a code gives beyond production's columns."""
    for_new_couples = code.code == "WELCOME20"
    repeats = code.invoices is not None and code.invoices > 1
    book.write(
        "admin_discount_terms",
        id=code.id,
        duration="forever" if code.invoices is None else "repeating" if repeats else "once",
        duration_in_months=code.invoices if repeats else None,
        currency="USD",
        max_per_customer=1 if for_new_couples or code.kind == "trial_extension" else None,
        first_time_only=for_new_couples,
        created_at=sql_form(code.valid_from),
        created_by="marketing@example.org",
    )
    book.write(
        "admin_discount_codes",
        discount_id=code.id,
        terms_id=code.id,
        number=0,
        promotion_code_id=stripe_id("promo", code.id) if code.coupon else None,
    )


def write_batch(book: Book, batch: Batch) -> None:
    """A batch that the worker has finished, and its codes, none of which was used yet."""
    moment, until = sql_form(batch.made), sql_form(batch.made + 200 * DAY - 1)
    book.write(
        "admin_discount_terms",
        id=batch.id,
        duration="once",
        currency="USD",
        max_per_customer=1,
        first_time_only=True,
        created_at=moment,
        created_by="finance@example.org",
    )
    book.write(
        "admin_discount_batches",
        id=batch.id,
        title=batch.title,
        prefix="FAIR",
        wanted=batch.codes,
        made=batch.codes,
        sent=0,
        at_stripe=False,
        discount_type="percentage",
        discount_value=batch.percent,
        applies_to="subscription",
        max_uses=1,
        valid_from=moment,
        valid_until=until,
        stripe_coupon_id=batch.coupon,
        state="done",
        requested_by="system:demo",
        requested_by_email="finance@example.org",
        reason="Cards for the table at the fair",
        created_at=moment,
        finished_at=moment,
    )
    for number in range(1, batch.codes + 1):
        key = book.ids.row("disc")
        book.write(
            "discount_codes",
            id=key,
            code=f"FAIR-{stripe_id('code', key)[7:15].upper()}",
            discount_type="percentage",
            discount_value=batch.percent,
            applies_to="subscription",
            max_uses=1,
            current_uses=0,
            valid_from=moment,
            valid_until=until,
            stripe_coupon_id=batch.coupon,
            is_active=True,
            created_by="finance@example.org",
            created_at=moment,
        )
        book.write("admin_discount_codes", discount_id=key, terms_id=batch.id, number=number)
