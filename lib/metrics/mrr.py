"""Monthly recurring revenue from the ledger, exact on annualised integer cents.

The unit is the couple: two subscriptions of one couple add up and count as one account. Of one couple and
currency, a day's movement is what stands at its end against what stood at its beginning:

    new            the first time that it has any
    reactivation   it had some, had none, has some again
    expansion      more than before
    contraction    less than before, but some
    churn          to none

    opening + new + reactivation + expansion − contraction − churn = closing, on integers.

Under a policy by which a couple that comes and goes within one calendar month is neither new nor churned,
whatever a couple does in the month it came is `new` (or `reactivation`): going again takes it back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Integer,
    Select,
    case,
    column,
    extract,
    func,
    select,
    values,
)
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.moments import day_bounds, day_of
from lib.core.work import View, query
from lib.metrics.policies import HOUSE, Policy, counted
from lib.metrics.spans import entries, postings, spans
from lib.models import SubscriptionChange
from lib.models.types import Day, Moment

Movement = Literal["new", "reactivation", "expansion", "contraction", "churn"]
MOVEMENTS: Final[tuple[Movement, ...]] = ("new", "reactivation", "expansion", "contraction", "churn")
GAINS: Final[frozenset[Movement]] = frozenset({"new", "reactivation", "expansion"})
ARRIVALS: Final[frozenset[Movement]] = frozenset({"new", "reactivation"})

# The dashboard's database, or the copy of its ledger in DuckDB.
Ledger = Session | Connection


@dataclass(frozen=True, slots=True)
class Segment:
    """Where an amount belongs: a currency, a plan, a billing period, and how the couple came."""

    currency: str
    plan_id: str
    billing_period: str
    source: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What recurs in one currency at a day's end: annualised cents, counted subscriptions, couples."""

    day: date
    currency: str
    arr_cents: int
    subscriptions: int
    couples: int

    @property
    def mrr_cents(self) -> int:
        """The monthly amount, rounded once: for showing only."""
        return money.monthly(self.arr_cents)


@query(Permission.REVENUE_READ)
def mrr_at(view: View, day: date, policy: Policy = HOUSE, *, as_of: datetime | None = None) -> list[Standing]:
    """What recurred at the end of a day, per currency, straight from the ledger; empty if nothing did.

    `as_of`: by what was known then.
    """
    segments = segments_at(view.session, day, policy, as_of=as_of)
    couples = couples_at(view.session, day, policy, as_of=as_of)
    currencies = sorted({segment.currency for segment in segments})
    return [
        Standing(
            day,
            currency,
            sum(arr for segment, (arr, _) in segments.items() if segment.currency == currency),
            sum(number for segment, (_, number) in segments.items() if segment.currency == currency),
            couples.get(currency, 0),
        )
        for currency in currencies
    ]


def segments_at(
    ledger: Ledger, day: date, policy: Policy, *, as_of: datetime | None = None
) -> dict[Segment, tuple[int, int]]:
    """Annualised cents and counted subscriptions per segment at a day's end."""
    standing = _standing(day, policy, as_of)
    where = (
        standing.c.currency,
        standing.c.plan_id,
        standing.c.billing_period,
        standing.c.acquired_via,
    )
    rows = ledger.execute(select(*where, func.sum(standing.c.arr), func.count()).group_by(*where))
    return {Segment(*where): (int(arr), int(number)) for *where, arr, number in rows}


def couples_at(ledger: Ledger, day: date, policy: Policy, *, as_of: datetime | None = None) -> dict[str, int]:
    """Couples that pay at a day's end, per currency."""
    standing = _standing(day, policy, as_of)
    paying = (
        select(standing.c.currency, standing.c.relationship_id)
        .group_by(standing.c.currency, standing.c.relationship_id)
        .having(func.sum(standing.c.arr) != 0)
        .subquery()
    )
    rows = ledger.execute(select(paying.c.currency, func.count()).group_by(paying.c.currency))
    return {currency: int(number) for currency, number in rows}


