"""What the statistics of an A/B test stand on: an arm's sums, never its people.

Units are couples, or users whose couples are known. Money is in cents; sums of squares are in cents², exact
whole numbers as the database adds them up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Unit = Literal["couple", "user"]
MetricName = Literal["conversion", "revenue"]
Correction = Literal["holm", "benjamini-hochberg", "bonferroni"]


@dataclass(frozen=True, slots=True)
class BeforeTest:
    """What the same units paid before they were assigned, for CUPED.

    `cents` and `squares` are the sum and the sum of squares over all units of the arm (0 for a unit that paid
    nothing); `cross` is the sum of before × during, `cross_conversions` that of before over converted units.
    """

    cents: int
    squares: int
    cross: int
    cross_conversions: int = 0


@dataclass(frozen=True, slots=True)
class Clusters:
    """The couples that an arm's users sit in, for errors that respect them.

    `clusters`: how many; a user without a partner in the arm is one of their own. The rest are sums over
    couples: of (users)², (conversions)², users × conversions, (cents)², users × cents.
    """

    clusters: int
    users_squared: int
    conversions_squared: int
    users_by_conversions: int
    cents_squared: int = 0
    users_by_cents: int = 0


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm's sufficient statistics.

    `units` assigned, `conversions` of them, `revenue_cents` their net payments (negative where refunds
    outweigh), `revenue_squares` the sum of each unit's cents squared. `before` where a period before the test
    exists; `clusters` where units are users.
    """

    variant: str
    units: int
    conversions: int
    revenue_cents: int = 0
    revenue_squares: int = 0
    before: BeforeTest | None = None
    clusters: Clusters | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many were seen in more than one arm: people, and couples whose partners sit in different arms."""

    people: int
    people_in_several_arms: int
    couples: int = 0
    split_couples: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a test was meant to be: what its numbers are held against.

    `control` and the keys of `split` are variants; `split` holds weights in any unit (60, 20, 20). `days_run`
    is zero or less before the start. `units_per_arm` is the planned size of the smallest arm; None has it
    worked out from the control's rate, `minimum_lift` (0.1 is + 10 %), `alpha` and `power`. `tuning` is the
    number of units around which the sequential interval is tightest. `primary` is the metric that decides.
    `prior_deviation` is that of the lift, around 0, in the posterior with a prior. `looks` are the planned
    looks so far as shares of the planned size, the last one now; without them the method is left out.
    """

    control: str
    split: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    unit: Unit = "couple"
    primary: MetricName = "conversion"
    days_run: float = 0.0
    minimum_days: int = 14
    alpha: float = 0.05
    power: float = 0.8
    minimum_lift: float = 0.1
    units_per_arm: int | None = None
    tuning: float = 5000.0
    correction: Correction = "holm"
    prior_deviation: float = 0.3
    looks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Something that must not get worse, such as refunds: to how many of `units` it happened, by variant.

    `name` is for code, `title` begins a sentence: `Refunds`.
    """

    name: str
    title: str
    events: Mapping[str, int]
    units: Mapping[str, int]
