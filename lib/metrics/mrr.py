"""Monthly recurring revenue from the ledger, exact on annualised integer cents.

The unit is the couple: two subscriptions of one couple add up and count as one account. Of one couple and
currency, a day's movement is what stands at its end against what stood at its beginning:

    new            the first time that it has any
    reactivation   it had some, had none, has some again
    expansion      more than before
    contraction    less than before, but some
    churn          to none

    opening + new + reactivation + expansion − contraction − churn = closing, on integers.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sqlalchemy import CTE, Select, case, func, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.work import View, query
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.spans import both_postings, spans
from lib.models import SubscriptionChange

Movement = Literal["new", "reactivation", "expansion", "contraction", "churn"]
MOVEMENTS: Final[tuple[Movement, ...]] = ("new", "reactivation", "expansion", "contraction", "churn")
GAINS: Final[frozenset[Movement]] = frozenset({"new", "reactivation", "expansion"})


@dataclass(frozen=True, slots=True)
class Segment:
    """Where an amount belongs: a currency, a plan, a billing period."""

    currency: str
    plan_id: str
    billing_period: str


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
def mrr_at(view: View, day: date, policy: Policy = HOUSE) -> list[Standing]:
    """What recurred at the end of a UTC day, per currency, straight from the ledger; empty if nothing did."""
    segments = segments_at(view.session, day, policy)
    couples = couples_at(view.session, day, policy)
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


def segments_at(session: Session, day: date, policy: Policy) -> dict[Segment, tuple[int, int]]:
    """Annualised cents and counted subscriptions per segment at a day's end."""
    standing = _standing(day, policy)
    rows = session.execute(
        select(
            standing.c.currency,
            standing.c.plan_id,
            standing.c.billing_period,
            func.sum(standing.c.arr),
            func.count(),
        ).group_by(standing.c.currency, standing.c.plan_id, standing.c.billing_period)
    )
    return {Segment(*where): (int(arr), int(number)) for *where, arr, number in rows}


def couples_at(session: Session, day: date, policy: Policy) -> dict[str, int]:
    """Couples that pay at a day's end, per currency."""
    standing = _standing(day, policy)
    rows = session.execute(
        select(standing.c.currency, func.count(standing.c.relationship_id.distinct())).group_by(
            standing.c.currency
        )
    )
    return {currency: int(number) for currency, number in rows}


def first_day(session: Session) -> date | None:
    """The day of the ledger's first entry; None while it is empty."""
    first = session.scalar(select(func.min(SubscriptionChange.effective_at)))
    return first.date() if first else None


def couple_days(policy: Policy, since: date, until: date) -> CTE:
    """Each couple's movement on each day from `since` to `until` on which it moved.

    Columns: day, currency, relationship_id, movement; before_arr_cents and after_arr_cents, annualised cents
    at the day's two ends.
    """
    posting = both_postings(spans(policy, since, until))
    changes = (
        select(
            posting.c.relationship_id,
            posting.c.currency,
            posting.c.day,
            func.sum(posting.c.arr).label("change"),
        )
        .group_by(posting.c.relationship_id, posting.c.currency, posting.c.day)
        .having(func.sum(posting.c.arr) != 0)
        .cte("changes")
    )
    couple, by_day = (changes.c.relationship_id, changes.c.currency), changes.c.day
    running = select(
        *changes.c,
        func.sum(changes.c.change).over(partition_by=couple, order_by=by_day).label("after"),
        func.row_number().over(partition_by=couple, order_by=by_day).label("nth"),
    ).cte("running")
    before, after = running.c.after - running.c.change, running.c.after
    return (
        select(
            running.c.day,
            running.c.currency,
            running.c.relationship_id,
            case(
                # Every change is one of more than nothing, so a couple's first is from none to some.
                (running.c.nth == 1, "new"),
                (before == 0, "reactivation"),
                (after == 0, "churn"),
                (after > before, "expansion"),
                else_="contraction",
            ).label("movement"),
            before.label("before_arr_cents"),
            after.label("after_arr_cents"),
        )
        .where(running.c.day.between(since, until))
        .cte("couple_days")
    )


def movements(moved: CTE) -> Select[date, str, str, int, int]:
    """Per day, currency and movement of such rows: annualised cents moved (not signed) and couples."""
    return select(
        moved.c.day,
        moved.c.currency,
        moved.c.movement,
        func.sum(func.abs(moved.c.after_arr_cents - moved.c.before_arr_cents)),
        func.count(),
    ).group_by(moved.c.day, moved.c.currency, moved.c.movement)


def segment_changes(policy: Policy, since: date, until: date) -> Select[date, str, str, str, int, int]:
    """Per day and segment: how annualised cents and counted subscriptions changed."""
    posting = both_postings(spans(policy, since, until))
    return (
        select(
            posting.c.day,
            posting.c.currency,
            posting.c.plan_id,
            posting.c.billing_period,
            func.sum(posting.c.arr),
            func.sum(posting.c.subscriptions),
        )
        .where(posting.c.day.between(since, until))
        .group_by(posting.c.day, posting.c.currency, posting.c.plan_id, posting.c.billing_period)
    )


def _standing(day: date, policy: Policy) -> CTE:
    every = spans(policy, None, day)
    return select(every).where(every.c.ends.is_(None)).cte("standing")
