"""Features: who uses them, how often they come back, how content they are.

    adoption       people (or couples of whom one did) that used it in 28 days / all that did anything in them
    both partners  couples of whom both used it in 28 days / couples of whom one did
    stickiness     people a day, on average over 28 days / people in 28 days (DAU / MAU)
    days a week    on how many of 7 days those used it who used it in them
    satisfaction   1 to 5 as the app stored it, weighted by uses; the dashboard has no raw rows for it

Everything but satisfaction, completion and time is read from `admin_feature_days`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import func, select

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, query
from lib.metrics.figure import Basis, share_of
from lib.metrics.usage.gathering import ANYTHING, WINDOW
from lib.models import FeatureDay, FeaturePerson, FeatureUsage, User

NOTHING_YET: Final = (
    "Nothing was counted yet. The worker counts each day after it is over; "
    "`python -m lib jobs run usage` does it now."
)
UNITS: Final = ("people", "couples")
WORDS: Final = {
    "Did anything": "had an event of their own (no system or error event), a visit, a check-in, or an "
    "activity or talk that they noted",
    "Adoption": "people (or couples of whom one did) that used it in 28 days / all that did anything in them",
    "Both partners": "couples of whom both used it in 28 days / couples of whom one did",
    "Stickiness": "people a day, on average over 28 days / people in 28 days (DAU / MAU)",
    "Days a week": "on how many of the last 7 days those used it who used it in them, on average",
    "New people": "who used it for the first time",
    "Satisfaction, completed": "as the app stored them in `feature_usage_metrics`, weighted by uses; no "
    "raw rows tell them",
}
COLUMNS: Final = (
    Column("feature", "Feature", "code"),
    Column("people_28", "People, 28 days", "count"),
    Column("adoption", "Adoption by people", "percent"),
    Column("couples_28", "Couples, 28 days", "count"),
    Column("couple_adoption", "Adoption by couples", "percent"),
    Column("both", "Both partners", "percent"),
    Column("stickiness", "Stickiness (DAU / MAU)", "percent"),
    Column("days_a_week", "Days a week", "decimal"),
    Column("uses", "Uses, 28 days", "count"),
    Column("new_people", "New people, 28 days", "count"),
    Column("total_people", "People ever", "count"),
    Column("satisfaction", "Satisfaction (app's own)", "decimal"),
    Column("completion", "Completed (app's own)", "percent"),
)
USED_COLUMNS: Final = (
    Column("feature", "Feature", "code"),
    Column("last_day", "Last used", "day"),
    Column("first_day", "First used", "day"),
    Column("days_28", "Days of the last 28", "count"),
)
TREND_COLUMNS: Final = (
    Column("day", "Day (UTC)", "day"),
    Column("feature", "Feature", "code"),
    Column("people", "People, that day", "count"),
    Column("people_28", "People, 28 days", "count"),
    Column("adoption", "Adoption by people", "percent"),
    Column("couple_adoption", "Adoption by couples", "percent"),
    Column("uses", "Uses", "count"),
)


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature in the 28 days that end with the newest day that was counted; shares are of 1.

    `satisfaction` (1 to 5) and `completion` are the app's own; None where it stored none.
    """

    feature: str
    people_28: int
    adoption: Fraction | None
    couples_28: int
    couple_adoption: Fraction | None
    both: Fraction | None
    stickiness: Fraction | None
    days_a_week: Fraction | None
    uses: int
    new_people: int
    total_people: int
    satisfaction: float | None
    completion: float | None

    def adopted_by(self, unit: str) -> Fraction | None:
        """Adoption by `people` or by `couples`."""
        return self.couple_adoption if unit == "couples" else self.adoption


