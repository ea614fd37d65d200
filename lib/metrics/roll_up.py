"""The rows of `admin_couple_movements` and `admin_metric_daily`: worked out here, written by the daily job.

A day closes with what the day before closed with plus what the ledger says about the day. Only the couples
that moved within the range are looked at, each with its whole history. The movements of couples are written
first: the days' movements are their sums, so that a figure and the couples behind it never differ.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import CTE, Insert, insert, literal, select
from sqlalchemy.orm import Session

from lib.metrics import mrr
from lib.metrics.mrr import Segment
from lib.metrics.policies import Policy
from lib.metrics.spans import spans
from lib.models import CoupleMovement, MetricDay

_AMOUNTS: Final = {
    "new": "new_arr_cents",
    "reactivation": "reactivation_arr_cents",
    "expansion": "expansion_arr_cents",
    "contraction": "contraction_arr_cents",
    "churn": "churn_arr_cents",
}
_COUNTS: Final = {"new": "new_couples", "reactivation": "reactivated_couples", "churn": "churned_couples"}
_CHANGE_OF_COUPLES: Final = {"new": 1, "reactivation": 1, "churn": -1}
_NO_MOVEMENT: Final = dict.fromkeys((*_AMOUNTS.values(), *_COUNTS.values()), 0)


@dataclass(slots=True)
class Book:
    """What stands at one moment: annualised cents and subscriptions per segment, couples per currency.

    A currency in which something ever counted stays in `couples`, with 0 if nothing stands in it any more.
    """

    segments: dict[Segment, tuple[int, int]]
    couples: dict[str, int]

    def move(self, segment: Segment, arr_cents: int, subscriptions: int) -> None:
        """Add to a segment what a day changed in it."""
        arr_before, subscriptions_before = self.segments.get(segment, (0, 0))
        self.segments[segment] = (arr_before + arr_cents, subscriptions_before + subscriptions)
        self.couples.setdefault(segment.currency, 0)


def opening_of(session: Session, day: date, policy: Policy, *, trust_stored: bool) -> Book:
    """What stood when a day began, by the row stored for the day before if that is trusted, or the ledger."""
    before = day - timedelta(days=1)
    book = _stored(session, before, policy) if trust_stored else None
    return book or _from_ledger(session, before, policy)


def couple_movements(since: date, until: date, policy: Policy) -> Insert:
    """The statement that writes every couple's movements of the days from `since` to `until`.

    The database does it by itself: two years of half a million couples pass through no Python.
    """
    moved = mrr.couple_days(policy, since, until)
    # In the order of the key, so that the table grows at its end.
    found = select(literal(policy.name).label("policy"), *moved.c).order_by(
        moved.c.day, moved.c.currency, moved.c.relationship_id
    )
    return insert(CoupleMovement).from_select([column.name for column in found.selected_columns], found)


def rows(
    session: Session, since: date, until: date, policy: Policy, opening: Book, computed_at: datetime
) -> Iterator[dict[str, Any]]:
    """Every row of the days from `since` to `until`; `opening` is moved on to the end of `until`.

    The movements of couples must be there for these days.
    """
    changed: dict[date, list[tuple[Segment, int, int]]] = defaultdict(list)
    for day, currency, plan_id, period, arr, number in session.execute(
        mrr.segment_changes(policy, since, until)
    ):
        changed[day].append((Segment(currency, plan_id, period), int(arr), int(number)))
    moved: dict[date, list[tuple[str, str, int, int]]] = defaultdict(list)
    for day, currency, movement, arr, couples in session.execute(
        mrr.movements(_stored_movements(since, until, policy))
    ):
        moved[day].append((currency, movement, int(arr), int(couples)))

    for offset in range((until - since).days + 1):
        day = since + timedelta(days=offset)
        for change in changed[day]:
            opening.move(*change)
        head = {"day": day, "policy": policy.name, "source": "", "computed_at": computed_at}
        for row in (*_segment_rows(opening), *_total_rows(opening, moved[day])):
            yield head | row


def _segment_rows(book: Book) -> Iterator[dict[str, Any]]:
    for segment, (arr_cents, subscriptions) in book.segments.items():
        if subscriptions:
            yield _NO_MOVEMENT | {
                "currency": segment.currency,
                "plan_id": segment.plan_id,
                "billing_period": segment.billing_period,
                "arr_cents": arr_cents,
                "subscriptions": subscriptions,
                "couples": None,
            }


def _total_rows(book: Book, moved: list[tuple[str, str, int, int]]) -> Iterator[dict[str, Any]]:
    totals = {currency: _NO_MOVEMENT | {"arr_cents": 0, "subscriptions": 0} for currency in book.couples}
    for currency, movement, arr_cents, couples in moved:
        totals[currency][_AMOUNTS[movement]] += arr_cents
        if movement in _COUNTS:
            totals[currency][_COUNTS[movement]] += couples
        book.couples[currency] += _CHANGE_OF_COUPLES.get(movement, 0) * couples
    for segment, (arr_cents, subscriptions) in book.segments.items():
        totals[segment.currency]["arr_cents"] += arr_cents
        totals[segment.currency]["subscriptions"] += subscriptions
    for currency, total in totals.items():
        yield total | {
            "currency": currency,
            "plan_id": "",
            "billing_period": "",
            "couples": book.couples[currency],
        }


def _stored_movements(since: date, until: date, policy: Policy) -> CTE:
    return (
        select(CoupleMovement)
        .where(CoupleMovement.policy == policy.name, CoupleMovement.day.between(since, until))
        .cte("moved")
    )


def _stored(session: Session, day: date, policy: Policy) -> Book | None:
    book = Book({}, {})
    for row in session.execute(
        select(
            MetricDay.currency,
            MetricDay.plan_id,
            MetricDay.billing_period,
            MetricDay.arr_cents,
            MetricDay.subscriptions,
            MetricDay.couples,
        ).where(MetricDay.day == day, MetricDay.policy == policy.name)
    ):
        if row.plan_id:
            segment = Segment(row.currency, row.plan_id, row.billing_period)
            book.segments[segment] = (row.arr_cents, row.subscriptions)
        else:
            book.couples[row.currency] = row.couples or 0
    return book if book.couples else None


def _from_ledger(session: Session, day: date, policy: Policy) -> Book:
    known = session.scalars(select(spans(policy, None, day).c.currency).distinct())
    couples = dict.fromkeys(known, 0) | mrr.couples_at(session, day, policy)
    return Book(mrr.segments_at(session, day, policy), couples)
