"""Roll-ups of our own (revisions 0102, 0111): worked out by jobs from rows that stand elsewhere, so that a page reads few.

Every row can be made again: nothing here is known from here alone.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base
from lib.models.types import TotalCents


class CoupleMovement(Base):
    """One couple's movement on one UTC day, under one policy and in one currency: the rows behind a figure.

    Written together with the `admin_metric_daily` of that day, whose movements it adds up to. Amounts are
    annualised cents at the day's two ends. SQLite keeps the rows in the order of the key: a list of some days,
    newest first, is read as it lies, and a day is written once, without an index beside it.
    """

    __tablename__ = "admin_couple_movements"
    __table_args__ = (
        CheckConstraint(
            "movement IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')",
            name="admin_couple_movements_movement",
        ),
        {"sqlite_with_rowid": False},
    )

    policy: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    relationship_id: Mapped[str] = mapped_column(primary_key=True)
    movement: Mapped[str]
    before_arr_cents: Mapped[int]
    after_arr_cents: Mapped[int]


class ExperimentCount(Base):
    """How cleanly people were put into the arms of one test, as of `counted_at`.

    What else is counted of a whole test belongs here, as a further column.
    """

    __tablename__ = "admin_experiment_counts"

    test_name: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int]
    people_in_several_arms: Mapped[int]
    couples: Mapped[int]
    split_couples: Mapped[int]
    without_couple: Mapped[int]
    counted_at: Mapped[datetime]


class ArmCount(Base):
    """What one arm of a test was counted to have, at the `counted_at` of its test.

    The further sums that statistics are made from (couples, revenue, its squares) belong here, as columns.
    """

    __tablename__ = "admin_experiment_arm_counts"

    test_name: Mapped[str] = mapped_column(primary_key=True)
    variant_id: Mapped[str] = mapped_column(primary_key=True)
    assigned: Mapped[int]
    converted: Mapped[int]
    value_cents: Mapped[int] = mapped_column(TotalCents)


class StayedMonth(Base):
    """The couples that began to pay in one month and used one code, and how many stayed, as of `counted_at`.

    `discount_id` is empty for those who used no code at all. `mature_<n>`: couples that have been here for `n`
    months, `stayed_<n>`: those of them that paid then (`lib.services.discounts.staying`).
    """

    __tablename__ = "admin_stayed_months"

    discount_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    couples: Mapped[int]
    mature_1: Mapped[int]
    stayed_1: Mapped[int]
    mature_3: Mapped[int]
    stayed_3: Mapped[int]
    mature_6: Mapped[int]
    stayed_6: Mapped[int]
    counted_at: Mapped[datetime]
