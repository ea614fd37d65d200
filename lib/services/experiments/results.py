"""What a test came to: its arms in couples (or users) and money, the statistics, and the decision card.

Everything is worked out of the sums that the job keeps (`lib.metrics.experiment_sums`), so reading a test
costs a few small statements whatever its size; one that was never counted is summed on the spot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.work import View, query
from lib.metrics import experiment_cells, experiment_counts, experiment_sums, verdict
from lib.metrics.experiment_cells import Cells, Deciding
from lib.metrics.experiment_sums import UNITS
from lib.metrics.stats import Analysis, Overlap, Plan, analyse
from lib.metrics.stats.samples import Unit
from lib.metrics.verdict import Card
from lib.models import ArmSeen, ExperimentPlan, Variant
from lib.services.experiments import counts, remarks
from lib.services.experiments.counts import Experiment, ExperimentCounts
from lib.services.experiments.plans import Reading, control_of, reading_of


@dataclass(frozen=True, slots=True)
class ArmOutcome:
    """An arm: units in it, what they did, and what of their money was kept.

    Shares are fractions of 1, None where there is nothing to divide by. `planned` is the arm's part of the
    traffic as it was asked for, `seen` its part of the units. `claimed` is the app's own word. Money is in
    cents of `currency`: `cents` of 30 days net of refunds, `kept_cents` of 65 days of the `kept_units` whose
    65 days are over, `renewed` of them paid for a subscription twice.
    """

    id: str
    name: str
    is_control: bool
    description: str | None
    planned: float | None
    seen: float | None
    units: int
    over: int
    conversions: int
    rate: float | None
    low: float | None
    high: float | None
    claimed: int
    claimed_rate: float | None
    cents: int
    per_unit: int | None
    kept_units: int
    kept_cents: int
    kept_per_unit: int | None
    renewed: int
    renewed_rate: float | None
    refunded: int
    erred: int
    subscribed: int
    churned: int
    assigned: int
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Result:
    """A test as it stands. `clean` is the run without contaminated couples, `kept` that in kept money.

    Both are None where they would say nothing: no couple is contaminated, nobody's 65 days are over.
    `contaminated` counts units. `remarks` are sentences about what is odd with the test or its rows.
    """

    counts: ExperimentCounts
    reading: Reading
    unit: Unit
    control: str
    arms: tuple[ArmOutcome, ...]
    analysis: Analysis
    card: Card
    clean: Analysis | None
    kept: Analysis | None
    contaminated: int
    remarks: tuple[str, ...]
    cells: Cells

    @property
    def experiment(self) -> Experiment:
        """The test itself."""
        return self.counts.experiment

    @property
    def units(self) -> int:
        """Units in all arms."""
        return sum(arm.units for arm in self.arms)

    @property
    def names(self) -> dict[str, str]:
        """The arms' names by variant id."""
        return {arm.id: arm.name for arm in self.arms}

    @property
    def state(self) -> str:
        """Where the test stands; `to_decide` when it runs and the card has an answer."""
        return state_of(self.experiment, self.card)


@query(Permission.EXPERIMENTS_READ)
def result(view: View, name: str, unit: str = "couple", *, anew: bool = False) -> Result:
    """Everything about a test but its people. Six small statements; `anew` sums it up on the spot.

    Raises NotFound without such a test, Invalid for a unit that is neither couple nor user.
    """
    return of_test(view.session, view.now, name, _unit(unit), anew=anew)


def of_test(
    session: Session, now: datetime, name: str, unit: Unit = "couple", *, anew: bool = False
) -> Result:
    """The same, for an action that has to look at the card."""
    variants = counts.variants_of(session, name)
    known = None if anew else experiment_counts.stored(session, name)
    counted = known or experiment_counts.count(session, name, now)
    cells = experiment_cells.stored(session, name, unit) if known else None
    if cells is None or (not cells.cells and counted.exposure.people + counted.exposure.couples):
        cells = experiment_cells.of_rows(experiment_sums.sums(session, name, unit, now))
    reading = reading_of(session.get(ExperimentPlan, name))
    test = counts.of(variants, counted, now)
    odd = remarks.of(
        test,
        variants,
        cells,
        session.scalars(
            select(ArmSeen)
            .where(ArmSeen.variant_id.in_([variant.id for variant in variants]))
            .order_by(ArmSeen.seen_at)
        ).all(),
        remarks.other_names(session, name),
    )
    plan = plan_of(test.experiment, variants, reading, unit, now)
    return _result(test, reading, plan, cells, odd)


