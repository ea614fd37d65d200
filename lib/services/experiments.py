"""A/B tests: which there are, their arms with counts, and how cleanly people were put into them.

Counts only; a verdict needs more than counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.listing import Column
from lib.core.work import View, query
from lib.models import Assignment, Variant

State = Literal["planned", "running", "ended", "off"]

EXPERIMENT_COLUMNS: Final = (
    Column("name", "Test"),
    Column("state", "State", "status"),
    Column("arm_names", "Arms"),
    Column("started_at", "Began", "moment"),
    Column("ended_at", "Ended", "moment"),
)
ARM_COLUMNS: Final = (
    Column("name", "Arm"),
    Column("description", "What it shows"),
    Column("traffic_percentage", "Planned share, %", "count"),
    Column("assigned", "Assigned", "count"),
    Column("share", "Share of assigned", "percent"),
    Column("converted", "Converted, says the app", "count"),
    Column("rate", "Conversion", "percent"),
    Column("value_cents", "Value, says the app", "money"),
    Column("is_active", "On", "flag"),
)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A test: `ended_at` is the last arm's end, None while one has none."""

    name: str
    state: State
    arms: tuple[str, ...]
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def arm_names(self) -> str:
        """The arms in words."""
        return ", ".join(self.arms)


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm with its counts of assignments; `converted` and `value_cents` are the app's own claim.

    `share` is of all that were assigned in the test, `rate` converted of assigned; None without any.
    """

    id: str
    name: str
    description: str | None
    traffic_percentage: int | None
    is_active: bool
    assigned: int
    converted: int
    value_cents: int
    share: float | None
    rate: float | None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class ExperimentCounts:
    """A test with its arms, the oldest first."""

    experiment: Experiment
    arms: tuple[Arm, ...]

    @property
    def assigned(self) -> int:
        """Assignments in all arms."""
        return sum(arm.assigned for arm in self.arms)


@dataclass(frozen=True, slots=True)
class Exposure:
    """How cleanly people were put into arms.

    `split_couples`: couples seen in more than one arm, whose partners so influence each other across arms.
    `people_in_several_arms`: the same for one person. `without_couple`: assignments that name no couple.
    """

    people: int
    people_in_several_arms: int
    couples: int
    split_couples: int
    without_couple: int


@query(Permission.EXPERIMENTS_READ)
def experiments(view: View) -> list[Experiment]:
    """Every test, the newest first. One statement over the arms alone."""
    found = [
        _experiment(name, list(arms), view.now)
        for name, arms in groupby(_arms(view), key=lambda arm: arm.test_name)
    ]
    return sorted(
        found, key=lambda test: (test.started_at is not None, test.started_at, test.name), reverse=True
    )


@query(Permission.EXPERIMENTS_READ)
def one(view: View, name: str) -> ExperimentCounts:
    """A test and its arms with counts; raises NotFound. Two statements, served by one index."""
    variants = _arms(view, name)
    if not variants:
        raise NotFound(f"There is no test “{name[:60]}”. Go back to the list and choose another.")
    rows = view.session.execute(
        select(
            Assignment.variant_id,
            func.count(),
            func.count().filter(Assignment.converted.is_(True)),
            func.sum(Assignment.conversion_value_cents),
        )
        .where(Assignment.variant_id.in_([variant.id for variant in variants]))
        .group_by(Assignment.variant_id)
    )
    counts = {key: (assigned, converted, int(value or 0)) for key, assigned, converted, value in rows}
    total = sum(assigned for assigned, _, _ in counts.values())
    arms = tuple(_arm(variant, *counts.get(variant.id, (0, 0, 0)), total) for variant in variants)
    return ExperimentCounts(_experiment(name, variants, view.now), arms)


@query(Permission.EXPERIMENTS_READ)
def exposure(view: View, name: str) -> Exposure:
    """How many people and couples a test has, and how many are in several arms. Reads all its assignments."""
    people, several = _in_several_arms(view, name, Assignment.user_id)
    couples, split = _in_several_arms(view, name, Assignment.relationship_id)
    without = view.session.scalar(
        select(func.count()).where(Assignment.test_name == name, Assignment.relationship_id.is_(None))
    )
    return Exposure(people, several, couples, split, without or 0)


def _arms(view: View, name: str | None = None) -> Sequence[Variant]:
    chosen = select(Variant).order_by(Variant.test_name, Variant.created_at, Variant.variant_name)
    return view.session.scalars(chosen.where(Variant.test_name == name) if name else chosen).all()


def _experiment(name: str, arms: Sequence[Variant], now: datetime) -> Experiment:
    began = min((arm.start_date for arm in arms if arm.start_date), default=None)
    ends = [arm.end_date for arm in arms]
    ended = max((end for end in ends if end), default=None) if all(ends) else None
    return Experiment(
        name, _state(arms, began, ended, now), tuple(arm.variant_name for arm in arms), began, ended
    )


def _state(arms: Sequence[Variant], began: datetime | None, ended: datetime | None, now: datetime) -> State:
    if ended is not None and ended <= now:
        return "ended"
    if not any(arm.is_active for arm in arms):
        return "off"
    return "planned" if began is not None and began > now else "running"


def _arm(variant: Variant, assigned: int, converted: int, value_cents: int, total: int) -> Arm:
    return Arm(
        id=variant.id,
        name=variant.variant_name,
        description=variant.description,
        traffic_percentage=variant.traffic_percentage,
        is_active=bool(variant.is_active),
        assigned=assigned,
        converted=converted,
        value_cents=value_cents,
        share=assigned / total if total else None,
        rate=converted / assigned if assigned else None,
    )


def _in_several_arms(view: View, name: str, unit: InstrumentedAttribute[str | None]) -> tuple[int, int]:
    """How many units a test has, and how many of them were seen in more than one arm."""
    arms = (
        select((func.min(Assignment.variant_id) != func.max(Assignment.variant_id)).label("several"))
        .where(Assignment.test_name == name, unit.is_not(None))
        .group_by(unit)
        .subquery()
    )
    units, several = view.session.execute(
        select(func.count(), func.count().filter(arms.c.several)).select_from(arms)
    ).one()
    return units, several
