"""Intervals for a test that is looked at a few planned times: group-sequential bounds by alpha spending."""

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from lib.metrics.stats import methods
from lib.metrics.stats.estimates import Estimate
from lib.metrics.stats.means import NO_LIFT, NO_SPREAD, TOO_FEW
from lib.metrics.stats.results import Effect, Interval

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
_FAR: Final = 10.0
_Places = np.ndarray[tuple[int], np.dtype[np.float64]]


def group_sequential(
    a: Estimate | None, b: Estimate | None, looks: Sequence[float], alpha: float = 0.05
) -> Effect:
    """The difference with its interval at the last of `looks`, all of which together err with alpha.

    `looks` are shares of the planned size, rising, above 0 and at most 1; the last one is now.
    """
    method = methods.GROUP_SEQUENTIAL
    if a is None or b is None:
        return Effect(method, why_not=TOO_FEW)
    error = sqrt(a.squared_error + b.squared_error)
    if error <= 0:
        return Effect(method, why_not=NO_SPREAD)
    if not looks or list(looks) != sorted(set(looks)) or not 0 < looks[0] <= looks[-1] <= 1:
        return Effect(method, why_not="Not computable: looks have to rise, from above 0 to the planned size.")
    difference, half = b.mean - a.mean, bounds(looks, alpha)[-1] * error
    return Effect(
        method,
        difference,
        Interval(difference - half, difference + half),
        difference / a.mean if a.mean > 0 else None,
        statistic=difference / error,
        remark=None if a.mean > 0 else NO_LIFT,
    )


def bounds(looks: Sequence[float], alpha: float = 0.05) -> list[float]:
    """How far |z| has to go at each look. At a share t of the size, alpha t² of the error has been spent.

    Between looks z √t is a walk with independent steps: what has not crossed a bound before is carried on as
    a density, and each bound is put where just the error of its look is left outside.
    """
    found: list[float] = []
    places, density, before = np.zeros(1), np.ones(1), 0.0
    for now in looks:
        step, spent = sqrt(now - before), alpha * (now**2 - before**2)
        edge = float(
            brentq(_left_over, 0.0, _FAR * sqrt(now), args=(places, density, step, spent), xtol=1e-13)
        )
        found.append(edge / sqrt(now))
        ahead = edge * _NODES
        steps = np.exp(-(((ahead[:, None] - places) / step) ** 2) / 2) / step / sqrt(2 * np.pi)
        places, density, before = ahead, edge * _WEIGHTS * (steps @ density), now
    return found


def _left_over(bound: float, places: _Places, density: _Places, step: float, spent: float) -> float:
    """What crosses a bound in one step, less what may."""
    beyond = ndtr((places - bound) / step) + ndtr((-bound - places) / step)
    return float(np.sum(density * beyond)) - spent
