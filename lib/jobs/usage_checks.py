"""Production's own roll-ups about use, compared with raw rows day by day and, where asked, corrected.

    feature_usage_metrics    people who used it on the day, for the first time, ever; how often
    engagement_scores        each person's day and its score (`lib.metrics.usage.scoring`)
    relationship_analytics   each couple's week (`lib.metrics.usage.couple_health`)
    partner_analytics        each partner business's day (`lib.metrics.usage.partners`)

What no raw row tells is never written: time spent, completion, satisfaction, trends. A stored row without any
raw row behind it stays as it is and is counted as unsupported. What was found before it was corrected stays
in `admin_usage_checks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Float, bindparam, delete, insert, select, update

from lib.core.work import Work
from lib.metrics.usage.gathering import ANYTHING
from lib.metrics.usage.working_out import Counted
from lib.models import (
    EngagementScore,
    FeatureDay,
    FeatureUsage,
    PartnerDay,
    RelationshipAnalytics,
    UsageCheck,
)


@dataclass(frozen=True, slots=True)
class RollUp:
    """One of production's tables: the column of the day, the one that tells rows apart, and the main figure.

    `prefix` begins the ids of rows that are added.
    """

    table: Any
    day: str
    key: str
    total: str
    prefix: str

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table.__tablename__)


FEATURES: Final = RollUp(FeatureUsage, "metric_date", "feature_name", "total_interactions", "feat")
SCORES: Final = RollUp(EngagementScore, "score_date", "user_id", "engagement_score", "eng")
COUPLES: Final = RollUp(RelationshipAnalytics, "analytics_date", "relationship_id", "checkin_streak", "ana")
PARTNERS: Final = RollUp(PartnerDay, "analytics_date", "partner_name", "total_revenue_cents", "par")
ROLL_UPS: Final = (FEATURES, SCORES, COUPLES, PARTNERS)


def features_of(work: Work, day: date) -> Counted:
    """What `admin_feature_days` says of one day, by the columns of `feature_usage_metrics`."""
    row = FeatureDay
    stored = select(row.feature, row.total_people, row.new_people, row.people, row.uses).where(
        row.day == day, row.feature != ANYTHING, row.people > 0
    )
    return {
        found.feature: {
            "total_users": found.total_people,
            "new_users": found.new_people,
            "active_users": found.people,
            "total_interactions": found.uses,
        }
        for found in work.session.execute(stored)
    }


def follow(work: Work, roll_up: RollUp, day: date, counted: Counted, *, write: bool) -> int:
    """Compare one roll-up's rows of one day and, with `write`, correct them; gives how many were wrong.

    Wrong are rows that differ in something and rows that are missing. Running it again changes nothing more.
    """
    table, key = roll_up.table, getattr(roll_up.table, roll_up.key)
    names = list(next(iter(counted.values()), {}))
    columns = [getattr(table, name) for name in names]
    stored = {
        row[1]: row
        for row in work.session.execute(
            select(table.id, key, getattr(table, roll_up.total), *columns).where(
                getattr(table, roll_up.day) == day
            )
        )
    }
    differing = [
        (stored[name][0], values)
        for name, values in counted.items()
        if name in stored and _differs(stored[name][3:], values)
    ]
    missing = [(name, values) for name, values in counted.items() if name not in stored]
    if write:
        _correct(work, roll_up, differing)
        _add(work, roll_up, day, missing)
    if stored or counted:
        _keep(work, roll_up, day, stored, counted, len(missing), len(differing), write=write)
    return len(differing) + len(missing)


def _differs(stored: Any, values: Mapping[str, Any]) -> bool:
    return any(
        was is None or abs(was - value) > 0.001 if isinstance(value, float) else was != value
        for was, value in zip(stored, values.values(), strict=True)
    )


def _correct(work: Work, roll_up: RollUp, rows: list[tuple[str, Mapping[str, Any]]]) -> None:
    if rows:
        table = roll_up.table.__table__
        names = list(rows[0][1])
        statement = (
            update(table)
            .where(table.c.id == bindparam("row_id"))
            .values({name: bindparam(f"new_{name}", type_=_type(table.c[name])) for name in names})
        )
        work.session.connection().execute(
            statement,
            [
                {"row_id": key} | {f"new_{name}": value for name, value in values.items()}
                for key, values in rows
            ],
        )
        work.count(f"{roll_up.name}, corrected", len(rows))


def _type(column: Any) -> Any:
    """A column's type; of a DECIMAL read as a number, one that takes a number."""
    return Float() if getattr(column.type, "asdecimal", None) is False else column.type


def _add(work: Work, roll_up: RollUp, day: date, rows: list[tuple[str, Mapping[str, Any]]]) -> None:
    if rows:
        work.session.execute(
            insert(roll_up.table),
            [
                # Made from what tells rows apart, so that two runs cannot add the same row twice.
                {"id": f"{roll_up.prefix}_{day:%Y%m%d}_{name}", roll_up.day: day, roll_up.key: name}
                | dict(values)
                | {"created_at": work.now}
                for name, values in rows
            ],
        )
        work.count(f"{roll_up.name}, added", len(rows))


def _keep(
    work: Work,
    roll_up: RollUp,
    day: date,
    stored: Mapping[str, Any],
    counted: Counted,
    missing: int,
    differing: int,
    *,
    write: bool,
) -> None:
    row = UsageCheck
    work.session.execute(delete(row).where(row.day == day, row.roll_up == roll_up.name))
    work.session.execute(
        insert(row).values(
            day=day,
            roll_up=roll_up.name,
            stored_rows=len(stored),
            counted_rows=len(counted),
            missing=missing,
            differing=differing,
            unsupported=len(stored.keys() - counted.keys()),
            stored_total=sum(int(each[2] or 0) for each in stored.values()),
            counted_total=sum(int(values[roll_up.total] or 0) for values in counted.values()),
            written=write,
            compared_at=work.now,
        )
    )
