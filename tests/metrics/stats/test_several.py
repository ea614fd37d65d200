"""Corrections for many tests and chi² over many arms are those of statsmodels and scipy."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare
from statsmodels.stats.multitest import multipletests

from lib.metrics.stats.proportions import Counted
from lib.metrics.stats.several import benjamini_hochberg, bonferroni, corrected, holm, omnibus, sample_ratio


@pytest.mark.parametrize("seed", range(4))
def test_every_correction_is_that_of_statsmodels(seed: int) -> None:
    p_values = [float(p) for p in np.random.default_rng(seed).beta(0.3, 2, 7)] + [0.04, 0.04, 1.0]

    for ours, theirs in ((holm, "holm"), (benjamini_hochberg, "fdr_bh"), (bonferroni, "bonferroni")):
        assert ours(p_values) == pytest.approx(list(multipletests(p_values, method=theirs)[1]))
        assert ours([]) == []


def test_a_correction_goes_by_its_name() -> None:
    p_values = [0.01, 0.03, 0.02]

    assert corrected(p_values, "holm") == holm(p_values)
    assert corrected(p_values, "benjamini-hochberg") == benjamini_hochberg(p_values)
    assert corrected(p_values, "bonferroni") == bonferroni(p_values)


def test_chi_squared_over_four_arms_is_that_of_scipy() -> None:
    arms = [Counted(50, 1000), Counted(70, 1100), Counted(40, 900), Counted(90, 1500)]
    table = [[arm.conversions, arm.others] for arm in arms]
    rates, sizes = omnibus(arms), sample_ratio([arm.units for arm in arms], [2, 2, 2, 3])

    assert (rates.statistic, rates.degrees, rates.p) == pytest.approx(
        tuple(getattr(chi2_contingency(table), name) for name in ("statistic", "dof", "pvalue"))
    )
    expected = [1000, 1000, 1000, 1500]
    assert (sizes.statistic, sizes.p) == pytest.approx(tuple(chisquare([1000, 1100, 900, 1500], expected)))
    assert omnibus(arms[:1]).why_not == "Not computable: fewer than two arms have anybody in them."
    assert sample_ratio([5], [1]).why_not == "Not computable: there are fewer than two arms."
