"""Money in by month: what couples paid and for what, what went back and why, what was refused and recovered.

    paid       payments that went through, on the day on which they did
    refunded   refunds that Stripe paid, on the day on which it did
    failed     payments whose newest try was refused, on the day of the try
    recovered  payments that went through within 30 days after a refused try

Which rows these are is `money_rows`. The failed payment rate is failed tries / (failed tries + payments that
went through). The figures come from `admin_payment_days`, which a job fills (`counted`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from sqlalchemy import bindparam, func, select, union_all
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.listing import AnyRow, AnySelect, Column
from lib.core.moments import day_bounds, month_start, next_month
from lib.core.work import View, query
from lib.metrics import money_rows
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE, Policy
from lib.models import PaymentDay
from lib.models.types import TotalCents

_NOTHING: Final = "Nothing was paid in this time, or it was not counted yet: the worker does it every hour."
# What was paid for, as production names it, in words, and with the pattern of its bars.
KINDS: Final = (
    ("subscription", "Subscriptions", ""),
    ("gift", "Gifts", "/"),
    ("add_on", "Add-ons", "+"),
    ("box", "Surprise boxes", "-"),
    ("coaching", "Coaching", "."),
    ("credits", "AI credits", "|"),
)
COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("paid_cents", "Paid", "money"),
    *(Column(f"{kind}_cents", title, "money") for kind, title, _ in KINDS),
    Column("refunded_cents", "Refunded", "money"),
    Column("complete", "Complete", "flag"),
)
REFUSED_COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("failed_cents", "Refused", "money"),
    Column("failed_payments", "Refused payments", "count"),
    Column("paid_payments", "Went through", "count"),
    Column("failed_rate", "Failed payment rate", "percent"),
    Column("recovered_cents", "Recovered", "money"),
    Column("recovered_payments", "Recovered payments", "count"),
    Column("complete", "Complete", "flag"),
)
REASON_COLUMNS: Final = (
    Column("reason", "Reason", "code"),
    Column("cents", "Refunded", "money"),
    Column("share", "Share", "percent"),
    Column("payments", "Refunds", "count"),
)


@dataclass(frozen=True, slots=True)
class MoneyMonth:
    """One month of one currency: cents and payments by what they were, and by what they were for."""

    month: date
    currency: str
    complete: bool
    sums: Mapping[str, int] = field(repr=False)
    numbers: Mapping[str, int] = field(repr=False)

    def cents(self, name: str) -> int:
        """The cents of `paid`, `refunded`, `failed`, `recovered`, or of what was paid for."""
        return self.sums.get(name, 0)

    def __getattr__(self, name: str) -> int:
        """`gift_cents`, `failed_payments` and so on, for the columns of a table."""
        what, _, unit = name.rpartition("_")
        if unit == "cents" and what:
            return self.sums.get(what, 0)
        if unit == "payments" and what:
            return self.numbers.get(what, 0)
        raise AttributeError(name)

    @property
    def failed_rate(self) -> Fraction | None:
        """Refused tries / all tries; None for a month in which nothing was tried."""
        failed, paid = self.numbers.get("failed", 0), self.numbers.get("paid", 0)
        return Fraction(failed, failed + paid) if failed + paid else None


@dataclass(frozen=True, slots=True)
class RefundReason:
    """What was given back for one reason; `share` of all that was."""

    reason: str
    currency: str
    cents: int
    payments: int
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class MoneyIn:
    """Months in order, and refunds by reason over all of them, the most money first."""

    months: tuple[MoneyMonth, ...]
    reasons: tuple[RefundReason, ...]
    basis: Basis
    why_not: str | None


@query(Permission.REVENUE_READ)
def money_in(view: View, since: date, until: date, currency: str = "USD", policy: Policy = HOUSE) -> MoneyIn:
    """The months from that of `since` to that of `until`. The policy makes no difference here."""
    rows = view.session.execute(
        select(
            PaymentDay.day,
            PaymentDay.what,
            PaymentDay.detail,
            PaymentDay.cents,
            PaymentDay.payments,
            PaymentDay.computed_at,
        )
        .where(PaymentDay.day.between(month_start(since), until), PaymentDay.currency == currency)
        .order_by(PaymentDay.day)
    ).all()
    months = tuple(
        _month(month, currency, list(inside), policy.zone)
        for month, inside in groupby(rows, key=lambda row: month_start(row.day))
    )
    payments = sum(row.payments for row in rows)
    basis = Basis(
        policy, payments, "payments, refunds and tries", max((r.computed_at for r in rows), default=None)
    )
    return MoneyIn(months, _reasons(rows, currency), basis, None if rows else _NOTHING)


def counted(session: Session, day: date, zone: str = "UTC") -> list[dict[str, Any]]:
    """The rows of one day, counted anew: day, currency, what, detail, cents, payments."""
    start, end = day_bounds(day, zone)
    found = session.execute(_OF_A_DAY, {"start": start, "end": end})
    return [
        {
            "day": day,
            "currency": currency,
            "what": what,
            "detail": detail,
            "cents": int(cents),
            "payments": int(payments),
        }
        for what, currency, detail, cents, payments in sorted(map(tuple, found))
    ]


def _sums(what: str) -> AnySelect:
    of = money_rows.rows(what, bindparam("start"), bindparam("end")).c
    key = (of.what, of.currency, of.detail)
    return select(*key, func.sum(of.cents, type_=TotalCents), func.count()).group_by(*key)


# Built once: for each of many days that takes longer than the database does.
_OF_A_DAY: Final = union_all(*(_sums(what) for what in money_rows.WHATS))


def _month(month: date, currency: str, rows: Sequence[AnyRow], zone: str) -> MoneyMonth:
    sums: dict[str, int] = defaultdict(int)
    numbers: dict[str, int] = defaultdict(int)
    for row in rows:
        for name in {row.what, row.detail} if row.what == "paid" else {row.what}:
            sums[name] += int(row.cents)
            numbers[name] += int(row.payments)
    over = day_bounds(next_month(month), zone)[0]
    return MoneyMonth(month, currency, max(row.computed_at for row in rows) >= over, sums, numbers)


def _reasons(rows: Sequence[AnyRow], currency: str) -> tuple[RefundReason, ...]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.what == "refunded":
            sums[row.detail][0] += int(row.cents)
            sums[row.detail][1] += int(row.payments)
    total = sum(cents for cents, _ in sums.values())
    return tuple(
        RefundReason(reason, currency, cents, number, Fraction(cents, total) if total else None)
        for reason, (cents, number) in sorted(sums.items(), key=lambda each: -each[1][0])
    )
