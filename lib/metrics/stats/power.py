"""How many units a test needs, what it can find with those it has, and how long that takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

SizeFormula = Literal["pooled", "unpooled", "arcsine", "evan_miller"]


@dataclass(frozen=True, slots=True)
class PlannedSize:
    """Units per arm and in all arms, and whole days at the given pace. None with `why_not`."""

    per_arm: int | None
    total: int | None
    days: int | None
    why_not: str | None = None


def planned(
    baseline: float,
    lift: float,
    units_per_day: float,
    split: Sequence[float] = (1, 1),
    alpha: float = 0.05,
    power: float = 0.8,
) -> PlannedSize:
    """The size of a test that finds `lift` over the rate `baseline` with `power`, and its days.

    `split` are weights in any unit, one per arm; the smallest arm sets the size. `units_per_day` are those of
    all arms together.
    """
    why_not = _why_not(baseline, lift) or (
        "Not computable: every arm needs a share of the traffic, and there are at least two."
        if len(split) < 2 or min(split) <= 0
        else None
    )
    if why_not:
        return PlannedSize(None, None, None, why_not)
    per_arm = ceil(sample_size(baseline, lift, alpha, power))
    total = ceil(per_arm * sum(split) / min(split))
    days = ceil(total / units_per_day) if units_per_day > 0 else None
    return PlannedSize(
        per_arm, total, days, None if days else "No days: nobody is expected to come into the test."
    )


def sample_size(
    baseline: float,
    lift: float,
    alpha: float = 0.05,
    power: float = 0.8,
    formula: SizeFormula = "pooled",
) -> float:
    """Units per arm, not rounded, for two equal arms and a two-sided test.

    `pooled` (Fleiss, without correction) belongs to the pooled z-test and is what the planner uses,
    `unpooled` to the unpooled one; `arcsine` is statsmodels' effect size, `evan_miller` his page's formula.
    Both rates have to lie strictly between 0 and 1, and differ.
    """
    a, b = baseline, baseline * (1 + lift)
    z_alpha, z_power = float(ndtri(1 - alpha / 2)), float(ndtri(power))
    middle = (a + b) / 2
    match formula:
        case "pooled":
            spread = z_alpha * sqrt(2 * middle * (1 - middle)) + z_power * sqrt(a * (1 - a) + b * (1 - b))
            return (spread / (b - a)) ** 2
        case "unpooled":
            return (z_alpha + z_power) ** 2 * (a * (1 - a) + b * (1 - b)) / (b - a) ** 2
        case "evan_miller":
            spread = z_alpha * sqrt(2 * a * (1 - a)) + z_power * sqrt(a * (1 - a) + b * (1 - b))
            return (spread / (b - a)) ** 2
        case "arcsine":
            return _arcsine_size(a, b, alpha, power)


def power_of(baseline: float, lift: float, per_arm: float, alpha: float = 0.05) -> float:
    """The chance that a pooled z-test of this size finds `lift`; the far tail is left out."""
    a, b = baseline, baseline * (1 + lift)
    middle = (a + b) / 2
    reach = abs(b - a) * sqrt(per_arm) - float(ndtri(1 - alpha / 2)) * sqrt(2 * middle * (1 - middle))
    return float(ndtr(reach / sqrt(a * (1 - a) + b * (1 - b))))


def minimum_detectable_lift(
    baseline: float, per_arm: float, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest rise, as a fraction of `baseline`, that a test of this size finds with `power`.

    None where not even a rise to nearly 100 % would be found, or the baseline leaves no room.
    """
    if not 0 < baseline < 1 or per_arm <= 0:
        return None
    highest = (1 - 1e-9) / baseline - 1
    if power_of(baseline, highest, per_arm, alpha) < power:
        return None
    found = brentq(lambda lift: power_of(baseline, lift, per_arm, alpha) - power, 1e-12, highest, xtol=1e-12)
    return float(found)


def detectable_difference(
    variance: float, a_units: float, b_units: float, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The difference of two means that these sizes find, the control's variance holding for both arms."""
    return float(ndtri(1 - alpha / 2) + ndtri(power)) * sqrt(variance * (1 / a_units + 1 / b_units))


def total_size_for_difference(
    variance: float, difference: float, ratio: float = 1.0, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Units of both arms to find a difference of means; `ratio` is treatment units per control unit."""
    standardised = float(ndtri(1 - alpha / 2) + ndtri(power)) ** 2 * variance / difference**2
    return standardised * (1 + ratio) ** 2 / ratio


def t_test_size(cohens_d: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Units per arm for Student's t to find a difference of `cohens_d` standard deviations."""
    from statsmodels.stats.power import TTestIndPower

    return float(TTestIndPower().solve_power(effect_size=cohens_d, alpha=alpha, power=power))


def _arcsine_size(a: float, b: float, alpha: float, power: float) -> float:
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    return float(
        NormalIndPower().solve_power(effect_size=proportion_effectsize(b, a), alpha=alpha, power=power)
    )


def _why_not(baseline: float, lift: float) -> str | None:
    if not 0 < baseline < 1:
        return "Not computable: the baseline has to lie between 0 and 100 %, both excluded."
    if lift == 0 or not 0 < baseline * (1 + lift) < 1:
        return "Not computable: the effect has to leave a rate between 0 and 100 %, and change it."
    return None
