"""A mean with its spread, from sums: what every method for means starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from lib.metrics.stats.samples import Arm, MetricName

Number = int | float | Fraction


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, the variance of one independent unit, and how many of them it stands on.

    Independent units are couples; for users with their couples known, `units` are the couples too.
    """

    mean: float
    variance: float
    units: int

    @property
    def squared_error(self) -> float:
        """The variance of the mean."""
        return self.variance / self.units


def of_rate(conversions: int, units: int) -> Estimate | None:
    """A share as a mean of zeros and ones, with variance p (1 − p). None without units."""
    if not 0 <= conversions <= units or units == 0:
        return None
    rate = conversions / units
    return Estimate(rate, rate * (1 - rate), units)


def of_sums(units: int, total: Number, squares: Number) -> Estimate | None:
    """A mean with the sample variance (n − 1), exact for whole numbers. None for fewer than two units."""
    if units < 2:
        return None
    variance = float((units * squares - total * total) / (units * (units - 1)))
    return Estimate(float(total / units), max(variance, 0.0), units)


def of_revenue(arm: Arm) -> Estimate | None:
    """Cents per unit of an arm."""
    return of_sums(arm.units, arm.revenue_cents, arm.revenue_squares)


def of_clusters(arm: Arm, metric: MetricName) -> Estimate | None:
    """A rate per user whose error respects couples. None without the sums over couples, or fewer than two."""
    sums = arm.clusters
    if sums is None:
        return None
    total, squared, crossed = (
        (arm.conversions, sums.conversions_squared, sums.users_by_conversions)
        if metric == "conversion"
        else (arm.revenue_cents, sums.cents_squared, sums.users_by_cents)
    )
    return of_ratio(sums.clusters, total, arm.units, squared, sums.users_squared, crossed)


def of_ratio(
    units: int, above: Number, below: Number, above_squared: Number, below_squared: Number, crossed: Number
) -> Estimate | None:
    """Σ above / Σ below over independent units, by the delta method. Sums, sums of squares, sum of products.

    None for fewer than two units or nothing below the line.
    """
    if units < 2 or below == 0:
        return None
    ratio = Fraction(above) / Fraction(below)
    residuals = Fraction(above_squared) - 2 * ratio * Fraction(crossed) + ratio**2 * Fraction(below_squared)
    variance = residuals / (units - 1) / (Fraction(below) / units) ** 2
    return Estimate(float(ratio), max(float(variance), 0.0), units)


def adjusted_by_before(arms: Mapping[str, Arm], metric: MetricName) -> dict[str, Estimate] | None:
    """CUPED: every arm's mean, less what the period before explains of it; with its smaller variance.

    None where an arm has no period before or fewer than two units, or nobody's past differs from another's.
    """
    sums = {}
    for variant, arm in arms.items():
        if arm.before is None or arm.units < 2:
            return None
        total, squares, cross = (
            (arm.conversions, arm.conversions, arm.before.cross_conversions)
            if metric == "conversion"
            else (arm.revenue_cents, arm.revenue_squares, arm.before.cross)
        )
        n, before = arm.units, arm.before
        sums[variant] = (
            n,
            Fraction(total, n),
            Fraction(before.cents, n),
            _deviations(n, total, squares, total),
            _deviations(n, before.cents, before.squares, before.cents),
            _deviations(n, before.cents, cross, total),
        )
    spread = sum(row[4] for row in sums.values())
    if not sums or spread <= 0:
        return None
    theta = sum(row[5] for row in sums.values()) / spread
    past = Fraction(sum(arm.before.cents for arm in arms.values() if arm.before)) / sum(
        arm.units for arm in arms.values()
    )
    return {
        variant: Estimate(
            float(mean - theta * (before_mean - past)),
            max(float((now + theta**2 * before - 2 * theta * both) / (n - 1)), 0.0),
            n,
        )
        for variant, (n, mean, before_mean, now, before, both) in sums.items()
    }


def _deviations(units: int, total: Number, products: Number, other: Number) -> Fraction:
    """Σ (x − x̄)(y − ȳ) from the sums of x, x y and y."""
    return Fraction(products) - Fraction(total) * Fraction(other) / units
