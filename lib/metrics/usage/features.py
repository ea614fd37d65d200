"""Who used what: people a day, in 7 and in 28 days, and couples of whom one or both did."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from lib.metrics.usage.bits import Tally, lasting, span
from lib.metrics.usage.gathering import LOOKBACK, WINDOW, Gathered

WEEK = 7
Partners = Sequence[tuple[str, str, str]]
"""Couples: id and the two people."""


def day_rows(found: Gathered, partners: Partners, now: datetime) -> list[dict[str, Any]]:
    """The rows of `admin_feature_days`, without first uses, which follow from `admin_feature_people`."""
    rows = []
    for feature, people in found.used.items():
        windows = _people(people, found.length)
        windows |= _couples(people, partners, found.length)
        for number, day in enumerate(found.days()):
            counts = {name: totals[number] for name, totals in windows.items()}
            if counts["people_28"]:
                uses = found.uses[day, feature]
                rows.append({"day": day, "feature": feature, **counts, "uses": uses, "computed_at": now})
    return rows


def person_rows(found: Gathered) -> list[dict[str, Any]]:
    """The rows of `admin_feature_people` as far as these days tell; `days_28` as of the last of them."""
    counted = span(LOOKBACK, LOOKBACK + found.length)
    newest = span(found.length - 1, found.length - 1 + WINDOW)
    return [
        {
            "feature": feature,
            "user_id": person,
            "relationship_id": found.couples.get(person),
            "first_day": found.base + timedelta(days=(days & -days).bit_length() - 1),
            "last_day": found.base + timedelta(days=days.bit_length() - 1),
            "days_28": (used & newest).bit_count(),
        }
        for feature, people in found.used.items()
        for person, used in people.items()
        if (days := used & counted)
    ]


def _people(people: Mapping[str, int], length: int) -> dict[str, list[int]]:
    tallies = {"people": (Tally(length), 1), "people_7": (Tally(length), WEEK)}
    tallies["people_28"] = (Tally(length), WINDOW)
    for days in people.values():
        for tally, window in tallies.values():
            tally.add(_within(days, window, length))
    return {name: tally.totals() for name, (tally, _) in tallies.items()}


def _couples(people: Mapping[str, int], partners: Partners, length: int) -> dict[str, list[int]]:
    either, both = Tally(length), Tally(length)
    for _, first, second in partners:
        one, other = people.get(first, 0), people.get(second, 0) if first != second else 0
        if one or other:
            one, other = _within(one, WINDOW, length), _within(other, WINDOW, length)
            either.add(one | other)
            both.add(one & other)
    return {"couples_28": either.totals(), "both_28": both.totals()}


def _within(days: int, window: int, length: int) -> int:
    """The counted days that lie within `window` days of a set one; bit 0 is the first that is counted."""
    return (lasting(days, window) & span(LOOKBACK, LOOKBACK + length)) >> LOOKBACK