def first_day(ledger: Ledger, zone: str = "UTC") -> date | None:
    """The day of the ledger's first entry; None while it is empty."""
    first = ledger.scalar(select(func.min(SubscriptionChange.effective_at)))
    return day_of(first, zone) if first else None


def by_day(
    ledger: Ledger, since: date, until: date, policy: Policy, currency: str = "USD"
) -> list[tuple[date, int]]:
    """What recurred at the end of each day, in annualised cents, recomputed from the ledger as it is now.

    One walk over the days, each of which looks up what began and what ended in it: two indexes hold all that
    a policy asks, so that two years of a million entries take a fraction of a second.
    """
    days = [since + timedelta(days=offset) for offset in range((until - since).days + 1)]
    calendar = (
        values(column("day", Day()), column("starts", Moment()), column("ends", Moment()), name="calendar")
        .data([(day, *day_bounds(day, policy.zone)) for day in days])
        .cte("calendar")
    )
    change, amount = SubscriptionChange, func.coalesce(func.sum(counted(policy)), 0)

    def within(moment: Any, start: Any, end: Any) -> ColumnElement[int]:
        return (
            select(amount)
            .where(change.currency == currency, moment >= start, moment < end)
            .correlate(calendar)
            .scalar_subquery()
        )

    began = day_bounds(since, policy.zone)[0]
    opening = ledger.scalar(
        select(
            select(amount).where(change.currency == currency, change.effective_at < began).scalar_subquery()
            - select(amount)
            .where(change.currency == currency, change.superseded_at < began)
            .scalar_subquery()
        )
    )
    arr, found = int(opening or 0), []
    for day, gained, lost in ledger.execute(
        select(
            calendar.c.day,
            within(change.effective_at, calendar.c.starts, calendar.c.ends),
            within(change.superseded_at, calendar.c.starts, calendar.c.ends),
        )
    ):
        arr += int(gained) - int(lost)
        found.append((day, arr))
    return found


def couple_moves(
    policies: Collection[Policy], since: date, until: date, *, as_of: datetime | None = None
) -> Select[*tuple[Any, ...]]:
    """The rows of `admin_couple_moves` from `since` to `until`, in the order of their key.

    Columns: day, currency, relationship_id, policies (the sum of the bits of those that say just this),
    movement, before_arr_cents and after_arr_cents at the day's two ends, seq.
    """
    moved = _moves(policies, since, until, as_of)
    what = (
        moved.c.day,
        moved.c.currency,
        moved.c.relationship_id,
        moved.c.movement,
        moved.c.before_arr_cents,
        moved.c.after_arr_cents,
        moved.c.seq,
    )
    every = func.sum(moved.c.policy, type_=Integer()).label("policies")
    key = (moved.c.day, moved.c.currency, moved.c.relationship_id)
    return select(*key, every, *what[3:]).group_by(*what).order_by(*key, every)


def _moves(policies: Collection[Policy], since: date, until: date, as_of: datetime | None) -> CTE:
    posting = postings(entries(policies, since, until, as_of=as_of))
    couple = (posting.c.policy, posting.c.relationship_id, posting.c.currency)
    changes = (
        select(
            *couple,
            posting.c.day,
            func.sum(posting.c.arr).label("change"),
            # Of a couple that handed its subscription on, nothing began on the day.
            func.coalesce(func.max(posting.c.begun), func.max(posting.c.over)).label("seq"),
        )
        .group_by(*couple, posting.c.day)
        .having(func.sum(posting.c.arr) != 0)
        .cte("changes")
    )
    each, by_time = (changes.c.policy, changes.c.relationship_id, changes.c.currency), changes.c.day
    running = select(
        *changes.c,
        func.sum(changes.c.change).over(partition_by=each, order_by=by_time).label("after"),
        func.row_number().over(partition_by=each, order_by=by_time).label("nth"),
    ).cte("running")
    before, after = running.c.after - running.c.change, running.c.after
    plain = case(
        # Every change is one of more or less than nothing, so a couple's first is from none to some.
        (running.c.nth == 1, "new"),
        (before == 0, "reactivation"),
        (after == 0, "churn"),
        (after > before, "expansion"),
        else_="contraction",
    )
    judged = select(
        running.c.policy,
        running.c.day,
        running.c.currency,
        running.c.relationship_id,
        _movement(running, before, plain, policies).label("movement"),
        before.label("before_arr_cents"),
        after.label("after_arr_cents"),
        running.c.seq,
    ).cte("judged")
    # Not before: how a month began is seen by the days of it that lie before the range, too.
    return select(judged).where(judged.c.day.between(since, until)).cte("moves")


