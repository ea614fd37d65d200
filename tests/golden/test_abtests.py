"""Every figure of the published A/B tests comes out by the method it names; exceptions are named, with why.

The walk goes over every key of every case: a figure in the file that nobody handles fails.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest
from scipy.special import ndtri

from lib.metrics.stats import Effect, Interval, Method, methods
from lib.metrics.stats.means import NO_SPREAD, TOO_FEW, gaussian, growthbook, sequential, student, welch
from lib.metrics.stats.posteriors import beta_posterior
from lib.metrics.stats.proportions import Counted, compared, wilson
from lib.metrics.stats.several import benjamini_hochberg, bonferroni, holm, omnibus, sample_ratio
from tests.golden.abtests import Figures, Given, comparisons, differing, estimate, published, units

ENGINES: Final = ("gbstats_pypi_0_8_0", "gbstats_git_8f1db44")
REFUSALS: Final = {"ZERO_NEGATIVE_VARIANCE", "ZERO_NEGATIVE_BASELINE_VARIATION", "NO_UNITS_IN_VARIATION"}
INPUT: Final = {"id", "kind", "source_of_input", "expected_split", "arms", "vs_control"}
WITHOUT_OURS: Final = {
    "mannwhitney_p": "Ranks need each unit's value; our statistics stand on sums.",
    "pvalue of tea-tasting's srm": "It corrects for continuity; ours is GrowthBook's and scipy's chi².",
    "ci95_diff_wald of P05": "An interval from 0 to 0 where nobody converted: ours says that there is none.",
}


def engine(name: str, a: Given, b: Given) -> Effect:
    """Our effect for one of gbstats' engines as the file names them."""
    scale = "lift" if name.endswith("relative") else "difference"
    if name.startswith("freq"):
        return growthbook(estimate(a), estimate(b), scale)
    if name.startswith("seq5000"):
        return sequential(estimate(a), estimate(b), scale, tuning=5000)
    return gaussian(
        estimate(a), estimate(b), scale, prior_deviation=0.3 if "prior_N(0,0.3^2)" in name else None
    )


def in_growthbooks_words(name: str, a: Given, b: Given) -> Figures:
    """Our effect under gbstats' keys of both versions; a posterior's spread is read off its interval."""
    effect = engine(name, a, b)
    relative = name.endswith("relative")
    value = effect.lift if relative else effect.difference
    posterior = engine(name.replace("freq", "bayes_flat").replace("seq5000", "bayes_flat"), a, b)
    credible = (posterior.lift_interval if relative else posterior.difference_interval) or Interval(0, 0)
    spread = (credible.high - credible.low) / 2 / float(ndtri(0.975))
    return {
        "expected": value,
        "ci": effect.lift_interval if relative else effect.difference_interval,
        "uplift": {"dist": "normal", "mean": value, "stddev": spread},
        **dict.fromkeys(("p_value", "pValue"), effect.p),
        **dict.fromkeys(("chance_to_win", "chanceToWin"), effect.chance_to_win),
        "risk": (effect.expected_loss_of_control, effect.expected_loss),
        **dict.fromkeys(("risk_type", "riskType"), "relative" if effect.loss_of == "lift" else "absolute"),
        **dict.fromkeys(("error_message", "errorMessage", "pValueErrorMessage"), effect.why_not),
    }


@pytest.mark.parametrize("version", ENGINES)
def test_every_engine_of_growthbook_comes_out_in_every_case_that_it_computes(version: str) -> None:
    wrong, compared_with = [], 0
    for where, a, b, row in comparisons():
        for name, theirs in row[version].items():
            if theirs.get("error_message", theirs.get("errorMessage")) is None:
                compared_with += 1
                wrong += differing(in_growthbooks_words(name, a, b), theirs, f"{where}.{name}")

    assert wrong == []
    assert compared_with == 7 * 11


@pytest.mark.parametrize("version", ENGINES)
def test_where_growthbook_refuses_ours_says_why_and_shows_no_lift_of_zero(version: str) -> None:
    refused = [
        (theirs.get("error_message", theirs.get("errorMessage")), engine(name, a, b))
        for _, a, b, row in comparisons()
        for name, theirs in row[version].items()
        if theirs.get("error_message", theirs.get("errorMessage")) is not None
    ]

    assert len(refused) == 7 * 6
    assert {error for error, _ in refused} <= REFUSALS
    assert {effect.why_not for _, effect in refused} == {NO_SPREAD, TOO_FEW}
    assert all(
        {effect.difference, effect.lift, effect.lift_interval, effect.p, effect.chance_to_win} == {None}
        for _, effect in refused
    )


