"""Everything that is to be said of a test, from its arms and its plan."""

from collections.abc import Sequence

from lib.metrics.stats.results import Analysis
from lib.metrics.stats.samples import Arm, Overlap, Plan


def analyse(arms: Sequence[Arm], plan: Plan, overlap: Overlap | None = None) -> Analysis:
    """Compare every arm with the plan's control, by every method that its statistics allow.

    Never raises for numbers that a database can hold: what cannot be computed says why. Without `overlap` the
    gate of that name is unknown.
    """
    raise NotImplementedError
