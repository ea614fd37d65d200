"""The decision card of an A/B test: ship, keep running, roll back or review, with its grounds in words.

Before its planned size a test is looked at again and again, so only always-valid p-values count then; at its
size, and after the minimum run time, the corrected fixed-size ones do. Nothing is decided on arms that may
not be trusted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from lib.metrics.stats import Analysis, Effect, Guarded, Guardrail
from lib.metrics.stats.methods import SEQUENTIAL_DIFFERENCE
from lib.metrics.stats.samples import MetricName
from lib.metrics.stats.wording import counted, lift_text, p_text, share_text

Decision = Literal["ship", "keep_running", "roll_back", "review"]

TRUST: Final = ("arms", "sample_ratio", "overlap", "clusters")
"""Gates that say whether the numbers may be believed at all; a failed one ends the matter."""
LONGEST: Final = 90
"""Days that a test is worth waiting for."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the numbers advise.

    `variant` is the arm to ship, `days` how much longer to run (None where it cannot be told). `headline` is
    one sentence, `grounds` the sentences that it stands on, the weightiest first.
    """

    decision: Decision
    variant: str | None
    days: int | None
    headline: str
    grounds: tuple[str, ...]
    guarded: tuple[Guarded, ...] = ()


class _Evidence(NamedTuple):
    """A difference with the p-value that counts for it, corrected, and both in words."""

    difference: float
    p: float
    sentence: str


_Key = tuple[str, MetricName]
_CORRECTIONS: Final[Mapping[str, str]] = {
    "holm": "corrected by Holm",
    "benjamini-hochberg": "corrected by Benjamini–Hochberg",
    "bonferroni": "corrected by Bonferroni",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one arm stands: whether what decides is clearly better or worse, and what got worse beside it."""

    variant: str
    better: bool
    worse: bool
    poorer: bool
    harmed: tuple[Guarded, ...]
    difference: float
    sentence: str

    @property
    def acceptable(self) -> bool:
        return not (self.worse or self.poorer or self.harmed)


def decide(analysis: Analysis, guardrails: Sequence[Guardrail] = ()) -> Card:
    """The card for a test as it stands."""
    distrusted = [gate.sentence for gate in analysis.gates if gate.name in TRUST and gate.state == "failed"]
    if distrusted:
        return Card(
            "review", None, None, "Its numbers cannot be trusted: find out why first.", tuple(distrusted)
        )
    early = _early(analysis)
    guarded = _guarded(analysis, guardrails, early)
    evidence = _evidence(analysis, early)
    standings = [
        _standing(analysis, evidence, result.arm.variant, guarded)
        for result in analysis.arms
        if result.arm.variant != analysis.plan.control
    ]
    return _card(analysis, standings, guarded)


def goes_against(card: Card, stopping: bool, winner: str | None, control: str) -> bool:
    """Whether a person decides otherwise than the card: stops with `winner` (None: without one), or goes on.

    A card to roll back is followed by stopping without a winner or with the control, one to review by going
    on.
    """
    match card.decision:
        case "ship":
            return not stopping or winner != card.variant
        case "roll_back":
            return not stopping or winner not in (None, control)
        case "keep_running" | "review":
            return stopping


def _card(analysis: Analysis, standings: Sequence[Standing], guarded: tuple[Guarded, ...]) -> Card:
    """The first advice that fits: a clean winner, one with harm, only losers, more time, a closer look."""
    in_time = analysis.gate("run_time").state == "passed"
    winners = sorted((one for one in standings if one.better), key=lambda one: -one.difference)
    clean = [one for one in winners if one.acceptable]
    grounds = (
        *(one.sentence for one in winners),
        *(found.sentence for found in guarded if found.state == "harmed"),
        *(one.sentence for one in standings if one not in winners),
        *(analysis.gate(name).sentence for name in ("run_time", "power", "sample_ratio", "overlap")),
        *(found.sentence for found in guarded if found.state != "harmed"),
    )
    if clean and in_time:
        best = clean[0]
        return Card("ship", best.variant, None, f"Ship {best.variant}.", grounds, guarded)
    if winners and not clean:
        headline = f"{winners[0].variant} wins, and makes something else worse: weigh it."
        return Card("review", None, None, headline, grounds, guarded)
    if standings and not any(one.acceptable for one in standings):
        control = analysis.plan.control
        return Card("roll_back", None, None, f"Roll back to {control}.", grounds, guarded)
    return _undecided(analysis, grounds, guarded)


