"""Two rates compared: tests and intervals by name, from conversions and units."""

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Final, NamedTuple

from scipy.special import ndtri
from scipy.stats import barnard_exact, chi2_contingency, fisher_exact
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    proportions_ztest,
)
from statsmodels.stats.proportion import test_proportions_2indep as unpooled_test

from lib.metrics.stats import methods
from lib.metrics.stats.results import Effect, Interval, Method

EMPTY: Final = "Not computable: nobody is in {}."
IMPOSSIBLE: Final = "Not computable: more conversions than units were counted."
ALL_ALIKE: Final = "No p-value by this method: {} in both arms."
NO_LIFT: Final = "No lift: nobody converted in the control arm."
NO_LIFT_INTERVAL: Final = "No interval of the lift: nobody converted in the treatment arm."


class Counted(NamedTuple):
    """Conversions of units."""

    conversions: int
    units: int

    @property
    def rate(self) -> float:
        return self.conversions / self.units

    @property
    def others(self) -> int:
        return self.units - self.conversions


class _Tested(NamedTuple):
    """What a test and its interval found; None where the method gives none."""

    p: float | None = None
    statistic: float | None = None
    difference_interval: Interval | None = None
    lift_interval: Interval | None = None


def wilson(arm: Counted, alpha: float = 0.05) -> Interval | None:
    """Wilson's interval of one rate. None without units."""
    if _why_not(arm, arm):
        return None
    low, high = proportion_confint(arm.conversions, arm.units, alpha=alpha, method="wilson")
    return Interval(float(low), float(high))


def compared(method: Method, a: Counted, b: Counted, alpha: float = 0.05) -> Effect:
    """What a method for rates says of b against a.

    Two arms without any conversion, or with nothing else, have a difference and perhaps an interval, but no
    p-value of an approximate test.
    """
    why_not = _why_not(a, b)
    if why_not:
        return Effect(method, why_not=why_not)
    found = _TESTS[method.name](a, b, alpha)
    alike = a.conversions + b.conversions in (0, a.units + b.units)
    remarks = [
        ALL_ALIKE.format("nobody converted" if a.conversions == 0 else "everybody converted")
        if alike and method.test and found.p is None
        else "",
        NO_LIFT if a.conversions == 0 else "",
        NO_LIFT_INTERVAL if a.conversions and not b.conversions else "",
    ]
    return Effect(
        method,
        b.rate - a.rate,
        found.difference_interval,
        (b.rate - a.rate) / a.rate if a.conversions else None,
        found.lift_interval,
        found.p,
        found.statistic,
        remark=" ".join(filter(None, remarks)) or None,
    )


def small(a: Counted, b: Counted) -> bool:
    """Whether a cell is expected to hold fewer than 5: then the approximate tests are not to be trusted."""
    together = (a.conversions + b.conversions) / (a.units + b.units) if a.units + b.units else 0.0
    return min(a.units, b.units) * min(together, 1 - together) < 5


def _why_not(a: Counted, b: Counted) -> str | None:
    for arm, words in ((a, "the control arm"), (b, "this arm")):
        if arm.units <= 0:
            return EMPTY.format(words)
        if not 0 <= arm.conversions <= arm.units:
            return IMPOSSIBLE
    return None


def _pooled_z(a: Counted, b: Counted, alpha: float) -> _Tested:
    p = statistic = None
    if _differs(a, b):
        z, tail = proportions_ztest([b.conversions, a.conversions], [b.units, a.units])
        p, statistic = float(tail), float(z)
    return _Tested(p, statistic, _interval("newcomb", a, b, alpha), _ratio_interval(a, b, alpha))


def _fisher(a: Counted, b: Counted, alpha: float) -> _Tested:
    p = float(fisher_exact(_table(a, b)).pvalue)
    return _Tested(p, None, _interval("newcomb", a, b, alpha), _ratio_interval(a, b, alpha))


