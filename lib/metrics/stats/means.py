"""Two means compared: Welch, Student, GrowthBook's frequentist, sequential and Gaussian engines."""

from dataclasses import replace
from math import exp, log, pi, sqrt
from typing import Final, Literal, NamedTuple

from scipy.special import ndtr, ndtri, stdtr, stdtrit
from scipy.stats import ttest_ind_from_stats

from lib.metrics.stats import methods
from lib.metrics.stats.estimates import Estimate
from lib.metrics.stats.results import Effect, Interval, Method

Scale = Literal["difference", "lift"]

NO_SPREAD: Final = "Not computable by this method: all units of an arm have the same value."
TOO_FEW: Final = "Not computable by this method: an arm has fewer than two units."
NO_LIFT: Final = "No lift: the control’s mean is not above zero."


class _Point(NamedTuple):
    """What GrowthBook's methods share: the estimate on a scale, its variance, degrees, units of both arms.

    `difference` and `lift` are there on either scale.
    """

    value: float
    variance: float
    degrees: float
    units: int
    difference: float
    lift: float | None


def welch(
    a: Estimate | None, b: Estimate | None, alpha: float = 0.05, method: Method = methods.WELCH
) -> Effect:
    """Welch's t of b against a. One arm without spread is enough to compute, two are not."""
    if a is None or b is None:
        return Effect(method, why_not=TOO_FEW)
    error = a.squared_error + b.squared_error
    if error <= 0:
        return Effect(method, why_not=NO_SPREAD)
    found = ttest_ind_from_stats(
        a.mean, sqrt(a.variance), a.units, b.mean, sqrt(b.variance), b.units, equal_var=False
    )
    degrees = _degrees(a, b)
    half = float(stdtrit(degrees, 1 - alpha / 2)) * sqrt(error)
    difference = b.mean - a.mean
    return Effect(
        method,
        difference,
        Interval(difference - half, difference + half),
        difference / a.mean if a.mean > 0 else None,
        _log_interval(a, b, alpha),
        p=float(found.pvalue),
        statistic=-float(found.statistic),
        degrees=degrees,
        remark=None if a.mean > 0 else NO_LIFT,
    )


def student(a: Estimate | None, b: Estimate | None, alpha: float = 0.05) -> Effect:
    """Student's t of b against a, variances pooled."""
    if a is None or b is None:
        return Effect(methods.STUDENT, why_not=TOO_FEW)
    degrees = a.units + b.units - 2
    pooled = ((a.units - 1) * a.variance + (b.units - 1) * b.variance) / degrees
    if pooled <= 0:
        return Effect(methods.STUDENT, why_not=NO_SPREAD)
    found = ttest_ind_from_stats(a.mean, sqrt(a.variance), a.units, b.mean, sqrt(b.variance), b.units)
    half = float(stdtrit(degrees, 1 - alpha / 2)) * sqrt(pooled * (1 / a.units + 1 / b.units))
    difference = b.mean - a.mean
    return Effect(
        methods.STUDENT,
        difference,
        Interval(difference - half, difference + half),
        difference / a.mean if a.mean > 0 else None,
        p=float(found.pvalue),
        statistic=-float(found.statistic),
        degrees=degrees,
        remark=None if a.mean > 0 else NO_LIFT,
    )


def growthbook(a: Estimate | None, b: Estimate | None, scale: Scale, alpha: float = 0.05) -> Effect:
    """GrowthBook's frequentist engine: Welch's t on the difference, or on the lift by the delta method."""
    method = methods.GROWTHBOOK_LIFT if scale == "lift" else methods.GROWTHBOOK_DIFFERENCE
    point = _point(a, b, scale)
    if isinstance(point, str):
        return Effect(method, why_not=point)
    error = sqrt(point.variance)
    half = float(stdtrit(point.degrees, 1 - alpha / 2)) * error
    t = point.value / error
    return replace(
        _on_scale(method, scale, point, point.value, half),
        p=2 * float(stdtr(point.degrees, -abs(t))),
        statistic=t,
        degrees=point.degrees,
    )


