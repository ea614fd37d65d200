"""How far a running test is from the size that it was planned for."""

from collections.abc import Sequence
from math import ceil, sqrt

from scipy.special import ndtr, ndtri

from lib.metrics.stats.estimates import Estimate, of_clusters, of_rate, of_revenue
from lib.metrics.stats.power import (
    detectable_difference,
    minimum_detectable_lift,
    power_of,
    sample_size,
    total_size_for_difference,
)
from lib.metrics.stats.results import Reach
from lib.metrics.stats.samples import Arm, Plan


def reach(control: Arm | None, arms: Sequence[Arm], plan: Plan) -> Reach:
    """The smallest arm against the planned size, in the metric that decides.

    Users of one couple count for less than strangers: their number is divided by the design effect of the
    control's errors.
    """
    have = min((arm.units for arm in arms), default=0)
    mean = _mean(control, plan)
    if control is None or len(arms) < 2 or have <= 0 or mean is None:
        return Reach(
            plan.units_per_arm, have, None, None, None, "No size can be told: an arm has nobody in it."
        )
    if mean.mean <= 0 or mean.variance <= 0:
        return Reach(
            plan.units_per_arm,
            have,
            None,
            None,
            None,
            "No size can be told: the control shows no rate to build on.",
        )
    crowding = _crowding(control, plan)
    if plan.primary == "conversion":
        needed, detectable, power = _for_rate(mean.mean, have / crowding, plan)
    else:
        needed, detectable, power = _for_mean(mean, have / crowding, plan)
    size = plan.units_per_arm or (ceil(needed * crowding) if needed is not None else None)
    if size is None:
        why_not = "No size can be told: the planned lift would leave no rate between 0 and 100 %."
        return Reach(None, have, detectable, power, None, why_not)
    if size <= have:
        return Reach(size, have, detectable, power, 0)
    if plan.days_run <= 0:
        return Reach(size, have, detectable, power, None, "No days can be told: the test has not run yet.")
    return Reach(size, have, detectable, power, ceil((size - have) * plan.days_run / have))


def _for_rate(baseline: float, have: float, plan: Plan) -> tuple[float | None, float | None, float | None]:
    """Needed, detectable lift and power for rates."""
    detectable = minimum_detectable_lift(baseline, have, plan.alpha, plan.power)
    if plan.minimum_lift == 0 or not 0 < baseline * (1 + plan.minimum_lift) < 1:
        return None, detectable, None
    return (
        sample_size(baseline, plan.minimum_lift, plan.alpha, plan.power),
        detectable,
        power_of(baseline, plan.minimum_lift, have, plan.alpha),
    )


def _for_mean(mean: Estimate, have: float, plan: Plan) -> tuple[float | None, float | None, float | None]:
    """Needed, detectable lift and power for cents per unit."""
    detectable = detectable_difference(mean.variance, have, have, plan.alpha, plan.power) / mean.mean
    if plan.minimum_lift == 0:
        return None, detectable, None
    wanted = abs(plan.minimum_lift) * mean.mean
    needed = total_size_for_difference(mean.variance, wanted, 1.0, plan.alpha, plan.power) / 2
    error = sqrt(2 * mean.variance / have)
    return needed, detectable, float(ndtr(wanted / error - ndtri(1 - plan.alpha / 2)))


def _mean(control: Arm | None, plan: Plan) -> Estimate | None:
    if control is None:
        return None
    if plan.primary == "conversion":
        return of_rate(control.conversions, control.units)
    return of_revenue(control)


def _crowding(control: Arm, plan: Plan) -> float:
    """The design effect, at least 1: the control's variance with couples respected over that without."""
    robust = of_clusters(control, plan.primary) if plan.unit == "user" else None
    mean = _mean(control, plan)
    if robust is None or mean is None or mean.variance <= 0:
        return 1.0
    return max(1.0, robust.squared_error / mean.squared_error)