@dataclass(frozen=True, slots=True)
class Features:
    """Every feature, the most adopted first; how many people and couples did anything at all."""

    day: date | None
    people_28: int
    couples_28: int
    stickiness: Fraction | None
    features: tuple[Feature, ...]
    basis: Basis
    why_not: str | None

    def of(self, feature: str | None) -> Feature | None:
        """One of the features; None where it was not used."""
        return next((each for each in self.features if each.feature == feature), None)

    @property
    def most_used(self) -> str | None:
        """The feature that most people use; None while there is none."""
        return self.features[0].feature if self.features else None


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One feature on one day, with its adoption in the 28 days that end with it."""

    day: date
    feature: str
    people: int
    people_28: int
    adoption: Fraction | None
    couple_adoption: Fraction | None
    uses: int


@dataclass(frozen=True, slots=True)
class Trend:
    """Days in order; `why_not` when there is none."""

    days: tuple[TrendDay, ...]
    basis: Basis
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """One person with the features that they have used."""

    id: str
    name: str
    used: tuple[FeaturePerson, ...]


@query(Permission.USAGE_READ)
def adoption(view: View) -> Features:
    """Every feature as of the newest day that was counted. Three statements."""
    row = FeatureDay
    newest = select(func.max(row.day)).scalar_subquery()
    now = {each.feature: each for each in view.session.scalars(select(row).where(row.day == newest))}
    everything = now.get(ANYTHING)
    if everything is None:
        return Features(None, 0, 0, None, (), Basis(None, 0, "days", None), NOTHING_YET)
    day = everything.day
    sums = _sums(view, day)
    stored = _stored(view, day)
    found = [_feature(each, everything, sums[name], stored.get(name)) for name, each in now.items() if name]
    found.sort(key=lambda each: (-each.people_28, each.feature))
    return Features(
        day,
        everything.people_28,
        everything.couples_28,
        share_of(int(sums[ANYTHING].days), WINDOW * everything.people_28),
        tuple(found),
        Basis(None, int(sums[ANYTHING].uses), f"events in the 28 days to {day}", everything.computed_at),
        None if found else "Events of these 28 days name no feature.",
    )


@query(Permission.USAGE_READ)
def trend(view: View, since: date, until: date, *, feature: str | None = None) -> Trend:
    """Adoption day by day, of one feature or of all. One statement."""
    row = FeatureDay
    columns = (row.day, row.feature, row.people, row.people_28, row.couples_28, row.uses, row.computed_at)
    chosen = select(*columns).where(row.day.between(since, until)).order_by(row.day, row.feature)
    if feature is not None:
        chosen = chosen.where(row.feature.in_((feature, ANYTHING)))
    rows = view.session.execute(chosen).all()
    every = {each.day: each for each in rows if each.feature == ANYTHING}
    days = tuple(
        TrendDay(
            each.day,
            each.feature,
            each.people,
            each.people_28,
            share_of(each.people_28, every[each.day].people_28),
            share_of(each.couples_28, every[each.day].couples_28),
            each.uses,
        )
        for each in rows
        if each.feature != ANYTHING and each.day in every
    )
    counted_at = max((each.computed_at for each in rows), default=None)
    why_not = None if days else NOTHING_YET if not rows else "Nobody used this feature in this time."
    return Trend(days, Basis(None, sum(day.uses for day in days), "uses", counted_at), why_not)


@query(Permission.USAGE_READ)
def names(view: View) -> list[str]:
    """Every feature that was used on the newest days, in the order of the alphabet."""
    row = FeatureDay
    newest = select(func.max(row.day)).scalar_subquery()
    chosen = select(row.feature).where(row.day == newest, row.feature != ANYTHING).order_by(row.feature)
    return list(view.session.scalars(chosen))


@listing(
    Permission.PEOPLE_READ,
    columns=(
        Column("name", "Person"),
        Column("last_day", "Last used", "day"),
        Column("first_day", "First used", "day"),
        Column("days_28", "Days of the last 28", "count"),
        Column("user_id", "Person's id", "id"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def people(*, feature: str) -> AnySelect:
    """Who has used a feature, the latest first. Raises Invalid for an empty name."""
    if not feature:
        raise Invalid("Choose a feature: whoever did anything at all is no list to read.")
    row = FeaturePerson
    return (
        select(User.name, row.last_day, row.first_day, row.days_28, row.user_id, row.relationship_id)
        .outerjoin_from(row, User, User.id == row.user_id)
        .where(row.feature == feature)
        .order_by(row.last_day.desc(), row.user_id.desc())
    )


@query(Permission.PEOPLE_READ)
def person(view: View, user_id: str) -> Person:
    """What one person uses, the latest first. Two statements. Raises NotFound for nobody."""
    name = view.session.scalar(select(User.name).where(User.id == user_id))
    if name is None:
        raise NotFound("There is no such person.")
    view.note_opening("users", user_id)
    row = FeaturePerson
    used = view.session.scalars(
        select(row)
        .where(row.user_id == user_id, row.feature != ANYTHING)
        .order_by(row.last_day.desc(), row.feature)
    )
    return Person(user_id, name, tuple(used))


def _sums(view: View, day: date) -> dict[str, Any]:
    """By feature, of the 28 days to a day: person-days, person-days of the last 7, uses, new people."""
    row = FeatureDay
    week = func.sum(row.people).filter(row.day > day - timedelta(days=7))
    return {
        each.feature: each
        for each in view.session.execute(
            select(
                row.feature,
                func.sum(row.people).label("days"),
                week.label("week"),
                func.sum(row.uses).label("uses"),
                func.sum(row.new_people).label("new_people"),
            )
            .where(row.day > day - timedelta(days=WINDOW), row.day <= day)
            .group_by(row.feature)
        )
    }


def _stored(view: View, day: date) -> dict[str, Any]:
    """By feature, what the app stored of the 28 days to a day: satisfaction and completion, by uses."""
    row, uses = FeatureUsage, func.coalesce(FeatureUsage.total_interactions, 0)

    def mean(column: Any) -> Any:
        weight = func.nullif(func.sum(uses).filter(column.is_not(None)), 0)
        return func.sum(column * uses) / weight

    return {
        each.feature_name: each
        for each in view.session.execute(
            select(
                row.feature_name,
                mean(row.satisfaction_score).label("satisfaction"),
                mean(row.completion_rate).label("completion"),
            )
            .where(row.metric_date > day - timedelta(days=WINDOW), row.metric_date <= day)
            .group_by(row.feature_name)
        )
    }


def _feature(each: FeatureDay, every: FeatureDay, sums: Any, stored: Any) -> Feature:
    return Feature(
        each.feature,
        each.people_28,
        share_of(each.people_28, every.people_28),
        each.couples_28,
        share_of(each.couples_28, every.couples_28),
        share_of(each.both_28, each.couples_28),
        share_of(int(sums.days), WINDOW * each.people_28),
        share_of(int(sums.week or 0), each.people_7),
        int(sums.uses),
        int(sums.new_people),
        each.total_people,
        None if stored is None or stored.satisfaction is None else float(stored.satisfaction),
        None if stored is None or stored.completion is None else float(stored.completion) / 100,
    )
