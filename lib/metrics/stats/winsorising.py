"""Revenue with its largest values cut to a cap, and how many they were: one generous couple is no effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lib.metrics.stats.samples import Arm


@dataclass(frozen=True, slots=True)
class Winsorised:
    """The cap in cents, how many values it changed, and each arm's revenue and sum of squares after it."""

    cap_cents: int
    changed: Mapping[str, int]
    revenue_cents: Mapping[str, int]
    revenue_squares: Mapping[str, int]

    def applied(self, arm: Arm) -> Arm:
        """The arm with its revenue after the cap, without the period before: its products no longer fit."""
        return Arm(
            arm.variant,
            arm.units,
            arm.conversions,
            self.revenue_cents[arm.variant],
            self.revenue_squares[arm.variant],
        )


def winsorised(values: Mapping[str, Sequence[int]], share: float = 0.01) -> Winsorised | None:
    """Cut the `share` largest values of all arms together, rounded down in number, to the next one below.

    `values` are cents per unit, those of units without revenue included. None without any value.
    """
    together = sorted(cents for arm in values.values() for cents in arm)
    if not together:
        return None
    cap = together[max(0, len(together) - 1 - int(share * len(together)))]
    cut = {variant: [min(cents, cap) for cents in arm] for variant, arm in values.items()}
    return Winsorised(
        cap,
        {variant: sum(cents > cap for cents in arm) for variant, arm in values.items()},
        {variant: sum(arm) for variant, arm in cut.items()},
        {variant: sum(cents * cents for cents in arm) for variant, arm in cut.items()},
    )
