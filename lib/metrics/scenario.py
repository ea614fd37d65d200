"""What MRR would be in twelve months if prices, the plan mix, churn or sign-ups were different.

A month in which nothing is changed goes like the average of the last twelve complete months: so many couples
come (returning ones with them), such a share of couples leaves, and those who stay grow or shrink so much.

    existing(t) = existing(t−1) × (1 − churn + growth)
    joined(t)   = joined(t−1) × (1 − churn + growth) + couples that come × what one of them brings
    MRR(t)      = existing(t) × what a new price makes of it + joined(t)

Who comes brings the average of their plan, moved in proportion when its price is; so discounts stay as
they are. Existing couples get a new price only if that is asked for: monthly ones at once, annual ones as
they renew, a twelfth each month. Leaving couples are taken to pay the average. A price changes neither churn
nor sign-ups by itself: that is a second question, and another figure to fill in.

The range comes from how much months differ: a thousand times, each coming month is one of the last twelve,
drawn at random from a fixed seed, in how far it was above or below their average. It runs from the tenth to
the ninetieth percentile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from random import Random
from types import MappingProxyType
from typing import Final, TypeVar

from sqlalchemy import func, or_, select

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import Column
from lib.core.moments import month_start, next_month
from lib.core.work import View, query
from lib.metrics import revenue
from lib.metrics.figure import Basis, Figure, percent, rounded
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.series import Month, PlanShare
from lib.models import SubscriptionPlan

F = TypeVar("F", Fraction, float)

AHEAD: Final = 12
LOOKED_AT: Final = 12
NEEDED: Final = 3
"""Complete months below which their spread says nothing."""
RUNS: Final = 1_000
SEED: Final = 20_240
MOST_COUPLES: Final = 1_000_000

COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("mrr_cents", "MRR if changed", "money"),
    Column("low_cents", "Changed: 80 % range from", "money"),
    Column("high_cents", "Changed: to", "money"),
    Column("usual_cents", "As it goes now", "money"),
    Column("usual_low_cents", "Now: 80 % range from", "money"),
    Column("usual_high_cents", "Now: to", "money"),
    Column("difference_cents", "Difference", "money"),
)


@dataclass(frozen=True, slots=True)
class PlanNow:
    """A plan as it stands: its list price, and what its subscriptions bring in a year; `on_sale` or not."""

    plan_id: str
    name: str
    billing_period: str
    price_cents: int
    arr_cents: int
    subscriptions: int
    on_sale: bool
    share: Fraction

    def brings(self, price_cents: int) -> Fraction:
        """Annualised cents of one new couple at a price."""
        listed = money.annualised(price_cents, self.billing_period)
        if not self.subscriptions or not self.price_cents:
            return Fraction(listed)
        return Fraction(self.arr_cents, self.subscriptions) * Fraction(price_cents, self.price_cents)


@dataclass(frozen=True, slots=True)
class PastMonth:
    """The rates of one complete month: churn of couples, couples that came, net expansion of MRR."""

    month: date
    churn: Fraction
    came: int
    growth: Fraction


@dataclass(frozen=True, slots=True)
class Now:
    """From where a projection starts; `why_not` when there is nothing to start from."""

    day: date | None
    currency: str
    plans: tuple[PlanNow, ...]
    months: tuple[PastMonth, ...]
    basis: Basis
    why_not: str | None = None

    @property
    def churn(self) -> Fraction:
        """The average monthly churn."""
        return _mean([month.churn for month in self.months])

    @property
    def came(self) -> Fraction:
        """Couples that came in an average month."""
        return _mean([Fraction(month.came) for month in self.months])

    @property
    def growth(self) -> Fraction:
        """The average net expansion of a month."""
        return _mean([month.growth for month in self.months])


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be different; what is None or empty, and a price left out, stays as it is.

    `churn` is a share of 1 a month, `came` couples a month; `prices` are minor units for a billing period, by
    plan; `shares`, by plan as well, are shares of 1 of the couples that come, and one left out is 0. With
    `for_existing`, who is there pays the new prices too.
    """

    churn: Fraction | None = None
    came: Fraction | None = None
    prices: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, Fraction] = field(default_factory=dict)
    for_existing: bool = False