def sequential(
    a: Estimate | None, b: Estimate | None, scale: Scale, alpha: float = 0.05, tuning: float = 5000.0
) -> Effect:
    """GrowthBook's always-valid interval and p: the promise holds for every look at once."""
    method = methods.SEQUENTIAL_LIFT if scale == "lift" else methods.SEQUENTIAL_DIFFERENCE
    point = _point(a, b, scale)
    if isinstance(point, str):
        return Effect(method, why_not=point)
    n, spread = point.units, sqrt(point.variance * point.units)
    squared = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuning
    widened = n * squared + 1
    half = spread * sqrt(2 * widened * (log(widened) / 2 - log(alpha)) / (n * n * squared))
    evidence = squared * (point.value * n / spread) ** 2 / (2 * widened) - log(widened) / 2
    return replace(_on_scale(method, scale, point, point.value, half), p=exp(-max(evidence, 0.0)))


def gaussian(
    a: Estimate | None,
    b: Estimate | None,
    scale: Scale,
    alpha: float = 0.05,
    prior_deviation: float | None = None,
) -> Effect:
    """GrowthBook's Bayesian engine: a normal posterior under a flat prior, or of the lift under N(0, σ²)."""
    flat = methods.GAUSSIAN_LIFT if scale == "lift" else methods.GAUSSIAN_DIFFERENCE
    method = flat if prior_deviation is None else methods.GAUSSIAN_PRIOR
    point = _point(a, b, scale)
    if isinstance(point, str):
        return Effect(method, why_not=point)
    weight = 1.0 if prior_deviation is None else 1 / (1 + point.variance / prior_deviation**2)
    mean, deviation = point.value * weight, sqrt(point.variance * weight)
    z = mean / deviation
    gain = deviation * exp(-z * z / 2) / sqrt(2 * pi)
    return replace(
        _on_scale(method, scale, point, mean, float(ndtri(1 - alpha / 2)) * deviation),
        chance_to_win=float(ndtr(z)),
        expected_loss=gain - mean * float(ndtr(-z)),
        expected_loss_of_control=gain + mean * float(ndtr(z)),
    )


def _point(a: Estimate | None, b: Estimate | None, scale: Scale) -> _Point | str:
    """The estimate on a scale, or why there is none."""
    if a is None or b is None:
        return TOO_FEW
    if a.variance <= 0 or b.variance <= 0 or min(a.units, b.units) < 2:
        return NO_SPREAD
    degrees, units, difference = _degrees(a, b), a.units + b.units, b.mean - a.mean
    lift = difference / a.mean if a.mean > 0 else None
    if scale == "difference":
        return _Point(difference, a.squared_error + b.squared_error, degrees, units, difference, lift)
    if lift is None:
        return NO_LIFT
    variance = b.squared_error / a.mean**2 + a.squared_error * b.mean**2 / a.mean**4
    return _Point(lift, variance, degrees, units, difference, lift)


def _on_scale(method: Method, scale: Scale, point: _Point, middle: float, half: float) -> Effect:
    """An effect whose interval, `middle` ± `half`, is on one scale; the other scale has its value alone."""
    interval = Interval(middle - half, middle + half)
    return Effect(
        method,
        middle if scale == "difference" else point.difference,
        interval if scale == "difference" else None,
        middle if scale == "lift" else point.lift,
        interval if scale == "lift" else None,
        loss_of=scale,
        remark=None if point.lift is not None else NO_LIFT,
    )


def _degrees(a: Estimate, b: Estimate) -> float:
    """Welch and Satterthwaite's degrees of freedom."""
    return (a.squared_error + b.squared_error) ** 2 / (
        a.squared_error**2 / (a.units - 1) + b.squared_error**2 / (b.units - 1)
    )


def _log_interval(a: Estimate, b: Estimate, alpha: float) -> Interval | None:
    """The lift's interval from that of ln b − ln a, with its own degrees. None unless both means exceed 0."""
    if a.mean <= 0 or b.mean <= 0:
        return None
    left = Estimate(log(a.mean), a.variance / a.mean**2, a.units)
    right = Estimate(log(b.mean), b.variance / b.mean**2, b.units)
    half = float(stdtrit(_degrees(left, right), 1 - alpha / 2)) * sqrt(
        left.squared_error + right.squared_error
    )
    middle = right.mean - left.mean
    return Interval(exp(middle - half) - 1, exp(middle + half) - 1)
