"""The gates before any verdict: whether the numbers may be trusted, and whether there are enough of them."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from lib.metrics.stats.results import ChiSquared, Gate, GateState, Reach
from lib.metrics.stats.samples import Arm, Overlap, Plan
from lib.metrics.stats.wording import counted, lift_text, p_text, share_text

RATIO_LIMIT: Final = 0.001
"""Below this p the arms' sizes are not what chance makes of the planned split."""
FEWEST: Final = 8
"""As many units an arm has to expect before its size says anything."""
OVERLAP_LIMIT: Final = 0.01
"""The share of people in several arms, or of couples split over them, that a test bears."""


def gates(
    control: Arm | None,
    arms: Sequence[Arm],
    plan: Plan,
    ratio: ChiSquared,
    overlap: Overlap | None,
    reach: Reach,
) -> tuple[Gate, ...]:
    """All gates in the order in which a person reads them."""
    return (
        _arms(control, arms, plan),
        _sample_ratio(arms, plan, ratio),
        _overlap(overlap),
        _clusters(arms, plan),
        _run_time(plan),
        _power(plan, reach),
    )


def _arms(control: Arm | None, arms: Sequence[Arm], plan: Plan) -> Gate:
    names = [arm.variant for arm in arms]
    empty = [arm.variant for arm in arms if arm.units <= 0]
    empty += [variant for variant in plan.split if variant not in names]
    impossible = [arm.variant for arm in arms if not 0 <= arm.conversions <= max(arm.units, 0)]
    if control is None:
        sentence = f"The control arm {plan.control} is not among the arms."
    elif len(arms) < 2:
        sentence = "The test has one arm: there is nothing to compare it with."
    elif len(set(names)) < len(names):
        sentence = "Two arms have the same name, so nobody can tell them apart."
    elif empty:
        sentence = f"Nobody was put into {', '.join(empty)}."
    elif impossible:
        sentence = f"More conversions than {plan.unit}s were counted in {', '.join(impossible)}."
    else:
        return Gate("arms", "Arms", "passed", f"All {len(arms)} arms have {plan.unit}s in them.", len(arms))
    return Gate("arms", "Arms", "failed", sentence, len(arms))


def _sample_ratio(arms: Sequence[Arm], plan: Plan, ratio: ChiSquared) -> Gate:
    name, title = "sample_ratio", "Sample ratio"
    if ratio.p is None:
        return Gate(name, title, "unknown", ratio.why_not or "")
    weights = sum(plan.split.get(arm.variant, 0.0) for arm in arms)
    total = sum(arm.units for arm in arms)
    if min(total * plan.split[arm.variant] / weights for arm in arms) < FEWEST:
        sentence = f"Too few {plan.unit}s to tell: each arm has to expect at least {FEWEST}."
        return Gate(name, title, "unknown", sentence, ratio.p)
    sizes = ", ".join(
        f"{arm.variant} {share_text(arm.units / total)} for {share_text(plan.split[arm.variant] / weights)}"
        for arm in arms
    )
    if ratio.p < RATIO_LIMIT:
        sentence = f"The arms do not have the planned sizes ({sizes}): {p_text(ratio.p)}, chi² test."
        return Gate(name, title, "failed", sentence, ratio.p)
    return Gate(
        name, title, "passed", f"The arms have the planned sizes ({sizes}): {p_text(ratio.p)}.", ratio.p
    )


def _overlap(overlap: Overlap | None) -> Gate:
    name, title = "overlap", "Seen in several arms"
    if overlap is None or overlap.people == 0:
        return Gate(name, title, "unknown", "Nobody was counted person by person.")
    people = overlap.people_in_several_arms / overlap.people
    couples = overlap.split_couples / overlap.couples if overlap.couples else 0.0
    state: GateState = "failed" if max(people, couples) > OVERLAP_LIMIT else "passed"
    several = counted(overlap.people_in_several_arms, "person", "people")
    sentence = (
        f"{several} ({share_text(people)}) in several arms"
        f" and {counted(overlap.split_couples, 'couple')} ({share_text(couples)}) split over arms;"
        f" a test bears {share_text(OVERLAP_LIMIT)}."
    )
    return Gate(name, title, state, sentence, max(people, couples))


def _clusters(arms: Sequence[Arm], plan: Plan) -> Gate:
    name, title = "clusters", "Partners"
    if plan.unit == "couple":
        return Gate(name, title, "passed", "Couples are compared, so partners cannot influence the errors.")
    if all(arm.clusters for arm in arms):
        return Gate(name, title, "passed", "Users are compared, with errors that respect couples.")
    return Gate(
        name, title, "failed", "Users are compared as if partners were strangers: their couples are unknown."
    )


def _run_time(plan: Plan) -> Gate:
    name, title = "run_time", "Run time"
    if plan.days_run <= 0:
        return Gate(name, title, "failed", "The test has not started yet.", plan.days_run)
    left = ceil(plan.minimum_days - plan.days_run)
    so_far = counted(int(plan.days_run), "day")
    if left > 0:
        sentence = f"It has run {so_far} of at least {plan.minimum_days}: weekdays and weekends differ."
        return Gate(name, title, "failed", sentence, plan.days_run)
    return Gate(
        name, title, "passed", f"It has run {so_far}, at least {plan.minimum_days} were asked.", plan.days_run
    )


def _power(plan: Plan, reach: Reach) -> Gate:
    name, title = "power", "Size"
    if reach.needed is None or reach.power is None:
        return Gate(name, title, "unknown", reach.why_not or "No size can be told.")
    found = (
        f"; what it has finds {lift_text(reach.detectable_lift)} or more"
        if reach.detectable_lift is not None
        else ""
    )
    have = f"{reach.have:,} of {reach.needed:,} {plan.unit}s in the smallest arm"
    aim = f"for {lift_text(plan.minimum_lift)} with {share_text(plan.power)} power"
    if reach.have >= reach.needed:
        return Gate(name, title, "passed", f"It has its size: {have} {aim}{found}.", reach.power)
    return Gate(name, title, "failed", f"It is smaller than planned: {have} {aim}{found}.", reach.power)