def _result(
    test: ExperimentCounts, reading: Reading, plan: Plan, cells: Cells, odd: tuple[str, ...]
) -> Result:
    names = {arm.id: arm.name for arm in test.arms}
    arms = experiment_cells.arms(cells, names, reading.deciding)
    analysis = analyse(arms, plan, overlap_of(test))
    card = verdict.decide(analysis, experiment_cells.guardrails(cells, names))
    contaminated = sum(cell.sums["units"] for cell in cells.cells if cell.contaminated)
    return Result(
        test,
        reading,
        cells.unit,
        plan.control,
        _outcomes(test, names, cells, analysis),
        analysis,
        card,
        _clean(cells, names, reading.deciding, plan) if contaminated else None,
        _kept(cells, names, plan),
        contaminated,
        odd,
        cells,
    )


def plan_of(
    test: Experiment, variants: Sequence[Variant], reading: Reading, unit: Unit, now: datetime
) -> Plan:
    """What a test is held against."""
    until = min(now, test.ended_at) if test.ended_at else now
    days = (until - test.started_at).total_seconds() / 86_400 if test.started_at else 0.0
    return Plan(
        control=control_of(variants, reading).variant_name,
        split={variant.variant_name: float(variant.traffic_percentage or 0) for variant in variants},
        unit=unit,
        primary="revenue" if reading.deciding == "revenue" else "conversion",
        days_run=max(days, 0.0),
        minimum_days=reading.minimum_days,
        minimum_lift=reading.lift,
        power=reading.power,
    )


def overlap_of(test: ExperimentCounts) -> Overlap:
    """How many were seen in more than one arm."""
    seen = test.exposure
    return Overlap(seen.people, seen.people_in_several_arms, seen.couples, seen.split_couples)


def state_of(test: Experiment, card: Card) -> str:
    """Where a test stands, by its dates and its card."""
    decided = test.state == "running" and card.decision in {"ship", "roll_back"}
    return "to_decide" if decided else test.state


def _unit(text: str) -> Unit:
    for unit in UNITS:
        if unit == text:
            return unit
    raise Invalid(f"Units are couple or user, not “{text[:20]}”.")


def _clean(cells: Cells, names: Mapping[str, str], deciding: Deciding, plan: Plan) -> Analysis:
    return analyse(experiment_cells.arms(cells, names, deciding, lambda cell: not cell.contaminated), plan)


def _kept(cells: Cells, names: Mapping[str, str], plan: Plan) -> Analysis | None:
    """Kept money, in couples alone: whose money it was is not known by person."""
    arms = experiment_cells.kept_arms(cells, names)
    if cells.unit != "couple" or not any(arm.units for arm in arms):
        return None
    return analyse(arms, replace(plan, primary="revenue"))


def _outcomes(
    test: ExperimentCounts, names: Mapping[str, str], cells: Cells, analysis: Analysis
) -> tuple[ArmOutcome, ...]:
    weights = sum(arm.traffic_percentage or 0 for arm in test.arms)
    totals = {key: cells.total(key) for key in names}
    units = sum(total["units"] for total in totals.values())
    found = []
    for arm, measured in zip(test.arms, analysis.arms, strict=True):
        sums = totals[arm.id]
        low, high = measured.rate_interval or (None, None)
        found.append(
            ArmOutcome(
                id=arm.id,
                name=arm.name,
                is_control=arm.name == analysis.plan.control,
                description=arm.description,
                planned=share(arm.traffic_percentage or 0, weights),
                seen=share(sums["units"], units),
                units=sums["units"],
                over=sums["over"],
                conversions=measured.arm.conversions,
                rate=measured.rate,
                low=low,
                high=high,
                claimed=sums["claimed"],
                claimed_rate=share(sums["claimed"], sums["units"]),
                cents=sums["cents"],
                per_unit=per(sums["cents"], sums["units"]),
                kept_units=sums["kept_units"],
                kept_cents=sums["kept_cents"],
                kept_per_unit=per(sums["kept_cents"], sums["kept_units"]),
                renewed=sums["renewed"],
                renewed_rate=share(sums["renewed"], sums["kept_units"]),
                refunded=sums["refunded"],
                erred=sums["erred"],
                subscribed=sums["subscribed"],
                churned=sums["churned"],
                assigned=arm.assigned,
            )
        )
    return tuple(found)


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return part / whole if whole else None


def per(cents: int, units: int) -> int | None:
    """Cents per unit, rounded for showing; None without units."""
    return round(cents / units) if units else None
