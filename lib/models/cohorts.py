"""Roll-ups of our own about cohorts (revision 0114): who first paid when, and what became of them, by month.

The job `cohorts` makes them from the movements of couples and from payments: nothing is known from here alone.
"""

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import Base
from lib.models.types import TotalCents

_NONE = text("0")


class CohortCouple(Base):
    """A couple in the cohort of the month in which it first paid, under one policy and in one currency.

    `opening_arr_cents` is what it stood at on the evening of that day, `plan_id` its plan then, `joined_via`
    what the app noted of how it came: empty where it noted nothing.
    """

    __tablename__ = "admin_cohort_couples"
    __table_args__ = (
        Index("idx_admin_cohort_couples_cohort", "policy", "cohort", "currency", "relationship_id"),
        {"sqlite_with_rowid": False},
    )

    relationship_id: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    policy: Mapped[str] = mapped_column(primary_key=True)
    cohort: Mapped[date]
    joined_on: Mapped[date]
    opening_arr_cents: Mapped[int]
    plan_id: Mapped[str]
    joined_via: Mapped[str]


class CohortMonth(Base):
    """What changed in one month for one part of a cohort: its couples of one plan and one way to the app.

    The row of the cohort's own month has who joined. What stands after a month is the sum of the changes up to
    it, so that a month can be counted again by itself. Months are by their first day; a cohort has a row for
    each month since its own. Money that came before the cohort's month stands in that month.
    """

    __tablename__ = "admin_cohort_months"
    __table_args__ = ({"sqlite_with_rowid": False},)

    policy: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    cohort: Mapped[date] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(primary_key=True)
    joined_via: Mapped[str] = mapped_column(primary_key=True)
    joined_couples: Mapped[int] = mapped_column(server_default=_NONE)
    opening_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    couples_change: Mapped[int] = mapped_column(server_default=_NONE)
    arr_change_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    paid_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    refunded_cents: Mapped[int] = mapped_column(TotalCents, server_default=_NONE)
    computed_at: Mapped[datetime]


class CohortCheck(Base):
    """What production's `user_cohorts` said of the people of one cohort, beside what their rows say.

    `cohort` is the month of sign-up, as the app counts cohorts. `differing` people have a row that is wrong in
    something; `missing` ones have none. `written`: they were corrected then.
    """

    __tablename__ = "admin_cohort_checks"

    cohort: Mapped[date] = mapped_column(primary_key=True)
    people: Mapped[int]
    missing: Mapped[int]
    differing: Mapped[int]
    stored_revenue_cents: Mapped[int] = mapped_column(TotalCents)
    revenue_cents: Mapped[int] = mapped_column(TotalCents)
    stored_active: Mapped[int]
    active: Mapped[int]
    written: Mapped[bool]
    compared_at: Mapped[datetime]
