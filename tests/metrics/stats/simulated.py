"""A/B tests drawn at random: couples whose partners are alike to a degree, visitors, revenue."""

import numpy as np
from scipy.stats import binom

from lib.metrics.stats import Arm, Clusters


def bounds(drawn: int, share: float) -> tuple[int, int]:
    """How often something of that share happens in as many draws, but for one run in 10,000."""
    low, high = binom.interval(0.9999, drawn, share)
    return int(low), int(high)


def arms_of_users(
    random: np.random.Generator, drawn: int, couples: int, rate: float, alike: float
) -> list[Arm]:
    """One arm per draw: both partners of each couple convert with `rate`, correlated by `alike`.

    With the chance `alike` one partner does as the other does, else as they like.
    """
    both = alike * rate + (1 - alike) * rate**2
    one = 2 * (rate - both)
    rows = random.multinomial(couples, [1 - both - one, one, both], size=drawn)
    return [
        Arm(
            "",
            2 * couples,
            int(ones + 2 * twos),
            clusters=Clusters(couples, 4 * couples, int(ones + 4 * twos), int(2 * ones + 4 * twos)),
        )
        for _, ones, twos in rows
    ]


def in_couples(arm: Arm) -> Arm:
    """The same people with couples as units: a couple has converted when one of them has."""
    assert arm.clusters
    couples = arm.clusters
    twos = (couples.conversions_squared - arm.conversions) // 2
    return Arm(arm.variant, couples.clusters, arm.conversions - twos)


def revenue(random: np.random.Generator, units: int, rate: float, factor: float = 1.0) -> Arm:
    """Skewed payments in cents of those who convert."""
    paid = np.zeros(units)
    buyers = random.random(units) < rate
    paid[buyers] = random.lognormal(7.5, 0.8, int(buyers.sum())) * factor
    cents = [int(value) for value in paid]
    return Arm("", units, int(buyers.sum()), sum(cents), sum(value * value for value in cents))
