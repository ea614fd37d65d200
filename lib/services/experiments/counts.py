"""A/B tests: which there are, their arms with counted assignments, and how cleanly people were put into them.

Rows of production as they are; what they come to is in `results`. Counts are those of the job's last run, or
of now for a test that it never counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.work import View, query
from lib.metrics import experiment_counts
from lib.metrics.experiment_counts import Counted, Exposure, InArm, Oddities
from lib.models import Variant

State = Literal["planned", "running", "ended", "off"]

_ORDERED: Final = select(Variant).order_by(Variant.test_name, Variant.created_at, Variant.variant_name)


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
    """A test with its arms, the oldest first, and how cleanly people were put into them, at `counted_at`."""

    experiment: Experiment
    arms: tuple[Arm, ...]
    exposure: Exposure
    counted_at: datetime
    oddities: Oddities

    @property
    def assigned(self) -> int:
        """Assignments in all arms."""
        return sum(arm.assigned for arm in self.arms)


@query(Permission.EXPERIMENTS_READ)
def experiments(view: View) -> list[Experiment]:
    """Every test, the newest first. One statement over the arms alone."""
    found = [of_arms(name, arms, view.now) for name, arms in every_variant(view.session).items()]
    return sorted(
        found, key=lambda test: (test.started_at is not None, test.started_at, test.name), reverse=True
    )


@query(Permission.EXPERIMENTS_READ)
def one(view: View, name: str) -> ExperimentCounts:
    """A test and its arms with counts; raises NotFound. Two statements, or five if it was never counted."""
    variants = variants_of(view.session, name)
    counted = experiment_counts.stored(view.session, name) or experiment_counts.count(
        view.session, name, view.now
    )
    return of(variants, counted, view.now)


def of(variants: Sequence[Variant], counted: Counted, now: datetime) -> ExperimentCounts:
    """A test's arms with what was counted of them."""
    sums = [counted.arms.get(variant.id, InArm()) for variant in variants]
    total = sum(arm.assigned for arm in sums)
    arms = tuple(_arm(variant, arm, total) for variant, arm in zip(variants, sums, strict=True))
    test = of_arms(variants[0].test_name, variants, now)
    return ExperimentCounts(test, arms, counted.exposure, counted.counted_at, counted.oddities)


def variants_of(session: Session, name: str) -> Sequence[Variant]:
    """The arms of a test, the oldest first; raises NotFound."""
    found = session.scalars(_ORDERED.where(Variant.test_name == name)).all()
    if not found:
        raise NotFound(f"There is no test “{name[:60]}”. Go back to the list and choose another.")
    return found


def every_variant(session: Session) -> dict[str, list[Variant]]:
    """The arms of every test by its name. One statement."""
    found = groupby(session.scalars(_ORDERED), key=lambda arm: arm.test_name)
    return {name: list(arms) for name, arms in found}


def of_arms(name: str, arms: Sequence[Variant], now: datetime) -> Experiment:
    """A test as its arms say that it is."""
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


def _arm(variant: Variant, counted: InArm, total: int) -> Arm:
    return Arm(
        id=variant.id,
        name=variant.variant_name,
        description=variant.description,
        traffic_percentage=variant.traffic_percentage,
        is_active=bool(variant.is_active),
        assigned=counted.assigned,
        converted=counted.converted,
        value_cents=counted.value_cents,
        share=counted.assigned / total if total else None,
        rate=counted.converted / counted.assigned if counted.assigned else None,
    )
