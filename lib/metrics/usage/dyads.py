"""Paying couples by who of the two came: both, one, or none; and how one-sided they are.

A couple pays on a day if the house policy counts any of its subscriptions. Imbalance: of the days on which
the two came within 28 days, the difference / the sum; 0 where they came equally often, 1 where only one did.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lib.metrics.policies import HOUSE
from lib.metrics.spans import spans
from lib.metrics.usage.bits import Tally, bit, coming, lasting, span
from lib.metrics.usage.features import Partners
from lib.metrics.usage.gathering import ANYTHING, LOOKBACK, WINDOW, Gathered
from lib.models import CoupleMove

STATES: Final = ("both", "one", "none")
FOLLOWED_FOR: Final = 30
"""Days after which it is known who of them left."""
_WINDOW_BITS: Final = (1 << WINDOW) - 1

_Account = tuple[str, str]
"""A couple and a currency in which it pays."""


@dataclass(slots=True)
class Paying:
    """When couples paid and when they left, as bits; bit 0 is the first day that is counted."""

    spans: dict[_Account, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    churned: dict[_Account, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Sums:
    """One state and currency, by day."""

    couples: Tally
    arr: Tally
    churned: Tally
    imbalance: list[int]


def paying(session: Session, first: date, last: date) -> Paying:
    """Who paid from `first` to `last`, and who left in those days or the 30 after. Two statements."""
    found = Paying()
    each = spans(HOUSE, None, last)
    standing = select(each).where(or_(each.c.ends.is_(None), each.c.ends > first))
    for row in session.execute(standing):
        begins = (row.begins - first).days
        ends = (last - first).days + 1 if row.ends is None else (row.ends - first).days
        found.spans[row.relationship_id, row.currency].append((span(begins, ends), int(row.arr)))
    move = CoupleMove
    left = select(move.relationship_id, move.currency, move.day).where(
        move.day.between(first + timedelta(days=1), last + timedelta(days=FOLLOWED_FOR)),
        move.movement == "churn",
        move.policies.bitwise_and(HOUSE.bit) != 0,
    )
    for row in session.execute(left):
        account = row.relationship_id, row.currency
        found.churned[account] = found.churned.get(account, 0) | bit(row.day, first)
    return found


def day_rows(
    found: Gathered, partners: Partners, pays: Paying, over_until: date, now: datetime
) -> list[dict[str, Any]]:
    """The rows of `admin_dyad_days`. `over_until`: the newest day that is over, for who left since."""
    length, people = found.length, found.used[ANYTHING]
    sums: dict[tuple[str, str], _Sums] = {}
    pairs = {couple: (first, second) for couple, first, second in partners}
    for account, stretches in pays.spans.items():
        one, other = _days_of(pairs.get(account[0]), people)
        leaves = coming(pays.churned.get(account, 0), FOLLOWED_FOR)
        for state, days in _states(one, other, length).items():
            there = sums.setdefault((state, account[1]), _new(length))
            standing = 0
            for stretch, arr in stretches:
                there.arr.add(stretch & days, arr)
                standing |= stretch & days
            there.couples.add(standing)
            there.churned.add(standing & leaves)
            if state != "none":
                _add_imbalance(there.imbalance, standing, one, other)
    return [
        row
        for (state, currency), there in sums.items()
        for row in _rows(found, state, currency, there, over_until, now)
    ]


def couple_rows(found: Gathered, partners: Partners, pays: Paying) -> list[dict[str, Any]]:
    """The rows of `admin_dyads`: every couple that pays on the last day."""
    people, newest, shift = found.used[ANYTHING], 1 << (found.length - 1), found.length - 1
    pairs = {couple: (first, second) for couple, first, second in partners}
    rows = []
    for (couple, currency), stretches in pays.spans.items():
        arr = sum(cents for stretch, cents in stretches if stretch & newest)
        if not arr:
            continue
        one, other = _days_of(pairs.get(couple), people)
        days_1, days_2 = _came(one, shift), _came(other, shift)
        rows.append(
            {
                "relationship_id": couple,
                "currency": currency,
                "state": STATES[(not days_1) + (not days_2)],
                "arr_cents": arr,
                "days_1": days_1,
                "days_2": days_2,
                "imbalance_permille": imbalance(days_1, days_2),
                "day": found.last,
            }
        )
    return rows


def imbalance(days_1: int, days_2: int) -> int:
    """How one-sided a couple is, in thousandths: |first - second| / (first + second); 0 of nothing."""
    return 1000 * abs(days_1 - days_2) // ((days_1 + days_2) or 1)


def _days_of(pair: tuple[str, str] | None, people: Mapping[str, int]) -> tuple[int, int]:
    """The days of both; of a person who is a couple alone, and of nobody, there is no second one."""
    if pair is None:
        return 0, 0
    first, second = pair
    return people.get(first, 0), people.get(second, 0) if second != first else 0


def _states(one: int, other: int, length: int) -> dict[str, int]:
    """The days that a couple spends in each state; bit 0 is the first that is counted."""
    every = span(0, length)
    first = (lasting(one, WINDOW) >> LOOKBACK) & every
    second = (lasting(other, WINDOW) >> LOOKBACK) & every
    return {"both": first & second, "one": first ^ second, "none": every & ~(first | second)}


def _add_imbalance(sums: list[int], standing: int, one: int, other: int) -> None:
    while standing:
        lowest = standing & -standing
        number = lowest.bit_length() - 1
        sums[number] += imbalance(_came(one, number), _came(other, number))
        standing ^= lowest


def _came(days: int, number: int) -> int:
    """On how many of the 28 days that end with a counted day somebody came."""
    return ((days >> number) & _WINDOW_BITS).bit_count()


def _new(length: int) -> _Sums:
    return _Sums(Tally(length), Tally(length), Tally(length), [0] * length)


def _rows(
    found: Gathered, state: str, currency: str, there: _Sums, over_until: date, now: datetime
) -> list[dict[str, Any]]:
    by_day = zip(
        found.days(),
        there.couples.totals(),
        there.arr.totals(),
        there.churned.totals(),
        there.imbalance,
        strict=True,
    )
    return [
        {
            "day": day,
            "state": state,
            "currency": currency,
            "couples": couples,
            "arr_cents": arr,
            "imbalance_permille": uneven,
            "churned": left if day + timedelta(days=FOLLOWED_FOR) <= over_until else None,
            "computed_at": now,
        }
        for day, couples, arr, left, uneven in by_day
        if couples
    ]
