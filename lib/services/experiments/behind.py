"""What lies behind a test's figures: its days, its segments, and the people in an arm."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.listing import AnySelect, Column, listing
from lib.metrics import experiment_cells
from lib.metrics.experiment_cells import SEGMENTS, Cell, Segment
from lib.metrics.stats import Effect, analyse
from lib.models import Assignment, Relationship, User, Variant
from lib.services.experiments.results import Result, share

MOST_VALUES: Final = 8
_OTHER: Final = aliased(User)


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """An arm at the end of a day (UTC): units and conversions since the test began.

    `rate` is a fraction of 1; `lift` against the control by then, None where it cannot be told.
    """

    day: date
    arm: str
    new_units: int
    units: int
    conversions: int
    rate: float | None
    lift: float | None


@dataclass(frozen=True, slots=True)
class SegmentOutcome:
    """A treatment against the control among the units of one segment, by the test that decides.

    Shares are fractions of 1, money differences are left to the whole. `p` is not corrected for the number
    of segments: a segment alone decides nothing.
    """

    segment: str
    value: str
    arm: str
    units: int
    control_units: int
    rate: float | None
    control_rate: float | None
    lift: float | None
    low: float | None
    high: float | None
    p: float | None
    why_not: str | None


@listing(
    Permission.PEOPLE_READ,
    columns=(
        Column("person", "Person"),
        Column("partner", "Partner"),
        Column("arm", "Arm"),
        Column("assigned_at", "Put into the arm", "moment"),
        Column("converted", "Converted, says the app", "flag"),
        Column("value_cents", "Value, says the app", "money"),
        Column("relationship_id", "Couple", "id"),
        Column("user_id", "User", "id"),
    ),
)
def people(*, name: str, variant_id: str) -> AnySelect:
    """The people in an arm of a test, those first whom the app calls converted; visitors are left out."""
    other = or_(
        (_OTHER.id == Relationship.user_1_id) & (Relationship.user_2_id == Assignment.user_id),
        (_OTHER.id == Relationship.user_2_id) & (Relationship.user_1_id == Assignment.user_id),
    )
    return (
        select(
            Assignment.id,
            User.name.label("person"),
            _OTHER.name.label("partner"),
            Variant.variant_name.label("arm"),
            Assignment.assigned_at,
            Assignment.converted,
            Assignment.conversion_value_cents.label("value_cents"),
            Assignment.relationship_id,
            Assignment.user_id,
        )
        .join(Variant, Variant.id == Assignment.variant_id)
        .outerjoin(User, User.id == Assignment.user_id)
        .outerjoin(Relationship, Relationship.id == Assignment.relationship_id)
        .outerjoin(_OTHER, other)
        .where(
            Assignment.test_name == name,
            Assignment.variant_id == variant_id,
            or_(Assignment.user_id.is_not(None), Assignment.relationship_id.is_not(None)),
        )
        # As the index of an arm has them: an arm may hold millions.
        .order_by(Assignment.converted.desc(), Assignment.conversion_value_cents.desc())
    )


def timeline(result: Result) -> list[DayOutcome]:
    """Each arm day by day, the oldest day first. A day on which nobody came is left out."""
    claimed = result.reading.deciding == "claimed"
    so_far: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    found = []
    for day, rows in groupby(result.cells.days, key=lambda each: each.day):
        new = {result.names.get(row.variant_id, ""): row for row in rows}
        for arm, row in new.items():
            so_far[arm][0] += row.units
            so_far[arm][1] += row.claimed if claimed else row.conversions
        control = share(so_far[result.control][1], so_far[result.control][0])
        for arm in result.names.values():
            units, conversions = so_far[arm]
            rate = share(conversions, units)
            lift = rate / control - 1 if rate is not None and control else None
            came = new[arm].units if arm in new else 0
            found.append(
                DayOutcome(day, arm, came, units, conversions, rate, None if arm == result.control else lift)
            )
    return found


def segments(result: Result) -> list[SegmentOutcome]:
    """Every treatment among the units of each segment, the eight largest values of each."""
    return [
        outcome
        for segment, title in SEGMENTS.items()
        for value in result.cells.values(segment)[:MOST_VALUES]
        for outcome in _of_segment(result, segment, title, value)
    ]


def _of_segment(result: Result, segment: Segment, title: str, value: str) -> list[SegmentOutcome]:
    def within(cell: Cell) -> bool:
        return bool(getattr(cell, segment) == value)

    arms = experiment_cells.arms(result.cells, result.names, result.reading.deciding, within)
    plan = result.analysis.plan
    found = analyse(arms, plan)
    measured = {each.arm.variant: each for each in found.arms}
    control = measured[plan.control]
    outcomes = []
    for arm in measured.values():
        if arm is control:
            continue
        compared = found.of(arm.arm.variant, plan.primary)
        effect: Effect | None = compared[0].effect if compared else None
        low, high = (effect.lift_interval if effect else None) or (None, None)
        outcomes.append(
            SegmentOutcome(
                title,
                value,
                arm.arm.variant,
                arm.arm.units,
                control.arm.units,
                arm.rate,
                control.rate,
                effect.lift if effect else None,
                low,
                high,
                effect.p if effect else None,
                effect.why_not if effect else "Nobody in it.",
            )
        )
    return outcomes