def _undecided(analysis: Analysis, grounds: tuple[str, ...], guarded: tuple[Guarded, ...]) -> Card:
    """More time where time helps, else a closer look."""
    plan, reach = analysis.plan, analysis.reach
    left = max(0.0, plan.minimum_days - max(plan.days_run, 0.0))
    at_least = int(left) + (left > int(left))
    if reach.days_to_go is None:
        if at_least:
            return _longer(at_least, grounds, guarded)
        headline = "Have a closer look: how long it has to run cannot be told."
        return Card("review", None, None, headline, (reach.why_not or "", *grounds), guarded)
    days = max(at_least, reach.days_to_go)
    if days > LONGEST:
        headline = f"Have a closer look: it would need {counted(days, 'day')} more."
        return Card("review", None, days, headline, grounds, guarded)
    if days:
        return _longer(days, grounds, guarded)
    headline = (
        f"It has its size and shows no difference: {lift_text(plan.minimum_lift)} would have been found"
        f" with {share_text(plan.power)}."
    )
    return Card("review", None, None, headline, grounds, guarded)


def _longer(days: int, grounds: tuple[str, ...], guarded: tuple[Guarded, ...]) -> Card:
    return Card("keep_running", None, days, f"Keep running, about {counted(days, 'day')}.", grounds, guarded)


def _early(analysis: Analysis) -> bool:
    """Whether the planned size or the minimum time is still ahead, or cannot be told."""
    return analysis.reach.days_to_go != 0 or analysis.gate("run_time").state != "passed"


def _guarded(analysis: Analysis, guardrails: Sequence[Guardrail], early: bool) -> tuple[Guarded, ...]:
    from lib.metrics.stats.guarding import guard

    return tuple(
        guard(guardrail, result.arm.variant, analysis.plan, early)
        for guardrail in guardrails
        for result in analysis.arms
        if result.arm.variant != analysis.plan.control
    )


def _standing(
    analysis: Analysis, evidence: Mapping[_Key, _Evidence], variant: str, guarded: Sequence[Guarded]
) -> Standing:
    alpha, primary = analysis.plan.alpha, analysis.plan.primary
    decisive = evidence[variant, primary]
    other = evidence[variant, "revenue" if primary == "conversion" else "conversion"]
    poorer = other.p < alpha and other.difference < 0
    return Standing(
        variant,
        decisive.p < alpha and decisive.difference > 0,
        decisive.p < alpha and decisive.difference < 0,
        poorer,
        tuple(found for found in guarded if found.variant == variant and found.state == "harmed"),
        decisive.difference,
        f"{decisive.sentence} {other.sentence}" if poorer else decisive.sentence,
    )


def _evidence(analysis: Analysis, early: bool) -> dict[_Key, _Evidence]:
    """What counts of each arm in each metric: the always-valid test before its size, the deciding one at it.

    The p-values are corrected together, over arms and metrics. What cannot be computed is no evidence: its p
    is 1.
    """
    from lib.metrics.stats.several import corrected

    counting = {
        (one.variant, one.metric): one.effect
        for one in analysis.comparisons
        if (one.effect.method == SEQUENTIAL_DIFFERENCE if early else one.decides)
    }
    tested = {key: effect.p for key, effect in counting.items() if effect.p is not None}
    p_values = dict(zip(tested, corrected(list(tested.values()), analysis.plan.correction), strict=True))
    return {
        key: _Evidence(
            effect.difference or 0.0,
            p_values.get(key, 1.0),
            _sentence(analysis, key, effect, p_values.get(key)),
        )
        for key, effect in counting.items()
    }


def _sentence(analysis: Analysis, key: _Key, effect: Effect, p: float | None) -> str:
    variant, metric = key
    if p is None:
        return f"{metric.capitalize()} in {variant}: {effect.why_not or effect.remark}"
    unit = analysis.plan.unit
    change = (
        f"{lift_text(effect.lift)} against {analysis.plan.control}"
        if effect.lift is not None
        else f"{'more' if (effect.difference or 0) > 0 else 'less'} than in {analysis.plan.control}"
    )
    how = f"{effect.method.test}; {_CORRECTIONS[analysis.plan.correction]}"
    return f"{metric.capitalize()} per {unit} in {variant}: {change}, {p_text(p)} ({how})."
