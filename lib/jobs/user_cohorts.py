"""Production's own cohorts of people, `user_cohorts`, compared with raw rows and, where asked, corrected.

A row is a person; its cohort is the month of sign-up. The table has no currency: amounts are in US dollars.

    first subscription   the day on which the couple's first subscription was made
    revenue              the payments of this person that went through, refunded ones included
    active               a subscription of the couple goes on: active, trialing, past due or paused

How somebody came (`joined_via`) is known to the app alone: it is never written. What was found before it was
corrected stays in `admin_cohort_checks`, so that the page can show by how much the stored figures were wrong.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, delete, func, insert, literal, or_, select, update

from lib.core.access import Actor, Permission
from lib.core.database import Database
from lib.core.moments import month_start, next_month
from lib.core.work import View, Work, job, query, reading, working
from lib.metrics.cohort_rows import CURRENCY, EARNING, last_day
from lib.metrics.spans import in_days, utc_day
from lib.models import CohortCheck, CohortMember, Payment, Relationship, Subscription, User
from lib.models.types import Day

_ALIVE: Final = ("active", "trialing", "past_due", "paused")


@dataclass(frozen=True, slots=True)
class Found:
    """What `user_cohorts` and raw rows say of the people who signed up in one month."""

    cohort: date
    people: int
    missing: int
    differing: int
    stored_revenue_cents: int
    revenue_cents: int
    stored_active: int
    active: int

    @property
    def wrong(self) -> int:
        """How many people's rows say something else than raw rows, or are missing."""
        return self.differing + self.missing


def follow(
    database: Database, actor: Actor, moment: datetime, *, write: bool, tell: Callable[[int], None]
) -> int:
    """Compare every cohort and, with `write`, correct it; gives how many people's rows were wrong or missing.

    `tell` hears how many are done.
    """
    return keep_each(database, actor, moment, compared(database, actor, moment), write=write, tell=tell)


def keep_each(
    database: Database,
    actor: Actor,
    moment: datetime,
    checked: Iterable[Found],
    *,
    write: bool,
    tell: Callable[[int], None],
) -> int:
    """Keep what was found of some cohorts and, with `write`, correct them; gives how many people were wrong.

    A cohort is a transaction of its own, and comes out the same however often it is done.
    """
    wrong = 0
    for number, found in enumerate(checked, 1):
        with working(database, actor, now=moment) as work:
            keep(work, found, write=write)
        wrong += found.wrong
        tell(number)
    return wrong


def compared(
    database: Database,
    actor: Actor,
    moment: datetime,
    *,
    since: date | None = None,
    until: date | None = None,
) -> Iterator[Found]:
    """What is stored of each cohort beside what raw rows say, the oldest first; nothing is written."""
    with reading(database, actor, now=moment) as view:
        months = cohorts(view)
    for month in months:
        if (since is None or month >= month_start(since)) and (until is None or month <= until):
            with reading(database, actor, now=moment) as view:
                found = compare(view, month)
            yield found


@query(Permission.REVENUE_READ)
def cohorts(view: View) -> list[date]:
    """Every month in which somebody signed up or that a stored row names, the oldest first."""
    firsts = (func.min(utc_day(User.created_at)), func.min(CohortMember.cohort_date))
    days = [view.session.scalar(select(first)) for first in firsts]
    first = min((day for day in days if day), default=None)
    found, month = [], first and month_start(first)
    while month is not None and month <= view.now.date():
        found.append(month)
        month = next_month(month)
    return found


@query(Permission.REVENUE_READ)
def compare(view: View, month: date) -> Found:
    """Work one cohort out from raw rows, beside what is stored of it."""
    row = CohortMember
    revenue, active = _revenue(row.user_id), _active(row.relationship_id)
    each = (
        select(
            row.total_revenue_cents.label("stored_revenue"),
            revenue.label("revenue"),
            case((row.is_active.is_(True), 1), else_=0).label("stored_active"),
            active.label("active"),
            row.first_subscription_date.label("stored_first"),
            _first(row.relationship_id).label("first"),
        )
        .where(row.cohort_date.between(month, last_day(month)))
        .subquery()
    )
    differs = or_(
        each.c.stored_revenue.is_distinct_from(each.c.revenue),
        each.c.stored_active != each.c.active,
        each.c.stored_first.is_distinct_from(each.c.first),
    )
    people, differing, *sums = view.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((differs, 1), else_=0)), 0),
            *(
                func.coalesce(func.sum(column), 0)
                for column in (each.c.stored_revenue, each.c.revenue, each.c.stored_active, each.c.active)
            ),
        ).select_from(each)
    ).one()
    missing = view.session.scalar(select(func.count()).select_from(_missing(month).subquery())) or 0
    stored_revenue, revenue_cents, stored_active, active_people = (int(value) for value in sums)
    return Found(
        month, people, missing, int(differing), stored_revenue, revenue_cents, stored_active, active_people
    )


