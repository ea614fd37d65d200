"""How many were put into each arm of an A/B test and converted, and how cleanly they were put there.

Counting reads every assignment of a test. The app changes an assignment in place when it converts and keeps
no time of it, so what changed since cannot be told: a test is counted anew as a whole, by a job, and pages
read what was counted last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lib.models import ArmCount, Assignment, ExperimentCount, Variant, sortable


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
class Oddities:
    """Assignments that are not as they ought to be, and those without an account; all are rows.

    `visitors` name neither a couple nor a person. `in_future` are dated after the count, `without_moment` not
    at all: neither is in any result. `before_start` and `after_end` lie outside the dates of their arm.
    `of_other_tests` name an arm of another test. `first_at` and `last_at` are the outermost moments.
    """

    visitors: int = 0
    in_future: int = 0
    without_moment: int = 0
    before_start: int = 0
    after_end: int = 0
    of_other_tests: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A test as it was at `counted_at`; `arms` by variant id, without those that nobody was put into."""

    arms: Mapping[str, InArm]
    exposure: Exposure
    counted_at: datetime
    oddities: Oddities = Oddities()


def count(session: Session, test_name: str, now: datetime) -> Counted:
    """Count a test from its assignments. Four statements, each over all of them."""
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
        _oddities(session, test_name, now),
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
        Oddities(**{field: getattr(whole, field) for field in Oddities.__dataclass_fields__}),
    )


def _oddities(session: Session, test_name: str, now: datetime) -> Oddities:
    row, at = Assignment, sortable(Assignment.assigned_at)
    found = session.execute(
        select(
            _counted(row.user_id.is_(None), row.relationship_id.is_(None)).label("visitors"),
            _counted(at > now).label("in_future"),
            _counted(at.is_(None)).label("without_moment"),
            _counted(at < sortable(Variant.start_date)).label("before_start"),
            _counted(at > sortable(Variant.end_date)).label("after_end"),
            _counted(Variant.test_name.is_distinct_from(row.test_name)).label("of_other_tests"),
            func.min(at).label("first_at"),
            func.max(at).label("last_at"),
        )
        .outerjoin(Variant, Variant.id == row.variant_id)
        .where(row.test_name == test_name)
    ).one()
    return Oddities(**found._mapping)


def _counted(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(*conditions)


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