def _movement(
    running: CTE, before: ColumnElement[int], plain: ColumnElement[str], policies: Collection[Policy]
) -> ColumnElement[str]:
    """The movement under each policy: by how the month began, where it counts neither coming nor going."""
    neither = [policy.bit for policy in policies if policy.same_month == "neither"]
    if not neither:
        return plain
    month = 12 * extract("year", running.c.day) + extract("month", running.c.day)
    in_month = (
        running.c.policy,
        running.c.relationship_id,
        running.c.currency,
        case((running.c.policy.in_(neither), month), else_=0),
    )
    began_with = func.first_value(before).over(partition_by=in_month, order_by=running.c.day)
    first_nth = func.first_value(running.c.nth).over(partition_by=in_month, order_by=running.c.day)
    return case(
        (~running.c.policy.in_(neither), plain),
        (began_with != 0, plain),
        (first_nth == 1, "new"),
        else_="reactivation",
    )


def amounts(moved: Any, policy: Policy, *also: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """What moved under a policy, of rows with the columns of `admin_couple_moves`.

    Columns: day, currency, movement, plan_id, billing_period, acquired_via (of the couple's last entry on the
    day), what it is told apart by `also`, involuntary; annualised cents (in the movement's own direction;
    negative where a couple took back that it came), couples.
    """
    entry = SubscriptionChange
    gained = moved.after_arr_cents - moved.before_arr_cents
    came = case((moved.before_arr_cents == 0, 1), (moved.after_arr_cents == 0, -1), else_=0)
    involuntary = case((entry.cause == "involuntary", 1), else_=0)
    where = (
        moved.day,
        moved.currency,
        moved.movement,
        entry.plan_id,
        entry.billing_period,
        entry.acquired_via,
        *also,
        involuntary,
    )
    return (
        select(
            *where,
            func.sum(case((moved.movement.in_(sorted(GAINS)), gained), else_=-gained)),
            func.sum(case((moved.movement.in_(sorted(ARRIVALS)), came), else_=1)),
        )
        .join(entry, entry.seq == moved.seq)
        .where(moved.policies.bitwise_and(policy.bit) != 0)
        .group_by(*where)
    )


def segment_changes(
    policies: Collection[Policy], since: date, until: date, *, as_of: datetime | None = None
) -> Select[*tuple[Any, ...]]:
    """Per policy (its bit), day and segment: how annualised cents and counted subscriptions changed."""
    posting = postings(entries(policies, since, until, as_of=as_of))
    where = (
        posting.c.policy,
        posting.c.day,
        posting.c.currency,
        posting.c.plan_id,
        posting.c.billing_period,
        posting.c.acquired_via,
    )
    arr, number = func.sum(posting.c.arr), func.sum(posting.c.subscriptions)
    return (
        select(*where, arr, number)
        .where(posting.c.day.between(since, until))
        .group_by(*where)
        .having((arr != 0) | (number != 0))
    )


def _standing(day: date, policy: Policy, as_of: datetime | None) -> CTE:
    span = spans(policy, None, day, as_of=as_of)
    return select(span).where(span.c.ends.is_(None)).cte("standing")
