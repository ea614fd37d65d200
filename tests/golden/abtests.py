"""The published A/B tests: their cases, and how a figure of ours is held against one of theirs."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from lib.metrics.stats.estimates import Estimate, of_rate, of_sums
from tests.conftest import golden

Given = dict[str, Any]
Figures = Mapping[str, Any]


@cache
def published() -> Given:
    found: Given = json.loads(golden("abtests.json").read_text())
    return found


def comparisons() -> Iterator[tuple[str, Given, Given, Given]]:
    """Each treatment arm of each case: where it stands, both arms' input, and what is published of it."""
    for case in published()["cases"]:
        for row in case["vs_control"]:
            yield f"{case['id']}.{row['arm']}", case["arms"][0], case["arms"][row["arm"]], row


def estimate(arm: Given) -> Estimate | None:
    """An arm of the file, however its input is given."""
    if "conversions" in arm:
        return of_rate(arm["conversions"], arm["n"])
    if "values" in arm:
        values = arm["values"]
        return of_sums(len(values), sum(values), sum(value * value for value in values))
    return of_sums(arm["n"], arm["sum"], arm["sumsq"])


def units(arm: Given) -> int:
    count: int = arm["n"] if "n" in arm else len(arm["values"])
    return count


def differing(ours: Figures, theirs: Figures, where: str) -> list[str]:
    """What is not alike, and what of theirs nobody handles.

    A callable of ours is called only where they have the figure.
    """
    wrong = []
    for key, their in theirs.items():
        if key not in ours:
            wrong.append(f"{where}.{key} is handled by nobody")
            continue
        found = ours[key]() if isinstance(ours[key], Callable) else ours[key]
        if isinstance(found, Mapping) and isinstance(their, dict) and not undefined(their):
            wrong += differing(found, their, f"{where}.{key}")
        elif not alike(found, their):
            wrong.append(f"{where}.{key}: {found} where they have {their}")
    return wrong


def undefined(theirs: Any) -> bool:
    """Whether their program gave no number: then ours must not have one either."""
    if isinstance(theirs, dict):
        return not theirs.keys().isdisjoint({"exception", "undefined"}) or all(
            map(undefined, theirs.values())
        )
    return theirs is None or theirs in ("NaN", "nan")


def alike(ours: Any, theirs: Any) -> bool:
    """To 5 significant digits. Where they subtract from 1 and get 0, ours is below 1e-15."""
    if undefined(theirs):
        return ours is None or (isinstance(ours, Mapping) and set(ours.values()) == {None})
    if isinstance(theirs, str):
        return bool(ours == theirs)
    if isinstance(theirs, list):
        return ours is not None and all(alike(a, b) for a, b in zip(ours, theirs, strict=True))
    if not isinstance(ours, int | float) or not isinstance(theirs, int | float):
        return False
    return abs(ours - theirs) < 1e-15 or math.isclose(ours, theirs, rel_tol=5e-6)
