"""Means and their errors from sums are those that regressions on every unit give."""

import numpy as np
import pytest
import statsmodels.api as sm

from lib.metrics.stats import Arm, BeforeTest, Clusters, methods
from lib.metrics.stats.estimates import adjusted_by_before, of_clusters, of_ratio, of_revenue, of_sums
from lib.metrics.stats.means import NO_SPREAD, TOO_FEW, student, welch
from lib.metrics.stats.winsorising import winsorised

Cents = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def drawn(units: int, seed: int, extra: int) -> tuple[Cents, Cents]:
    """Cents before and during a test, correlated."""
    random = np.random.default_rng(seed)
    before = random.integers(0, 3000, units)
    return before, before // 2 + random.integers(0, 2000, units) + extra


def arm(variant: str, before: Cents, during: Cents) -> Arm:
    converted = during > 1500
    return Arm(
        variant,
        len(during),
        int(converted.sum()),
        int(during.sum()),
        int((during**2).sum()),
        BeforeTest(
            int(before.sum()),
            int((before**2).sum()),
            int((before * during).sum()),
            int(before[converted].sum()),
        ),
    )


@pytest.mark.parametrize("metric", ["conversion", "revenue"])
def test_cuped_gives_the_effect_of_a_regression_on_arm_and_past_with_less_error_than_without(
    metric: str,
) -> None:
    (x_a, y_a), (x_b, y_b) = drawn(500, 1, 0), drawn(400, 2, 100)
    arms = {"a": arm("a", x_a, y_a), "b": arm("b", x_b, y_b)}
    y = np.concatenate([y_a, y_b])
    outcome = y if metric == "revenue" else (y > 1500).astype(int)
    treated = np.repeat([0, 1], [500, 400])
    fit = sm.OLS(outcome, sm.add_constant(np.column_stack([treated, np.concatenate([x_a, x_b])]))).fit()

    adjusted = adjusted_by_before(arms, metric)
    assert adjusted
    effect = welch(adjusted["a"], adjusted["b"], method=methods.CUPED)
    assert effect.difference == pytest.approx(fit.params[1], rel=1e-9)
    assert effect.statistic == pytest.approx(fit.tvalues[1], rel=0.02)
    plain = of_revenue(arms["a"])
    assert plain
    assert metric == "conversion" or adjusted["a"].variance < 0.8 * plain.variance


def test_cuped_needs_a_past_of_every_arm_that_differs() -> None:
    before, during = drawn(50, 3, 0)
    whole = arm("a", before, during)
    alike = arm("b", before * 0, during)

    assert adjusted_by_before({"a": whole, "b": Arm("b", 50, 5)}, "revenue") is None
    assert adjusted_by_before({"a": alike, "b": alike}, "revenue") is None
    assert adjusted_by_before({}, "revenue") is None


def test_clustered_errors_are_those_of_a_regression_clustered_by_couple() -> None:
    random = np.random.default_rng(4)
    arms, converted, treated, couple = [], [], [], []
    for number, rate in enumerate((0.2, 0.3)):
        sizes = random.integers(1, 3, 300)
        kept = np.minimum(random.binomial(1, rate, 300) * sizes + random.binomial(1, 0.05, 300), sizes)
        for index, (size, count) in enumerate(zip(sizes, kept, strict=True)):
            converted += [1] * count + [0] * (size - count)
            treated += [number] * size
            couple += [1000 * number + index] * size
        sums = Clusters(300, int((sizes**2).sum()), int((kept**2).sum()), int((sizes * kept).sum()))
        arms.append(Arm(str(number), int(sizes.sum()), int(kept.sum()), clusters=sums))
    a, b = (of_clusters(one, "conversion") for one in arms)
    fit = sm.OLS(converted, sm.add_constant(np.array(treated))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(couple), "use_correction": False}
    )

    assert a
    assert b
    assert b.mean - a.mean == pytest.approx(fit.params[1])
    # Ours divides by couples − 1, as a sample variance does.
    assert a.squared_error + b.squared_error == pytest.approx(fit.bse[1] ** 2 * 300 / 299)


def test_a_ratio_needs_two_units_and_something_below_the_line() -> None:
    assert of_ratio(1, 1, 1, 1, 1, 1) is None
    assert of_ratio(5, 1, 0, 1, 0, 0) is None
    assert of_clusters(Arm("a", 10, 1), "conversion") is None


def test_a_variance_of_large_sums_is_exact_and_never_negative() -> None:
    cents = 10**9 + 1
    found = of_sums(3_000_000, 3_000_000 * cents, 3_000_000 * cents**2)

    assert found
    assert (found.mean, found.variance) == (cents, 0.0)
    assert of_sums(1, 5, 25) is None


def test_revenue_without_spread_or_with_one_unit_says_why_nothing_is_computable() -> None:
    same = of_sums(3, 30, 300)

    assert welch(same, same).why_not == NO_SPREAD
    assert student(same, same).why_not == NO_SPREAD
    assert welch(None, same).why_not == TOO_FEW
    assert student(same, None).why_not == TOO_FEW


def test_a_loss_in_the_control_arm_has_a_difference_and_no_lift() -> None:
    refunded = Arm("a", 100, 0, -5000, 500_000)
    paying = Arm("b", 100, 10, 20_000, 40_000_000)

    effect = welch(of_revenue(refunded), of_revenue(paying))
    assert effect.difference == 250
    assert (effect.lift, effect.lift_interval) == (None, None)
    assert effect.remark == "No lift: the control’s mean is not above zero."
    assert student(of_revenue(refunded), of_revenue(paying)).lift is None


def test_winsorising_cuts_the_largest_values_of_all_arms_and_says_how_many() -> None:
    values = {"a": [0] * 90 + [100] * 9 + [90_000], "b": [0] * 95 + [200] * 5}
    found = winsorised(values, 0.01)
    assert found

    assert found.cap_cents == 200
    assert found.changed == {"a": 1, "b": 0}
    capped = found.applied(Arm("a", 100, 10, 90_900, 90_000**2 + 90_000))
    assert (capped.revenue_cents, capped.revenue_squares) == (1100, 90_000 + 40_000)
    assert winsorised({"a": []}) is None
    assert winsorised({"a": [5]}, 0.0) is not None