@job
def keep(work: Work, found: Found, *, write: bool) -> None:
    """Keep what was found of a cohort; with `write`, correct its rows in place and add the missing ones."""
    values = {name: getattr(found, name) for name in Found.__dataclass_fields__}
    work.session.execute(delete(CohortCheck).where(CohortCheck.cohort == found.cohort))
    work.session.execute(insert(CohortCheck).values(**values, written=write, compared_at=work.now))
    if write and found.differing:
        work.session.execute(_correction(found.cohort))
        work.count("user_cohorts, corrected", found.differing)
    if write and found.missing:
        missing = _missing(found.cohort).subquery("missing")
        columns = {
            # Made from the person's own id, so that two runs cannot add the same person twice.
            "id": literal("coh_") + missing.c.id,
            "cohort_name": literal(f"{found.cohort:%Y-%m}"),
            "cohort_date": literal(found.cohort, Day()),
            "user_id": missing.c.id,
            "relationship_id": missing.c.couple,
            "first_subscription_date": _first(missing.c.couple),
            "total_revenue_cents": _revenue(missing.c.id),
            "is_active": _active(missing.c.couple) == 1,
        }
        work.session.execute(
            insert(CohortMember).from_select(
                list(columns), select(*(value.label(name) for name, value in columns.items()))
            )
        )
        work.count("user_cohorts, added", found.missing)


def _correction(month: date) -> Any:
    row = CohortMember
    revenue, active, first = (
        _revenue(row.user_id),
        _active(row.relationship_id),
        _first(row.relationship_id),
    )
    return (
        update(row)
        .where(
            row.cohort_date.between(month, last_day(month)),
            or_(
                row.total_revenue_cents.is_distinct_from(revenue),
                case((row.is_active.is_(True), 1), else_=0) != active,
                row.first_subscription_date.is_distinct_from(first),
            ),
        )
        .values(total_revenue_cents=revenue, is_active=active == 1, first_subscription_date=first)
        .execution_options(synchronize_session=False)
    )


def _missing(month: date) -> Any:
    """People of the month who are in a couple and in no cohort: id, couple."""
    couple = (
        select(func.min(Relationship.id))
        .where(or_(Relationship.user_1_id == User.id, Relationship.user_2_id == User.id))
        .correlate(User)
        .scalar_subquery()
    )
    stored = select(CohortMember.id).where(CohortMember.user_id == User.id)
    return select(User.id, couple.label("couple")).where(
        in_days(User.created_at, month, last_day(month)), ~stored.exists(), couple.is_not(None)
    )


def _revenue(user_id: Any) -> ColumnElement[int]:
    return func.coalesce(
        select(func.sum(Payment.amount_cents))
        .where(
            Payment.user_id == user_id,
            Payment.status.in_(("succeeded", "refunded")),
            Payment.transaction_type.in_(EARNING),
            func.upper(func.coalesce(Payment.currency, CURRENCY)) == CURRENCY,
        )
        .correlate_except(Payment)
        .scalar_subquery(),
        0,
    )


def _active(couple: Any) -> ColumnElement[int]:
    alive = select(Subscription.id).where(
        Subscription.relationship_id == couple, Subscription.status.in_(_ALIVE)
    )
    return case((alive.correlate_except(Subscription).exists(), 1), else_=0)


def _first(couple: Any) -> Any:
    return (
        select(func.min(utc_day(Subscription.created_at)))
        .where(Subscription.relationship_id == couple)
        .correlate_except(Subscription)
        .scalar_subquery()
    )