def rates(a: Given, b: Given) -> Figures:
    """Ours for scipy's and statsmodels' figures of two rates; each is worked out only where they have it."""
    left, right = Counted(a["conversions"], a["n"]), Counted(b["conversions"], b["n"])

    def by(method: Method) -> Effect:
        return compared(method, left, right)

    def tested(method: Method, statistic: str) -> Callable[[], Figures]:
        return lambda: {statistic: by(method).statistic, "p": by(method).p}

    def ratio() -> Any:
        lift = by(methods.POOLED_Z).lift_interval
        return lift and (1 + lift.low, 1 + lift.high)

    def chance(method: Method) -> Callable[[], float | None]:
        return lambda: beta_posterior(left, right, method).chance_to_win

    return {
        "rate_a": lambda: left.rate if left.units else None,
        "rate_b": lambda: right.rate if right.units else None,
        "abs_diff": lambda: by(methods.POOLED_Z).difference,
        "rel_lift": lambda: by(methods.POOLED_Z).lift,
        "z_pooled": tested(methods.POOLED_Z, "z"),
        "z_unpooled_wald": tested(methods.WALD, "z"),
        "ci95_diff_newcomb": lambda: by(methods.POOLED_Z).difference_interval,
        "ci95_diff_wald": lambda: by(methods.WALD).difference_interval,
        "ci95_diff_agresti-caffo": lambda: by(methods.AGRESTI_CAFFO).difference_interval,
        "ci95_diff_score": lambda: by(methods.SCORE).difference_interval,
        "ci95_ratio_log": ratio,
        "fisher_p": lambda: by(methods.FISHER).p,
        "barnard_p": lambda: barnard_of_rows(left, right),
        "chi2_plain": tested(methods.PEARSON, "stat"),
        "chi2_yates": tested(methods.YATES, "stat"),
        "wilson_a": lambda: wilson(left),
        "wilson_b": lambda: wilson(right),
        "p_b_beats_a_beta11_numeric": chance(methods.BETA_POSTERIOR),
        "p_b_beats_a_beta11_closed": chance(methods.BETA_POSTERIOR),
        "p_b_beats_a_jeffreys_numeric": chance(methods.JEFFREYS_POSTERIOR),
    }


def barnard_of_rows(a: Counted, b: Counted) -> float | None:
    """The file gave scipy the arms as rows, which holds the conversions fixed instead of the arms' sizes.

    Ours holds the sizes, as tea-tasting does; with the table turned it gives the figure of the file.
    """
    converted = Counted(a.conversions, a.conversions + b.conversions)
    others = Counted(a.others, a.others + b.others)
    if min(converted.units, others.units) == 0:
        return compared(methods.BARNARD, a, b).p
    return compared(methods.BARNARD, converted, others).p


def means(a: Given, b: Given) -> Figures:
    """Ours for scipy's figures of two means."""
    left, right = estimate(a), estimate(b)
    assert left
    assert right
    welchs, students = welch(left, right), student(left, right)
    return {
        "mean_a": left.mean,
        "mean_b": right.mean,
        "var_a_ddof1": left.variance,
        "var_b_ddof1": right.variance,
        "rel_lift": welchs.lift,
        "welch": {
            "t": welchs.statistic,
            "p": welchs.p,
            "df": welchs.degrees,
            "ci95_diff": welchs.difference_interval,
        },
        "student": {"t": students.statistic, "p": students.p},
    }


def test_every_test_and_interval_of_scipy_and_statsmodels_comes_out() -> None:
    wrong = []
    for where, a, b, row in comparisons():
        theirs = {k: v for k, v in row["scipy_statsmodels"].items() if k not in WITHOUT_OURS}
        if where == "P05.1":
            assert theirs.pop("ci95_diff_wald") == [0, 0]
        wrong += differing(rates(a, b) if "conversions" in a else means(a, b), theirs, where)
        wrong += [
            f"{where}.{key} is handled by nobody"
            for key in row.keys() - {"arm", "scipy_statsmodels", *ENGINES}
        ]

    assert wrong == []


def whole(case: Given) -> Figures:
    """Ours for what the file says of all arms of a case together."""
    ratio = sample_ratio([units(arm) for arm in case["arms"]], case["expected_split"])
    counted = [Counted(arm.get("conversions", 0), units(arm)) for arm in case["arms"]]
    raw = [compared(methods.POOLED_Z, counted[0], arm).p for arm in counted[1:]]
    p_values = [p for p in raw if p is not None]
    everything = omnibus(counted)
    return {
        "srm_p_gbstats": ratio.p,
        "srm_chi2": {"stat": ratio.statistic, "p": ratio.p, "df": ratio.degrees},
        "multiplicity": {
            "raw": p_values,
            "bonferroni": bonferroni(p_values),
            "holm": holm(p_values),
            "bh": benjamini_hochberg(p_values),
        },
        "omnibus_chi2": {"stat": everything.statistic, "p": everything.p, "df": everything.degrees},
        "tea_tasting_1_14_0": lambda: tea_tasting(counted),
    }


def tea_tasting(counted: list[Counted]) -> Figures:
    """tea-tasting takes Barnard's test below 1,000 units, else Yates' correction."""
    a, b = counted
    effect = compared(methods.BARNARD if a.units + b.units < 1000 else methods.YATES, a, b)
    at_random = compared(methods.POOLED_Z, a, b)
    difference, lift = effect.difference_interval, effect.lift_interval
    return {
        "srm": {"control": a.units, "treatment": b.units},
        "conv": {
            "control": a.rate,
            "treatment": b.rate,
            "effect_size": at_random.difference,
            "effect_size_ci_lower": difference and difference.low,
            "effect_size_ci_upper": difference and difference.high,
            "rel_effect_size": at_random.lift,
            "rel_effect_size_ci_lower": lift and lift.low,
            "rel_effect_size_ci_upper": lift and lift.high,
            "pvalue": effect.p if effect.p is not None else 1.0,
        },
    }


def test_what_is_said_of_all_arms_together_comes_out() -> None:
    wrong = []
    for case in published()["cases"]:
        theirs = {key: value for key, value in case.items() if key not in INPUT and value is not None}
        if "tea_tasting_1_14_0" in theirs:
            tables = theirs["tea_tasting_1_14_0"]
            sizes = {key: value for key, value in tables["srm"].items() if key != "pvalue"}
            theirs["tea_tasting_1_14_0"] = tables | {"srm": sizes}
        wrong += differing(whole(case), theirs, case["id"])

    assert wrong == []