NOTHING: Final = Wish(prices=MappingProxyType({}), shares=MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Ahead:
    """MRR at one month from now: as wished, as it goes now, each with its range, in minor units."""

    month: date
    currency: str
    mrr_cents: int
    low_cents: int
    high_cents: int
    usual_cents: int
    usual_low_cents: int
    usual_high_cents: int

    @property
    def difference_cents(self) -> int:
        """By how much the wish moves it."""
        return self.mrr_cents - self.usual_cents


@dataclass(frozen=True, slots=True)
class Projection:
    """Today and twelve months on."""

    currency: str
    months: tuple[Ahead, ...]
    basis: Basis

    def figure(self, cents: int) -> Figure:
        """An amount of this projection as a figure."""
        return Figure(cents, "money", self.basis, self.currency)

    @property
    def last(self) -> Ahead:
        """The month a year from now."""
        return self.months[-1]

    @property
    def within_a_year(self) -> int:
        """What the wish brings in over the twelve months, less what would have come in anyway."""
        return sum(month.difference_cents for month in self.months[1:])


@query(Permission.REVENUE_READ)
def now(view: View, currency: str = "USD", policy: Policy = HOUSE) -> Now:
    """Plans and the rates of the last twelve complete months. Three statements."""
    today = view.now.date()
    mix = revenue.plan_mix(view, today, currency, policy)
    since = date(today.year - 1, today.month, 1)
    series = revenue.churn_by_month(view, since, today, currency, policy)
    months = tuple(map(_past, filter(_usable, series.months)))[-LOOKED_AT:]
    basis = Basis(policy, len(months), "complete months", mix.basis.computed_at)
    why_not = mix.why_not or series.why_not
    if not why_not and len(months) < NEEDED:
        why_not = f"This needs {NEEDED} complete months to go by; there are {len(months)}."
    return Now(mix.day, currency, _plans(view, currency, mix.plans), months, basis, why_not)


def project(start: Now, wish: Wish = NOTHING) -> Projection:
    """MRR of the next twelve months; raises Invalid, in a sentence, for what cannot be."""
    check(start, wish)
    wished, usual = _course(start, wish), _course(start, NOTHING)
    month = month_start(start.day) if start.day else start.months[-1].month
    rows = []
    for (middle, low, high), (as_is, as_is_low, as_is_high) in zip(wished, usual, strict=True):
        rows.append(Ahead(month, start.currency, middle, low, high, as_is, as_is_low, as_is_high))
        month = next_month(month)
    return Projection(start.currency, tuple(rows), start.basis)


def check(start: Now, wish: Wish) -> None:
    """Raise Invalid for a wish that no company could have."""
    if wish.churn is not None and not 0 <= wish.churn <= 1:
        raise Invalid(f"Churn lies between 0 % and 100 % a month; {percent(wish.churn)} is not possible.")
    if wish.came is not None and not 0 <= wish.came <= MOST_COUPLES:
        raise Invalid(f"The couples that come each month are a number from 0 to {MOST_COUPLES:,}.")
    for plan in start.plans:
        if wish.prices.get(plan.plan_id, 1) <= 0:
            raise Invalid(f"The price of {plan.name}, {plan.billing_period}, must be more than zero.")
        if wish.shares.get(plan.plan_id, 0) < 0:
            raise Invalid(f"The share of {plan.name}, {plan.billing_period}, cannot be below zero.")
    if wish.shares and (total := sum(wish.shares.values())) != 1:
        raise Invalid(f"The shares of the plans add up to {percent(total)}; they have to make 100 %.")


def _course(start: Now, wish: Wish) -> list[tuple[int, int, int]]:
    """Middle, low and high (minor units, monthly) of today and each month ahead."""
    standing, uplift, brings = (
        sum(plan.arr_cents for plan in start.plans),
        _uplift(start, wish),
        _brings(start, wish),
    )
    churn = start.churn if wish.churn is None else wish.churn
    came = start.came if wish.came is None else wish.came
    exact = _walk(Fraction(standing), uplift, brings, [(1 - churn + start.growth, came)] * AHEAD)
    middle = [rounded(arr / 12) for arr in exact]
    # Each month as it was against the average one, so that a wish keeps the same unrest.
    unrest = [
        (
            1 - min(1.0, float(churn * _against(month.churn, start.churn))) + float(month.growth),
            float(came * _against(Fraction(month.came), start.came)),
        )
        for month in start.months
    ]
    draw, rough = Random(SEED), [float(each) for each in uplift]
    runs = [_walk(float(standing), rough, float(brings), draw.choices(unrest, k=AHEAD)) for _ in range(RUNS)]
    by_month = [sorted(round(arr / 12) for arr in drawn) for drawn in zip(*runs, strict=True)]
    # Today is known: it has no range.
    ranges = [(middle[0], middle[0]), *((each[RUNS // 10], each[RUNS * 9 // 10]) for each in by_month[1:])]
    return [(cents, low, high) for cents, (low, high) in zip(middle, ranges, strict=True)]


def _walk(standing: F, uplift: Sequence[F], brings: F, months: Sequence[tuple[F, F]]) -> list[F]:
    """Annualised cents at the start and after each month of (what is kept, couples that come)."""
    existing, joined = standing, standing * 0
    course = [existing]
    for price, (kept, came) in zip(uplift, months, strict=True):
        existing, joined = existing * kept, joined * kept + came * brings
        course.append(existing * price + joined)
    return course


def _uplift(start: Now, wish: Wish) -> list[Fraction]:
    """What new prices make of existing couples' MRR in each month ahead: annual plans renew over a year."""
    standing = sum(plan.arr_cents for plan in start.plans)
    if not wish.for_existing or not standing:
        return [Fraction(1)] * AHEAD
    months = []
    for number in range(1, AHEAD + 1):
        gained = Fraction(0)
        for plan in start.plans:
            if plan.price_cents:
                risen = Fraction(wish.prices.get(plan.plan_id, plan.price_cents), plan.price_cents) - 1
                renewed = Fraction(1) if plan.billing_period == "monthly" else Fraction(number, 12)
                gained += plan.arr_cents * risen * renewed
        months.append(1 + gained / standing)
    return months


def _brings(start: Now, wish: Wish) -> Fraction:
    """Annualised cents of an average couple that comes."""
    return sum(
        (
            wish.shares.get(plan.plan_id, Fraction(0) if wish.shares else plan.share)
            * plan.brings(wish.prices.get(plan.plan_id, plan.price_cents))
            for plan in start.plans
        ),
        Fraction(0),
    )


def _plans(view: View, currency: str, standing: Sequence[PlanShare]) -> tuple[PlanNow, ...]:
    """The plans that are sold or that somebody has, the largest first."""
    plans = view.session.execute(
        select(
            SubscriptionPlan.id,
            SubscriptionPlan.plan_name,
            SubscriptionPlan.billing_period,
            SubscriptionPlan.price_cents,
            SubscriptionPlan.is_active,
        ).where(
            func.upper(SubscriptionPlan.currency) == currency.upper(),
            or_(
                SubscriptionPlan.is_active.is_(True),
                SubscriptionPlan.id.in_([plan.plan_id for plan in standing]),
            ),
        )
    ).all()
    arr = {row.id: sum(plan.arr_cents for plan in standing if plan.plan_id == row.id) for row in plans}
    held = {row.id: sum(plan.subscriptions for plan in standing if plan.plan_id == row.id) for row in plans}
    sold = {row.id: held[row.id] for row in plans if row.is_active}
    # Who comes spreads over what is sold as who is there does; evenly where nobody is there.
    parts = sold if sum(sold.values()) else dict.fromkeys(sold, 1)
    found = [
        PlanNow(
            row.id,
            row.plan_name,
            row.billing_period,
            row.price_cents,
            arr[row.id],
            held[row.id],
            bool(row.is_active),
            Fraction(parts.get(row.id, 0), sum(parts.values()) or 1),
        )
        for row in plans
    ]
    return tuple(sorted(found, key=lambda plan: (-plan.arr_cents, plan.plan_id)))


def _usable(month: Month) -> bool:
    return month.complete and month.churn is not None and bool(month.opening_arr_cents)


def _past(month: Month) -> PastMonth:
    assert month.churn is not None
    assert month.opening_arr_cents
    grown = month.expansion_arr_cents - month.contraction_arr_cents
    return PastMonth(
        month.month,
        month.churn,
        month.new_couples + month.reactivated_couples,
        Fraction(grown, month.opening_arr_cents),
    )


def _against(value: Fraction, average: Fraction) -> Fraction:
    return value / average if average else Fraction(1)


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values) if values else Fraction(0)
