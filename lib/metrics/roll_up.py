"""The rows of `admin_couple_moves` and `admin_metric_daily`: worked out here, written by the daily job.

A day closes with what the day before closed with plus what the ledger says about the day. Only the couples
that moved within the range are looked at, each with its whole history. The movements of couples are written
first: the days' movements are their sums, so that a figure and the couples behind it never differ.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Insert, insert, select
from sqlalchemy.orm import Session

from lib.metrics import mrr
from lib.metrics.mrr import ARRIVALS, Ledger, Segment
from lib.metrics.policies import Policy
from lib.metrics.standing import standing_at
from lib.models import CoupleMove, MetricDay

_AMOUNTS: Final = MappingProxyType(
    {
        "new": "new_arr_cents",
        "reactivation": "reactivation_arr_cents",
        "expansion": "expansion_arr_cents",
        "contraction": "contraction_arr_cents",
        "churn": "churn_arr_cents",
    }
)
_COUNTS: Final = MappingProxyType(
    {
        "new": "new_couples",
        "reactivation": "reactivated_couples",
        "expansion": "expanded_couples",
        "contraction": "contracted_couples",
        "churn": "churned_couples",
    }
)
_INVOLUNTARY: Final = ("involuntary_churn_arr_cents", "involuntary_churned_couples")
_NOTHING: Final = MappingProxyType(
    {"arr_cents": 0, "subscriptions": 0}
    | dict.fromkeys((*_AMOUNTS.values(), *_COUNTS.values(), *_INVOLUNTARY), 0)
)


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


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved on one day in one segment, in one direction."""

    segment: Segment
    movement: str
    involuntary: bool
    arr_cents: int
    couples: int


Books = Mapping[str, Book]
"""What stands under each policy, by its name."""


def opening_of(
    session: Session, ledger: Ledger, day: date, policies: Collection[Policy], *, trust_stored: bool
) -> Books:
    """What stood when a day began: by what is stored for the day before if that is trusted, or the ledger."""
    before = day - timedelta(days=1)
    stored = {policy.name: _stored(session, before, policy) if trust_stored else None for policy in policies}
    lacking = [policy for policy in policies if stored[policy.name] is None]
    counted = standing_at(ledger, before, lacking) if lacking else {}
    return {
        name: book or Book(counted[name].segments, counted[name].couples) for name, book in stored.items()
    }


def couple_moves(policies: Collection[Policy], since: date, until: date) -> Insert:
    """The statement that writes every couple's movements of the days from `since` to `until`.

    The database does it by itself: two years of half a million couples pass through no Python.
    """
    found = mrr.couple_moves(policies, since, until)
    return insert(CoupleMove).from_select([column.name for column in found.selected_columns], found)


def rows(
    ledger: Ledger,
    since: date,
    until: date,
    policies: Collection[Policy],
    opening: Books,
    computed_at: datetime,
) -> Iterator[dict[str, Any]]:
    """Every row of the days from `since` to `until`; `opening` is moved on to the end of `until`.

    The movements of couples must be there for these days.
    """
    by_bit = {policy.bit: policy.name for policy in policies}
    changed: dict[tuple[str, date], list[tuple[Segment, int, int]]] = defaultdict(list)
    for bit, day, *where, arr, number in ledger.execute(mrr.segment_changes(policies, since, until)):
        changed[by_bit[bit], day].append((Segment(*where), int(arr), int(number)))
    moved = {policy.name: _moved(ledger, since, until, policy) for policy in policies}
    for offset in range((until - since).days + 1):
        day = since + timedelta(days=offset)
        for name, book in opening.items():
            for change in changed[name, day]:
                book.move(*change)
            head = {"day": day, "policy": name, "computed_at": computed_at}
            for row in _day(book, moved[name].get(day, ())):
                yield head | row


def stored_moves(since: date, until: date) -> Any:
    """The movements of a range of days as they are stored: rows of `admin_couple_moves`."""
    return select(CoupleMove).where(CoupleMove.day.between(since, until))


def _moved(ledger: Ledger, since: date, until: date, policy: Policy) -> dict[date, list[Moved]]:
    stored = stored_moves(since, until).cte("moved")
    found: dict[date, list[Moved]] = defaultdict(list)
    for day, currency, movement, plan_id, period, source, involuntary, arr, couples in ledger.execute(
        mrr.amounts(stored.c, policy)
    ):
        segment = Segment(currency, plan_id, period, source)
        found[day].append(Moved(segment, movement, bool(involuntary), int(arr), int(couples)))
    return found


def _day(book: Book, moved: Collection[Moved]) -> Iterator[dict[str, Any]]:
    """The rows of one day: its segments, and the total of each currency."""
    segments: dict[Segment, dict[str, int]] = {}
    for segment, (arr_cents, subscriptions) in book.segments.items():
        if subscriptions:
            segments[segment] = _NOTHING | {"arr_cents": arr_cents, "subscriptions": subscriptions}
    for each in moved:
        _add(segments.setdefault(each.segment, dict(_NOTHING)), each)
        if each.movement in ARRIVALS:
            book.couples[each.segment.currency] += each.couples
        elif each.movement == "churn":
            book.couples[each.segment.currency] -= each.couples
    totals = {currency: dict(_NOTHING) for currency in book.couples}
    for segment, values in segments.items():
        total = totals[segment.currency]
        for name, value in values.items():
            total[name] += value
        yield _key(segment) | values | {"couples": None}
    for currency, total in totals.items():
        yield _key(Segment(currency, "", "", "")) | total | {"couples": book.couples[currency]}


def _add(row: dict[str, int], moved: Moved) -> None:
    row[_AMOUNTS[moved.movement]] += moved.arr_cents
    row[_COUNTS[moved.movement]] += moved.couples
    if moved.involuntary and moved.movement == "churn":
        for name, value in zip(_INVOLUNTARY, (moved.arr_cents, moved.couples), strict=True):
            row[name] += value


def _key(segment: Segment) -> dict[str, Any]:
    return {
        "currency": segment.currency,
        "plan_id": segment.plan_id,
        "billing_period": segment.billing_period,
        "source": segment.source,
    }


def _stored(session: Session, day: date, policy: Policy) -> Book | None:
    book = Book({}, {})
    for row in session.execute(
        select(
            MetricDay.currency,
            MetricDay.plan_id,
            MetricDay.billing_period,
            MetricDay.source,
            MetricDay.arr_cents,
            MetricDay.subscriptions,
            MetricDay.couples,
        ).where(MetricDay.day == day, MetricDay.policy == policy.name)
    ):
        if row.plan_id:
            segment = Segment(row.currency, row.plan_id, row.billing_period, row.source)
            book.segments[segment] = (row.arr_cents, row.subscriptions)
        else:
            book.couples[row.currency] = row.couples or 0
    return book if book.couples else None
