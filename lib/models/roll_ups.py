"""Roll-ups of our own (revisions 0102, 0111, 0112, 0115, 0117): worked out by jobs from rows that stand elsewhere, so that a page reads few.

Every row can be made again: nothing here is known from here alone.
"""

from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base
from lib.models.types import Day, TotalCents


class CoupleMove(Base):
    """One couple's movement on one day and in one currency, under a set of policies: the rows behind a figure.

    Written together with the `admin_metric_daily` of that day, whose movements it adds up to. Amounts are
    annualised cents at the day's two ends; `policies` is the sum of the bits of the policies under which the
    couple moved just so. `seq` is the couple's last entry in the ledger on that day, which says plan, cause
    and how it is known. SQLite keeps the rows in the order of the key: a list of some days, newest first, is
    read as it lies, and a day is written once, without an index beside it.
    """

    __tablename__ = "admin_couple_moves"
    __table_args__ = (
        CheckConstraint(
            "movement IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')",
            name="admin_couple_moves_movement",
        ),
        {"sqlite_with_rowid": False},
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    relationship_id: Mapped[str] = mapped_column(primary_key=True)
    policies: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    movement: Mapped[str]
    before_arr_cents: Mapped[int]
    after_arr_cents: Mapped[int]
    seq: Mapped[int]


# Of releases before revision 0112. Revisions only add, so the table stays; nothing reads or writes it.
_FORMER_MOVES: Final = Table(
    "admin_couple_movements",
    Base.metadata,
    Column("policy", Text, primary_key=True),
    Column("day", Day(), primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("relationship_id", Text, primary_key=True),
    Column("movement", Text, nullable=False),
    Column("before_arr_cents", Integer, nullable=False),
    Column("after_arr_cents", Integer, nullable=False),
    CheckConstraint(
        "movement IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')",
        name="admin_couple_movements_movement",
    ),
    sqlite_with_rowid=False,
)


class ExperimentCount(Base):
    """How cleanly people were put into the arms of one test, as of `counted_at`.

    What else is counted of a whole test belongs here, as a further column; those from `visitors` on, since
    0117, are assignments (`lib.metrics.experiment_counts.Oddities`). `card` is what the decision card said.
    """

    __tablename__ = "admin_experiment_counts"

    test_name: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int]
    people_in_several_arms: Mapped[int]
    couples: Mapped[int]
    split_couples: Mapped[int]
    without_couple: Mapped[int]
    counted_at: Mapped[datetime]
    visitors: Mapped[int] = mapped_column(server_default=text("0"))
    in_future: Mapped[int] = mapped_column(server_default=text("0"))
    without_moment: Mapped[int] = mapped_column(server_default=text("0"))
    before_start: Mapped[int] = mapped_column(server_default=text("0"))
    after_end: Mapped[int] = mapped_column(server_default=text("0"))
    of_other_tests: Mapped[int] = mapped_column(server_default=text("0"))
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    card: Mapped[str | None]


class ArmCount(Base):
    """What one arm of a test was counted to have, at the `counted_at` of its test.

    Assignments and what the app claims of them; the sums that statistics are made from are in cells
    (`lib.models.experiments`).
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


class PaymentDay(Base):
    """What was paid, given back, refused or recovered on one day of the business, in cents and in payments.

    `what` says which; `detail` what was paid for (`subscription`, `gift`, …), why it was given back, or
    nothing.
    """

    __tablename__ = "admin_payment_days"
    __table_args__ = (
        CheckConstraint(
            "what IN ('paid', 'refunded', 'failed', 'recovered')", name="admin_payment_days_what"
        ),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    cents: Mapped[int] = mapped_column(TotalCents)
    payments: Mapped[int]
    computed_at: Mapped[datetime]