def _barnard(a: Counted, b: Counted, _alpha: float) -> _Tested:
    return _Tested(float(barnard_exact(_columns(a, b)).pvalue))


def _pearson(a: Counted, b: Counted, _alpha: float) -> _Tested:
    if not _differs(a, b):
        return _Tested()
    found = chi2_contingency(_table(a, b), correction=False)
    return _Tested(float(found.pvalue), float(found.statistic))


def _yates(a: Counted, b: Counted, alpha: float) -> _Tested:
    if not _differs(a, b):
        return _Tested()
    found = chi2_contingency(_table(a, b), correction=True)
    together = (a.conversions + b.conversions) / (a.units + b.units)
    error = sqrt(together * (1 - together) * (1 / a.units + 1 / b.units))
    continuity = 0.5 * (1 / a.units + 1 / b.units)
    half = float(ndtri(1 - alpha / 2)) * error + continuity
    difference = b.rate - a.rate
    lift = None
    if a.conversions and b.conversions:
        factor = exp(float(ndtri(1 - alpha / 2)) * error / together + continuity / a.rate)
        lift = Interval(b.rate / a.rate / factor - 1, b.rate / a.rate * factor - 1)
    return _Tested(
        float(found.pvalue),
        float(found.statistic),
        Interval(max(difference - half, -1.0), min(difference + half, 1.0)),
        lift,
    )


def _wald(a: Counted, b: Counted, alpha: float) -> _Tested:
    if a.conversions * a.others + b.conversions * b.others == 0:
        return _Tested()
    found = unpooled_test(b.conversions, b.units, a.conversions, a.units, method="wald")
    return _Tested(
        float(found.pvalue),
        float(found.statistic),
        _interval("wald", a, b, alpha),
        _ratio_interval(a, b, alpha),
    )


def _agresti_caffo(a: Counted, b: Counted, alpha: float) -> _Tested:
    return _Tested(difference_interval=_interval("agresti-caffo", a, b, alpha))


def _score(a: Counted, b: Counted, alpha: float) -> _Tested:
    return _Tested(difference_interval=_interval("score", a, b, alpha) if _differs(a, b) else None)


def _interval(name: str, a: Counted, b: Counted, alpha: float) -> Interval:
    low, high = confint_proportions_2indep(
        b.conversions, b.units, a.conversions, a.units, method=name, compare="diff", alpha=alpha
    )
    return Interval(float(low), float(high))


def _ratio_interval(a: Counted, b: Counted, alpha: float) -> Interval | None:
    """The lift's, by the delta method on ln b − ln a. None where an arm has no conversions."""
    if not a.conversions or not b.conversions:
        return None
    error = sqrt(a.others / a.conversions / a.units + b.others / b.conversions / b.units)
    middle, half = log(b.rate / a.rate), float(ndtri(1 - alpha / 2)) * error
    return Interval(exp(middle - half) - 1, exp(middle + half) - 1)


def _differs(a: Counted, b: Counted) -> bool:
    """Whether there is a conversion and a unit without one: approximate tests divide by their product."""
    return 0 < a.conversions + b.conversions < a.units + b.units


def _table(a: Counted, b: Counted) -> list[list[int]]:
    return [[a.conversions, a.others], [b.conversions, b.others]]


def _columns(a: Counted, b: Counted) -> list[list[int]]:
    """Arms as columns, whose sums Barnard's test holds: it is not indifferent to a transposition."""
    return [[a.conversions, b.conversions], [a.others, b.others]]


_TESTS: Final[dict[str, Callable[[Counted, Counted, float], _Tested]]] = {
    methods.POOLED_Z.name: _pooled_z,
    methods.FISHER.name: _fisher,
    methods.BARNARD.name: _barnard,
    methods.PEARSON.name: _pearson,
    methods.YATES.name: _yates,
    methods.WALD.name: _wald,
    methods.AGRESTI_CAFFO.name: _agresti_caffo,
    methods.SCORE.name: _score,
}
