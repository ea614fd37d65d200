"""4,000 published users, one by one: our sums give what scipy and statsmodels get from their values."""

import csv

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import mstats, ttest_ind

from lib.metrics.stats import Arm, BeforeTest, methods
from lib.metrics.stats.estimates import adjusted_by_before, of_revenue
from lib.metrics.stats.means import welch
from lib.metrics.stats.winsorising import winsorised
from tests.conftest import golden

Cents = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@pytest.fixture(scope="module")
def users() -> dict[str, tuple[Cents, Cents]]:
    """Sessions and revenue in cents by variant."""
    with golden("tea_tasting_users_seed42.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {
        variant: (
            np.array([int(row["sessions"]) for row in rows if row["variant"] == variant]),
            np.array([round(100 * float(row["revenue"])) for row in rows if row["variant"] == variant]),
        )
        for variant in ("0", "1")
    }


def summed(variant: str, before: Cents, cents: Cents) -> Arm:
    past = BeforeTest(int(before.sum()), int((before**2).sum()), int((before * cents).sum()))
    return Arm(variant, len(cents), int((cents > 0).sum()), int(cents.sum()), int((cents**2).sum()), past)


def test_sessions_explain_revenue_as_a_regression_says(users: dict[str, tuple[Cents, Cents]]) -> None:
    arms = {variant: summed(variant, *both) for variant, both in users.items()}
    adjusted = adjusted_by_before(arms, "revenue")
    assert adjusted
    sessions, cents = (np.concatenate([both[column] for both in users.values()]) for column in (0, 1))
    treated = np.repeat([0, 1], [len(both[0]) for both in users.values()])
    fit = sm.OLS(cents, sm.add_constant(np.column_stack([treated, sessions]))).fit(cov_type="HC1")

    effect = welch(adjusted["0"], adjusted["1"], method=methods.CUPED)
    plain = welch(of_revenue(arms["0"]), of_revenue(arms["1"]))
    assert effect.difference == pytest.approx(fit.params[1], rel=1e-9)
    assert effect.p == pytest.approx(fit.pvalues[1], rel=0.01)
    assert effect.difference_interval
    assert plain.difference_interval
    assert np.ptp(effect.difference_interval) < np.ptp(plain.difference_interval)


def test_winsorised_revenue_is_that_of_scipy_and_its_test_stays_the_same(
    users: dict[str, tuple[Cents, Cents]],
) -> None:
    values = {variant: [int(value) for value in cents] for variant, (_, cents) in users.items()}
    found = winsorised(values, 0.01)
    assert found
    together = np.array([value for cents in values.values() for value in cents])
    theirs = mstats.winsorize(together, limits=(0, 0.01))
    a, b = (found.applied(Arm(variant, len(cents), 0)) for variant, cents in values.items())

    assert found.cap_cents == theirs.max()
    assert a.revenue_cents + b.revenue_cents == theirs.sum()
    assert sum(found.changed.values()) == (together > theirs.max()).sum()
    capped = [np.minimum(values[variant], found.cap_cents) for variant in ("1", "0")]
    expected = ttest_ind(*capped, equal_var=False)
    effect = welch(of_revenue(a), of_revenue(b))
    assert (effect.statistic, effect.p) == pytest.approx((expected.statistic, expected.pvalue))
