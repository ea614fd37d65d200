"""Roll-ups of our own about use (revision 0119): what people did in the app, by day that is over (UTC).

The job `usage` makes them from production's raw rows: nothing is known from here alone.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base
from lib.models.types import TotalCents

_NONE = text("0")


class FeatureDay(Base):
    """One feature on one day; `feature` is empty for anything at all that people did.

    `people` used it on the day, `people_7` and `people_28` in the 7 and 28 days that end with it. In those 28
    days a partner of `couples_28` used it, and both partners of `both_28`. `new_people` used it for the first
    time, `total_people` had used it by then, `uses` is how often it was used.
    """

    __tablename__ = "admin_feature_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int]
    people_7: Mapped[int]
    people_28: Mapped[int]
    couples_28: Mapped[int]
    both_28: Mapped[int]
    new_people: Mapped[int] = mapped_column(server_default=_NONE)
    total_people: Mapped[int] = mapped_column(server_default=_NONE)
    uses: Mapped[int]
    computed_at: Mapped[datetime]


class FeaturePerson(Base):
    """A person who used a feature: when first, when last, and on how many of the last 28 days."""

    __tablename__ = "admin_feature_people"
    __table_args__ = (
        Index("idx_admin_feature_people_last", "feature", "last_day", "user_id"),
        Index("idx_admin_feature_people_first", "feature", "first_day"),
        Index("idx_admin_feature_people_person", "user_id"),
        {"sqlite_with_rowid": False},
    )

    feature: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    relationship_id: Mapped[str | None]
    first_day: Mapped[date]
    last_day: Mapped[date]
    days_28: Mapped[int]


class EngagementDay(Base):
    """The people who did anything on one day: how many, and the sums of their scores and of each part."""

    __tablename__ = "admin_engagement_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    people: Mapped[int]
    scores: Mapped[int]
    check_in_points: Mapped[int]
    activity_points: Mapped[int]
    talk_points: Mapped[int]
    feature_points: Mapped[int]
    time_points: Mapped[int]
    computed_at: Mapped[datetime]


class DyadDay(Base):
    """Paying couples on one day by who of the two did anything in the 28 days that end with it.

    `imbalance_permille` is a sum over couples. `churned` of them left within the 30 days after it: NULL until
    those are over.
    """

    __tablename__ = "admin_dyad_days"
    __table_args__ = (
        CheckConstraint("state IN ('both', 'one', 'none')", name="admin_dyad_days_state"),
        {"sqlite_with_rowid": False},
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    couples: Mapped[int]
    arr_cents: Mapped[int] = mapped_column(TotalCents)
    imbalance_permille: Mapped[int]
    churned: Mapped[int | None]
    computed_at: Mapped[datetime]


class Dyad(Base):
    """One paying couple as of the newest day that was counted: on how many of 28 days each partner came."""

    __tablename__ = "admin_dyads"
    __table_args__ = (
        Index(
            "idx_admin_dyads_state", "state", "arr_cents", "relationship_id", "currency", "imbalance_permille"
        ),
        {"sqlite_with_rowid": False},
    )

    relationship_id: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    arr_cents: Mapped[int]
    days_1: Mapped[int]
    days_2: Mapped[int]
    imbalance_permille: Mapped[int]
    day: Mapped[date]


class VisitDay(Base):
    """Visits that began on one day with one kind of device. `timed` of them have a believable duration."""

    __tablename__ = "admin_visit_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    visits: Mapped[int]
    bounced: Mapped[int]
    timed: Mapped[int]
    seconds: Mapped[int] = mapped_column(TotalCents)
    pages: Mapped[int]
    converted: Mapped[int]
    computed_at: Mapped[datetime]


class PageDay(Base):
    """One page on one day: its views, and the visits that began or ended there."""

    __tablename__ = "admin_page_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(primary_key=True)
    views: Mapped[int]
    timed: Mapped[int]
    seconds: Mapped[int] = mapped_column(TotalCents)
    entries: Mapped[int]
    bounced: Mapped[int]
    exits: Mapped[int]


class UsageCheck(Base):
    """What one of production's own roll-ups said of one day, beside what its raw rows say.

    `differing` rows are wrong in something, `missing` ones are not stored, `unsupported` ones have no raw row
    behind them and stay as they are. The totals are of the column that the roll-up is about. `written`: they
    were corrected then.
    """

    __tablename__ = "admin_usage_checks"
    __table_args__ = ({"sqlite_with_rowid": False},)

    roll_up: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    stored_rows: Mapped[int]
    counted_rows: Mapped[int]
    missing: Mapped[int]
    differing: Mapped[int]
    unsupported: Mapped[int]
    stored_total: Mapped[int] = mapped_column(TotalCents)
    counted_total: Mapped[int] = mapped_column(TotalCents)
    written: Mapped[bool]
    compared_at: Mapped[datetime]
