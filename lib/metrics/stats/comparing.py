"""Arms against the control in both metrics, by every method that their sums allow."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lib.metrics.stats import methods
from lib.metrics.stats.estimates import Estimate, adjusted_by_before, of_clusters, of_rate, of_revenue
from lib.metrics.stats.looks import group_sequential
from lib.metrics.stats.means import Scale, gaussian, growthbook, sequential, welch
from lib.metrics.stats.posteriors import beta_posterior
from lib.metrics.stats.proportions import Counted, compared, small, wilson
from lib.metrics.stats.results import Adjusted, ArmResult, Comparison, Effect
from lib.metrics.stats.samples import Arm, MetricName, Plan
from lib.metrics.stats.several import benjamini_hochberg, bonferroni, holm

_SCALES: tuple[Scale, ...] = ("lift", "difference")
_NAIVE = "It takes partners for strangers: with users as units it finds differences where there are none."


def summary(arm: Arm, plan: Plan) -> ArmResult:
    """An arm on its own."""
    possible = 0 <= arm.conversions <= arm.units and arm.units > 0
    return ArmResult(
        arm,
        arm.conversions / arm.units if possible else None,
        wilson(Counted(arm.conversions, arm.units), plan.alpha),
        arm.revenue_cents / arm.units if arm.units > 0 else None,
    )


def compare(control: Arm | None, arms: Sequence[Arm], plan: Plan) -> tuple[Comparison, ...]:
    """Every other arm against the control; nothing without a control."""
    if control is None:
        return ()
    before = {metric: _with_before(arms, metric) for metric in ("conversion", "revenue")}
    return tuple(
        comparison
        for arm in arms
        if arm.variant != control.variant
        for comparison in (
            *_conversions(control, arm, plan, before["conversion"]),
            *_revenue(control, arm, plan, before["revenue"]),
        )
    )


def adjusted(comparisons: Sequence[Comparison]) -> tuple[Adjusted, ...]:
    """The deciding p-values of all arms and metrics, corrected together."""
    tested = [
        (comparison, comparison.effect.p)
        for comparison in comparisons
        if comparison.decides and comparison.effect.p is not None
    ]
    raw = [p for _, p in tested]
    corrected = zip(tested, holm(raw), benjamini_hochberg(raw), bonferroni(raw), strict=True)
    return tuple(
        Adjusted(one.variant, one.metric, one.effect.method.test, p, *others)
        for (one, p), *others in corrected
    )


def _conversions(
    control: Arm, arm: Arm, plan: Plan, before: dict[str, Estimate] | None
) -> Iterator[Comparison]:
    left, right = Counted(control.conversions, control.units), Counted(arm.conversions, arm.units)
    a, b, robust = _estimates(control, arm, plan, "conversion")
    few = small(left, right)
    z = compared(methods.POOLED_Z, left, right, plan.alpha)
    beta = beta_posterior(left, right)
    if plan.unit == "user":
        z, beta = _naive(z), _naive(beta)

    def of(effect: Effect, decides: bool = False) -> Comparison:
        return Comparison(arm.variant, "conversion", effect, decides)

    if robust:
        yield of(welch(a, b, plan.alpha, methods.CLUSTERED), decides=True)
    yield of(z, decides=not robust and not few)
    if few:
        yield of(compared(methods.FISHER, left, right, plan.alpha), decides=not robust)
    yield of(beta)
    yield from map(of, _engines(a, b, plan))
    if before:
        yield of(welch(before[control.variant], before[arm.variant], plan.alpha, methods.CUPED))


def _revenue(control: Arm, arm: Arm, plan: Plan, before: dict[str, Estimate] | None) -> Iterator[Comparison]:
    a, b, robust = _estimates(control, arm, plan, "revenue")
    naive = welch(of_revenue(control), of_revenue(arm), plan.alpha)

    def of(effect: Effect, decides: bool = False) -> Comparison:
        return Comparison(arm.variant, "revenue", effect, decides)

    if robust:
        yield of(welch(a, b, plan.alpha, methods.CLUSTERED), decides=True)
    if plan.unit == "user":
        naive = _naive(naive)
    yield of(naive, decides=not robust)
    yield from map(of, _engines(a, b, plan))
    if before:
        yield of(welch(before[control.variant], before[arm.variant], plan.alpha, methods.CUPED))


def _engines(a: Estimate | None, b: Estimate | None, plan: Plan) -> Iterator[Effect]:
    """GrowthBook's engines on both scales, and its posterior with a prior."""
    for scale in _SCALES:
        yield growthbook(a, b, scale, plan.alpha)
        yield sequential(a, b, scale, plan.alpha, plan.tuning)
        yield gaussian(a, b, scale, plan.alpha)
    yield gaussian(a, b, "lift", plan.alpha, plan.prior_deviation)
    if plan.looks:
        yield group_sequential(a, b, plan.looks, plan.alpha)


def _estimates(
    control: Arm, arm: Arm, plan: Plan, metric: MetricName
) -> tuple[Estimate | None, Estimate | None, bool]:
    """Both arms' means; with users as units and their couples known, their errors respect couples."""
    if plan.unit == "user" and control.clusters and arm.clusters:
        return of_clusters(control, metric), of_clusters(arm, metric), True
    if metric == "revenue":
        return of_revenue(control), of_revenue(arm), False
    return of_rate(control.conversions, control.units), of_rate(arm.conversions, arm.units), False


def _with_before(arms: Sequence[Arm], metric: MetricName) -> dict[str, Estimate] | None:
    return adjusted_by_before({arm.variant: arm for arm in arms}, metric)


def _naive(effect: Effect) -> Effect:
    """An effect of users that says what it leaves out, unless there is none."""
    if effect.why_not:
        return effect
    return replace(effect, remark=" ".join(filter(None, (effect.remark, _NAIVE))))
