"""How many were put into each arm of an A/B test and converted, and how cleanly they were put there.

Counting reads every assignment of a test. The app changes an assignment in place when it converts and keeps
no time of it, so what changed since cannot be told: a test is counted anew as a whole, by a job, and pages
read what was counted last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lib.models import ArmCount, Assignment, ExperimentCount


@dataclass(frozen=True, slots=True)
class InArm:
    """An arm's assignments, those of them that the app calls converted, and their value as it says."""

    assigned: int = 0
    converted: int = 0
    value_cents: int = 0


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


@dataclass(frozen=True, slots=True)
class Counted:
    """A test as it was at `counted_at`; `arms` by variant id, without those that nobody was put into."""

    arms: Mapping[str, InArm]
    exposure: Exposure
    counted_at: datetime


def count(session: Session, test_name: str, now: datetime) -> Counted:
    """Count a test from its assignments. Three statements, each over all of them."""
    rows = session.execute(
        select(
            Assignment.variant_id,
            func.count(),
            func.count().filter(Assignment.converted.is_(True)),
            func.sum(Assignment.conversion_value_cents),
            func.count().filter(Assignment.relationship_id.is_(None)),
        )
        .where(Assignment.test_name == test_name)
        .group_by(Assignment.variant_id)
    ).all()
    people, in_several = _in_several_arms(session, test_name, Assignment.user_id)
    couples, split = _in_several_arms(session, test_name, Assignment.relationship_id)
    return Counted(
        {arm: InArm(assigned, converted, int(value or 0)) for arm, assigned, converted, value, _ in rows},
        Exposure(people, in_several, couples, split, sum(without for *_, without in rows)),
        now,
    )


def stored(session: Session, test_name: str) -> Counted | None:
    """What was counted last; None for a test that never was. One statement."""
    rows = session.execute(
        select(ExperimentCount, ArmCount)
        .outerjoin(ArmCount, ArmCount.test_name == ExperimentCount.test_name)
        .where(ExperimentCount.test_name == test_name)
    ).all()
    if not rows:
        return None
    whole = rows[0][0]
    return Counted(
        {arm.variant_id: InArm(arm.assigned, arm.converted, arm.value_cents) for _, arm in rows if arm},
        Exposure(
            whole.people,
            whole.people_in_several_arms,
            whole.couples,
            whole.split_couples,
            whole.without_couple,
        ),
        whole.counted_at,
    )


def _in_several_arms(
    session: Session, test_name: str, unit: InstrumentedAttribute[str | None]
) -> tuple[int, int]:
    """How many units a test has, and how many of them were seen in more than one arm."""
    arms = (
        select((func.min(Assignment.variant_id) != func.max(Assignment.variant_id)).label("several"))
        .where(Assignment.test_name == test_name, unit.is_not(None))
        .group_by(unit)
        .subquery()
    )
    units, several = session.execute(
        select(func.count(), func.count().filter(arms.c.several)).select_from(arms)
    ).one()
    return units, several
