"""How a test is to be read: its control, what decides, how long it runs at least, what it has to find."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.work import Work, action
from lib.metrics.experiment_cells import Deciding
from lib.models import ExperimentPlan, Variant
from lib.services.experiments.counts import variants_of

DECIDING: Final = {
    "paid": "A payment within 30 days",
    "claimed": "What the app calls converted",
    "revenue": "Revenue within 30 days",
}
LONGEST: Final = 365
_CONTROL: Final = "control"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a test is read; `control_id` where a person chose it. `lift` and `power` are fractions of 1."""

    control_id: str | None = None
    deciding: Deciding = "paid"
    minimum_days: int = 14
    lift: float = 0.1
    power: float = 0.8
    set_by_email: str | None = None


def reading_of(row: ExperimentPlan | None) -> Reading:
    """The stored plan, or how a test is read that nobody has planned."""
    if row is None:
        return Reading()
    return Reading(
        row.control_id,
        cast(Deciding, row.deciding),
        row.minimum_days,
        row.lift / 1000,
        row.power / 1000,
        row.set_by_email,
    )


def control_of(variants: Sequence[Variant], reading: Reading) -> Variant:
    """The arm that others are held against: the chosen one, else the one named control, else the oldest."""
    chosen = next((arm for arm in variants if arm.id == reading.control_id), None)
    named = next((arm for arm in variants if arm.variant_name.strip().lower() == _CONTROL), None)
    return chosen or named or variants[0]


@action(Permission.EXPERIMENTS_DECIDE)
def choose_control(work: Work, name: str, *, control: str, reason: str) -> None:
    """Hold the other arms of a test against one of its arms, by its name.

    Raises NotFound without such a test, Invalid without such an arm.
    """
    arm = next((arm for arm in variants_of(work.session, name) if arm.variant_name == control), None)
    if arm is None:
        raise Invalid(f"“{control[:60]}” is no arm of this test.")
    _row(work, name).control_id = arm.id


@action(Permission.EXPERIMENTS_DECIDE)
def set_plan(
    work: Work,
    name: str,
    *,
    deciding: str,
    minimum_days: int,
    lift_percent: int,
    power_percent: int,
    reason: str,
) -> None:
    """Set what decides a test, how many days it runs at least, and the least lift it has to find, how surely.

    Raises NotFound without such a test, Invalid for what cannot be.
    """
    if not variants_of(work.session, name):
        raise NotFound(f"There is no test “{name[:60]}”.")
    if deciding not in DECIDING:
        raise Invalid(f"What decides is one of {', '.join(DECIDING)}, not “{deciding[:20]}”.")
    if not 1 <= minimum_days <= LONGEST:
        raise Invalid(f"A test runs 1 to {LONGEST} days at least.")
    if not 1 <= lift_percent <= 1000:
        raise Invalid("The least lift to find is 1 to 1,000 %.")
    if not 50 <= power_percent <= 99:
        raise Invalid("The power is 50 to 99 %.")
    row = _row(work, name)
    row.deciding, row.minimum_days = deciding, minimum_days
    row.lift, row.power = lift_percent * 10, power_percent * 10


def _row(work: Work, name: str) -> ExperimentPlan:
    row = work.session.get(ExperimentPlan, name)
    if row is None:
        row = ExperimentPlan(
            test_name=name, control_id=None, deciding="paid", minimum_days=14, lift=100, power=800
        )
        work.session.add(row)
    row.set_by_email, row.updated_at = work.actor.email, work.now
    work.about("admin_experiment_plans", name)
    return row
