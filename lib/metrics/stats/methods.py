"""The methods by name: what a page, a file and the documentation call them, and where they are published."""

from typing import Final

from lib.metrics.stats.results import Method

_STATSMODELS: Final = "statsmodels.stats.proportion.confint_proportions_2indep"
_GBSTATS: Final = "https://docs.growthbook.io/statistics/details (gbstats 0.8.0)"
_WAUDBY_SMITH: Final = "Waudby-Smith et al., https://arxiv.org/abs/2103.06476v7, equations 9 and 155"

POOLED_Z: Final = Method(
    "pooled_z",
    "Pooled z",
    "two-proportion z-test with the pooled variance",
    "Newcombe’s hybrid score interval of the difference; delta interval of the lift on the log scale",
    "z = (b − a) / √(p (1 − p) (1/nₐ + 1/n_b)), p = all conversions / all units",
    "Newcombe 1998, Statistics in Medicine 17:873, method 10; statsmodels.stats.proportion",
)
FISHER: Final = Method(
    "fisher",
    "Fisher’s exact test",
    "Fisher’s exact test",
    "Newcombe’s hybrid score interval of the difference; delta interval of the lift on the log scale",
    "the hypergeometric probability of this table and of all that are no likelier, margins held",
    "scipy.stats.fisher_exact",
)
BARNARD: Final = Method(
    "barnard",
    "Barnard’s exact test",
    "Barnard’s exact test with the pooled statistic",
    "",
    "the largest p over the unknown common rate",
    "scipy.stats.barnard_exact",
)
PEARSON: Final = Method(
    "pearson",
    "Pearson’s chi²",
    "chi² test without correction (the pooled z, squared)",
    "",
    "Σ (seen − expected)² / expected over the table",
    "scipy.stats.chi2_contingency",
)
YATES: Final = Method(
    "yates",
    "Chi² with Yates’ correction",
    "chi² test with Yates’ correction for continuity",
    "pooled z interval widened by ½ (1/nₐ + 1/n_b); the same on the log scale for the lift",
    "Σ (|seen − expected| − ½)² / expected over the table",
    "scipy.stats.chi2_contingency; the intervals are tea-tasting’s (Proportion, 1.14.0)",
)
WALD: Final = Method(
    "wald",
    "Unpooled z",
    "two-proportion z-test with each arm’s own variance",
    "Wald interval of the difference; delta interval of the lift on the log scale",
    "z = (b − a) / √(a (1 − a) / nₐ + b (1 − b) / n_b)",
    _STATSMODELS,
)
AGRESTI_CAFFO: Final = Method(
    "agresti_caffo",
    "Agresti–Caffo interval",
    "",
    "Wald interval after one conversion and one non-conversion were added to each arm",
    "b̃ − ã ± z √(ã (1 − ã) / (nₐ + 2) + b̃ (1 − b̃) / (n_b + 2)), x̃ = (x + 1) / (n + 2)",
    _STATSMODELS,
)
SCORE: Final = Method(
    "score",
    "Score interval",
    "",
    "the differences that a score test (Miettinen–Nurminen) does not reject",
    "found by root search on the restricted score statistic",
    _STATSMODELS,
)
BETA_POSTERIOR: Final = Method(
    "beta_posterior",
    "Beta posteriors, uniform prior",
    "",
    "",
    "P(b > a) and expected losses of independent Beta(1 + conversions, 1 + others), by quadrature to 10⁻¹⁰",
    "Miller 2014, https://www.evanmiller.org/bayesian-ab-testing.html",
)
JEFFREYS_POSTERIOR: Final = Method(
    "jeffreys_posterior",
    "Beta posteriors, Jeffreys’ prior",
    "",
    "",
    "as above with Beta(½ + conversions, ½ + others)",
    "Jeffreys 1946; the integral as for the uniform prior",
)
WELCH: Final = Method(
    "welch",
    "Welch’s t",
    "Welch’s t-test (unequal variances)",
    "t interval of the difference; delta interval of the lift on the log scale",
    "t = (b − a) / √(sₐ² / nₐ + s_b² / n_b), degrees by Welch–Satterthwaite",
    "Welch 1947; scipy.stats.ttest_ind_from_stats; the lift’s interval is tea-tasting’s (Mean, 1.14.0)",
)
STUDENT: Final = Method(
    "student",
    "Student’s t",
    "Student’s t-test (pooled variance)",
    "t interval of the difference",
    "t = (b − a) / (s √(1/nₐ + 1/n_b)), s² pooled, nₐ + n_b − 2 degrees",
    "scipy.stats.ttest_ind_from_stats",
)
CUPED: Final = Method(
    "cuped",
    "CUPED",
    "Welch’s t-test of means adjusted by the period before",
    "t interval of the difference; delta interval of the lift on the log scale",
    "y − θ (x − x̄), θ = Σ cov(x, y) / Σ var(x) within arms, x what the unit paid before",
    "Deng et al. 2013, https://exp-platform.com/Documents/2013-02-CUPED-ImprovingSensitivityOfControlledExperiments.pdf",
)
CLUSTERED: Final = Method(
    "clustered",
    "Cluster-robust t",
    "t-test with errors clustered by couple",
    "t interval of the difference; delta interval of the lift on the log scale",
    "rate = Σ y / Σ users over couples; its variance from the couples’ residuals y − rate × users",
    "Deng et al. 2018, https://arxiv.org/abs/1803.06336, section 3",
)
GROWTHBOOK_LIFT: Final = Method(
    "growthbook_lift",
    "GrowthBook, relative",
    "Welch’s t-test of the lift",
    "delta interval of the lift",
    "var(lift) = s_b² / (n_b a²) + sₐ² b² / (nₐ a⁴)",
    _GBSTATS,
)
GROWTHBOOK_DIFFERENCE: Final = Method(
    "growthbook_difference",
    "GrowthBook, absolute",
    "Welch’s t-test of the difference",
    "t interval of the difference",
    "var = sₐ² / nₐ + s_b² / n_b; for rates s² = p (1 − p)",
    _GBSTATS,
)
SEQUENTIAL_LIFT: Final = Method(
    "sequential_lift",
    "GrowthBook sequential, relative",
    "always-valid p of the lift",
    "asymptotic confidence sequence of the lift: holds however often it is looked at",
    "± √(n var) √(2 (nρ² + 1) ln(√(nρ² + 1) / α) / (nρ)²), ρ from the tuning",
    _WAUDBY_SMITH,
)
SEQUENTIAL_DIFFERENCE: Final = Method(
    "sequential_difference",
    "GrowthBook sequential, absolute",
    "always-valid p of the difference",
    "asymptotic confidence sequence of the difference: holds however often it is looked at",
    "± √(n var) √(2 (nρ² + 1) ln(√(nρ² + 1) / α) / (nρ)²), ρ from the tuning",
    _WAUDBY_SMITH,
)
GROUP_SEQUENTIAL: Final = Method(
    "group_sequential",
    "Planned looks",
    "",
    "z interval of the difference, widened so that all planned looks together err with alpha",
    "Lan–DeMets bounds with alpha t² of the error spent at a share t of the planned size",
    "Lan and DeMets 1983, Biometrika 70:659; spotify-confidence 4.1.0",
)
GAUSSIAN_LIFT: Final = Method(
    "gaussian_lift",
    "GrowthBook Bayesian, relative, flat prior",
    "",
    "credible interval of the lift",
    "lift ~ N(estimate, delta variance) under an improper flat prior",
    _GBSTATS,
)
GAUSSIAN_DIFFERENCE: Final = Method(
    "gaussian_difference",
    "GrowthBook Bayesian, absolute, flat prior",
    "",
    "credible interval of the difference",
    "difference ~ N(estimate, variance) under an improper flat prior",
    _GBSTATS,
)
GAUSSIAN_PRIOR: Final = Method(
    "gaussian_lift_with_prior",
    "GrowthBook Bayesian, relative, with a prior",
    "",
    "credible interval of the lift",
    "the flat posterior times N(0, σ²), weighed by precision",
    _GBSTATS,
)

METHODS: Final = (
    POOLED_Z,
    FISHER,
    BARNARD,
    PEARSON,
    YATES,
    WALD,
    AGRESTI_CAFFO,
    SCORE,
    BETA_POSTERIOR,
    JEFFREYS_POSTERIOR,
    WELCH,
    STUDENT,
    CUPED,
    CLUSTERED,
    GROWTHBOOK_LIFT,
    GROWTHBOOK_DIFFERENCE,
    SEQUENTIAL_LIFT,
    SEQUENTIAL_DIFFERENCE,
    GROUP_SEQUENTIAL,
    GAUSSIAN_LIFT,
    GAUSSIAN_DIFFERENCE,
    GAUSSIAN_PRIOR,
)
