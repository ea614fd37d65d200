"""The mathematics of A/B tests: pure, from sufficient statistics, every figure with the method that gave it.

`analyse` says everything about a test; `lib.metrics.verdict` makes a decision card of it. Distributions and
most tests are scipy's and statsmodels'; both are loaded by the first call, not by the import.
"""

from lib.metrics.stats.analysis import analyse
from lib.metrics.stats.results import (
    Adjusted,
    Analysis,
    ArmResult,
    ChiSquared,
    Comparison,
    Effect,
    Gate,
    Guarded,
    Interval,
    Method,
    Reach,
)
from lib.metrics.stats.samples import Arm, BeforeTest, Clusters, Guardrail, Overlap, Plan

__all__ = [
    "Adjusted",
    "Analysis",
    "Arm",
    "ArmResult",
    "BeforeTest",
    "ChiSquared",
    "Clusters",
    "Comparison",
    "Effect",
    "Gate",
    "Guarded",
    "Guardrail",
    "Interval",
    "Method",
    "Overlap",
    "Plan",
    "Reach",
    "analyse",
]
