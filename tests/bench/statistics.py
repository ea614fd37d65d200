"""The statistics of an A/B test of four arms, both metrics, every method: the milliseconds that they take.

python -m tests.bench.statistics
"""

import sys
from statistics import median
from time import process_time
from typing import Final

from lib.metrics.stats import Arm, BeforeTest, Overlap, Plan, analyse

LIMIT_MS: Final = 5.0
_UNITS: Final = 1_250_000


def four_arms() -> float:
    """Milliseconds of one analysis, the median of 101 after the first, which loads scipy and statsmodels."""
    arms = [
        Arm(
            variant,
            _UNITS + spare,
            _UNITS // 20 + 40 * spare,
            _UNITS * 150 + 5000 * spare,
            _UNITS * 600_000,
            BeforeTest(_UNITS * 140, _UNITS * 500_000, _UNITS * 300_000, _UNITS * 10),
        )
        for variant, spare in (("control", 0), ("a", 11), ("b", 5), ("c", -7))
    ]
    plan = Plan("control", {arm.variant: 25 for arm in arms}, days_run=30)
    seconds = []
    for _ in range(102):
        began = process_time()
        analyse(arms, plan, Overlap(4 * _UNITS, 40))
        seconds.append(process_time() - began)
    return 1000 * median(seconds[1:])


def main() -> int:
    """Print the figure; 1 when it is over the limit."""
    taken = four_arms()
    print(f"statistics of 4 arms with {4 * _UNITS:,} units: {taken:.1f} ms (limit {LIMIT_MS:.0f} ms)")
    return int(taken > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
