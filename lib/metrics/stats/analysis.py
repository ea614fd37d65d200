"""Everything that is to be said of a test, from its arms and its plan."""

from collections.abc import Sequence

from lib.metrics.stats.results import Analysis
from lib.metrics.stats.samples import Arm, Overlap, Plan


def analyse(arms: Sequence[Arm], plan: Plan, overlap: Overlap | None = None) -> Analysis:
    """Compare every arm with the plan's control, by every method that its statistics allow.

    Never raises for numbers that a database can hold: what cannot be computed says why. Without `overlap` the
    gate of that name is unknown. `arms` have different variants. The first call loads scipy and statsmodels.
    """
    from lib.metrics.stats import comparing, health, reaching, several
    from lib.metrics.stats.proportions import Counted

    control = next((arm for arm in arms if arm.variant == plan.control), None)
    comparisons = comparing.compare(control, arms, plan)
    reach = reaching.reach(control, arms, plan)
    ratio = several.sample_ratio(
        [arm.units for arm in arms], [plan.split.get(arm.variant, 0.0) for arm in arms]
    )
    return Analysis(
        plan,
        tuple(comparing.summary(arm, plan) for arm in arms),
        comparisons,
        comparing.adjusted(comparisons),
        several.omnibus([Counted(arm.conversions, arm.units) for arm in arms]),
        ratio,
        health.gates(control, arms, plan, ratio, overlap, reach),
        reach,
    )
