"""What the statistics of an A/B test say, each figure with the method that gave it.

Shares and lifts are fractions of 1, money is cents per unit. What a method cannot compute is None with the
sentence that says why, never a lift of 0.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from lib.metrics.stats.samples import Arm, MetricName, Plan

GateState = Literal["passed", "failed", "unknown"]
GuardedState = Literal["harmed", "clear", "unknown"]


class Interval(NamedTuple):
    """From `low` to `high`, at the plan's 1 − alpha."""

    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Method:
    """How a comparison is worked out: `test` names what gives its p-value, `interval` its intervals.

    Either is empty where the method gives none. `source` is where it is published.
    """

    name: str
    title: str
    test: str
    interval: str
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What one method says of a treatment (b) against the control (a).

    `difference` is b − a, `lift` (b − a) / a. `chance_to_win` is the posterior probability that b is better,
    `expected_loss` what is lost on average by shipping b where it is not, `expected_loss_of_control` by
    keeping a, both in the unit that `loss_of` names. `p` is two-sided; `statistic` and `degrees` are its own.
    `why_not` says why nothing is computable; `remark` why a part is not, or what the method leaves out.
    """

    method: Method
    difference: float | None = None
    difference_interval: Interval | None = None
    lift: float | None = None
    lift_interval: Interval | None = None
    p: float | None = None
    statistic: float | None = None
    degrees: float | None = None
    chance_to_win: float | None = None
    expected_loss: float | None = None
    expected_loss_of_control: float | None = None
    loss_of: Literal["difference", "lift"] = "difference"
    why_not: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A treatment arm against the control in one metric, by one method.

    `decides` marks the comparison whose test the decision card and the multiplicity correction stand on.
    """

    variant: str
    metric: MetricName
    effect: Effect
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A p-value beside itself after each correction over all arms and both metrics that were tested."""

    variant: str
    metric: MetricName
    test: str
    raw: float
    holm: float
    benjamini_hochberg: float
    bonferroni: float


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A chi² test over all arms: statistic, degrees of freedom, p. None with `why_not`."""

    name: str
    statistic: float | None = None
    degrees: int | None = None
    p: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition of health that comes before any verdict, with the sentence that a person reads.

    `name` is one of `arms`, `control`, `sample_ratio`, `overlap`, `clusters`, `run_time`, `power`. A gate is
    unknown where it cannot be told, with why in `sentence`. `value` is the figure that it stands on.
    """

    name: str
    title: str
    state: GateState
    sentence: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a guardrail says of one arm, in figures and a sentence; unknown where nothing is computable."""

    guardrail: str
    variant: str
    state: GuardedState
    effect: Effect
    sentence: str


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the smallest arm is from its planned size.

    `needed` units per arm, `have` in the smallest, `detectable_lift` with what it has, `power` it has for the
    planned lift, `days_to_go` at the pace so far (0 when reached). None where it cannot be told: `why_not`.
    """

    needed: int | None
    have: int
    detectable_lift: float | None
    power: float | None
    days_to_go: int | None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm, its conversions / units with the Wilson interval, its cents per unit; None without units."""

    arm: Arm
    rate: float | None
    rate_interval: Interval | None
    revenue_per_unit: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that the page and the command line say of a test. `gates` has each name once."""

    plan: Plan
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    adjusted: tuple[Adjusted, ...]
    omnibus: ChiSquared
    sample_ratio: ChiSquared
    gates: tuple[Gate, ...]
    reach: Reach

    def gate(self, name: str) -> Gate:
        """The gate of that name."""
        return next(gate for gate in self.gates if gate.name == name)

    def of(self, variant: str, metric: MetricName) -> tuple[Comparison, ...]:
        """What every method says of an arm in a metric, the deciding one first."""
        found = (one for one in self.comparisons if (one.variant, one.metric) == (variant, metric))
        return tuple(sorted(found, key=lambda one: not one.decides))
