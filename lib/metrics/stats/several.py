"""Several arms at once: corrections for many tests, the test of all rates, and the sample ratio.

The sums are written out: scipy's and statsmodels' functions for them take up to 17 ms, nearly all of it on
checks.
"""

from collections.abc import Sequence

from scipy.special import chdtrc

from lib.metrics.stats.proportions import Counted
from lib.metrics.stats.results import ChiSquared
from lib.metrics.stats.samples import Correction


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down, in the order given."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for done, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - done) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's false discovery rate, in the order given."""
    adjusted, lowest = [0.0] * len(p_values), 1.0
    falling = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    for rank, place in zip(range(len(p_values), 0, -1), falling, strict=True):
        lowest = min(lowest, p_values[place] * len(p_values) / rank)
        adjusted[place] = lowest
    return adjusted


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Each times how many there are."""
    return [min(1.0, p * len(p_values)) for p in p_values]


def corrected(p_values: Sequence[float], correction: Correction) -> list[float]:
    """By the correction of that name."""
    match correction:
        case "holm":
            return holm(p_values)
        case "benjamini-hochberg":
            return benjamini_hochberg(p_values)
        case "bonferroni":
            return bonferroni(p_values)


def omnibus(arms: Sequence[Counted]) -> ChiSquared:
    """Whether the arms' rates differ at all: chi² over arms × converted or not."""
    name = "chi² test that all arms convert alike"
    seen = [arm for arm in arms if arm.units > 0 and 0 <= arm.conversions <= arm.units]
    if len(seen) < 2:
        return ChiSquared(name, why_not="Not computable: fewer than two arms have anybody in them.")
    if not 0 < sum(arm.conversions for arm in seen) < sum(arm.units for arm in seen):
        return ChiSquared(name, why_not="Not computable: nobody converted, or everybody did.")
    together = sum(arm.conversions for arm in seen) / sum(arm.units for arm in seen)
    return _against(
        name,
        [count for arm in seen for count in (arm.conversions, arm.others)],
        [share * arm.units for arm in seen for share in (together, 1 - together)],
        len(seen) - 1,
    )


def sample_ratio(units: Sequence[int], weights: Sequence[float]) -> ChiSquared:
    """Whether units came into the arms as planned. Weights need not add to 1, but each has to be above 0."""
    name = "chi² test of the arms’ sizes against the planned split"
    if len(units) < 2:
        return ChiSquared(name, why_not="Not computable: there are fewer than two arms.")
    if len(weights) != len(units) or any(weight <= 0 for weight in weights):
        return ChiSquared(name, why_not="Not computable: the plan gives an arm no share of the traffic.")
    if sum(units) == 0:
        return ChiSquared(name, why_not="Not computable: nobody was assigned.")
    expected = [sum(units) * weight / sum(weights) for weight in weights]
    return _against(name, units, expected, len(units) - 1)


def _against(name: str, seen: Sequence[int], expected: Sequence[float], degrees: int) -> ChiSquared:
    """Σ (seen − expected)² / expected with its p."""
    statistic = sum((one - other) ** 2 / other for one, other in zip(seen, expected, strict=True))
    return ChiSquared(name, statistic, degrees, float(chdtrc(degrees, statistic)))
