"""Roll-ups of our own about funnels and retention (revision 0118), filled by the daily jobs of those names.

Nothing is known from here alone: the events say it all.
"""

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base


class FunnelEntry(Base):
    """A couple, or a visitor without one, that entered a ready-made funnel on a day, and how far it came.

    `reached` is how many steps; the seconds are those since the step before, None where it did not come.
    """

    __tablename__ = "admin_funnel_entries"
    __table_args__ = ({"sqlite_with_rowid": False},)

    funnel: Mapped[str] = mapped_column(primary_key=True)
    entered_on: Mapped[date] = mapped_column(primary_key=True)
    reached: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[str] = mapped_column(primary_key=True)
    entered_at: Mapped[datetime]
    seconds_2: Mapped[int | None]
    seconds_3: Mapped[int | None]
    seconds_4: Mapped[int | None]
    seconds_5: Mapped[int | None]
    seconds_6: Mapped[int | None]


class FunnelDay(Base):
    """A day for which a ready-made funnel was counted, whether anybody entered or not."""

    __tablename__ = "admin_funnel_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    funnel: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    entered: Mapped[int]
    computed_at: Mapped[datetime]


class RetentionCell(Base):
    """One cohort at one age by a ready-made definition: how many began, and how many of them came back."""

    __tablename__ = "admin_retention_cells"
    __table_args__ = ({"sqlite_with_rowid": False},)

    definition: Mapped[str] = mapped_column(primary_key=True)
    cohort: Mapped[date] = mapped_column(primary_key=True)
    age: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    returned: Mapped[int]
    computed_at: Mapped[datetime]
