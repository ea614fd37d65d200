"""The ledger as spans of time: what each subscription was worth, from which day until which.

A row of `subscription_changes` holds until the next row of its subscription; so it adds its amount on the day
it begins and takes it off on the day the next one begins. Everything recurring is a sum of these postings.
Days are UTC days, and what changes and changes back within one day leaves no trace. The table is our own and
its moments have one text form, so they sort as they are and its indexes serve.
"""

from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Select, and_, func, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lib.core.moments import day_bounds
from lib.metrics.policies import Policy, counted
from lib.models import SubscriptionChange
from lib.models.types import Day

# Up to here, looking up the couples that moved is quicker than reading the whole ledger (measured).
ONE_BY_ONE: Final = timedelta(days=45)


class utc_day(FunctionElement[date]):  # noqa: N801 - reads as a SQL function, like `func.lower`
    """The UTC day that a Moment lies in, whichever text form it has on SQLite."""

    name = "utc_day"
    type = Day()
    inherit_cache = True


@compiles(utc_day)
def _utc_day(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC' AS DATE)"


@compiles(utc_day, "sqlite")
def _utc_day_text(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


def in_days(
    column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None], since: date, until: date
) -> ColumnElement[bool]:
    """The condition that a Moment lies in one of the UTC days from `since` to `until`, both included.

    On whole days the plain column compares rightly in both text forms, and its own index serves.
    """
    return and_(column >= day_bounds(since)[0], column < day_bounds(until)[1])


def spans(policy: Policy, since: date | None, until: date) -> CTE:
    """Ledger rows up to the end of `until` with what the policy counts and the days they begin and end on.

    Columns: subscription_id, relationship_id, currency, plan_id, billing_period, arr (annualised cents, never
    0), begins, ends (None while it stands). With `since`, all couples whose subscriptions changed between
    `since` and `until` are there, each with their whole history; of a short range, only they.
    """
    change = SubscriptionChange
    following = func.lead(change.effective_at).over(
        partition_by=change.subscription_id, order_by=(change.effective_at, change.seq)
    )
    facts = select(
        change.subscription_id,
        change.relationship_id,
        change.currency,
        change.plan_id,
        change.billing_period,
        counted(policy).label("arr"),
        utc_day(change.effective_at).label("begins"),
        utc_day(following).label("ends"),
    ).where(change.effective_at < day_bounds(until)[1])
    if since is not None and until - since <= ONE_BY_ONE:
        facts = facts.where(change.subscription_id.in_(_subscriptions_of_couples_that_moved(since, until)))
    every = facts.cte("facts")
    return select(every).where(every.c.arr != 0).cte("spans")


def postings(span: CTE, sign: int = 1) -> Select[*tuple[Any, ...]]:
    """Each span's amount on the day it begins (`sign` 1), or taken off on the day it ends (`sign` −1).

    Columns: relationship_id, currency, plan_id, billing_period, day, arr, subscriptions (the sign).
    """
    day = span.c.begins if sign == 1 else span.c.ends
    chosen = select(
        span.c.relationship_id,
        span.c.currency,
        span.c.plan_id,
        span.c.billing_period,
        day.label("day"),
        (span.c.arr * sign).label("arr"),
        (span.c.arr * 0 + sign).label("subscriptions"),
    )
    return chosen if sign == 1 else chosen.where(span.c.ends.is_not(None))


def both_postings(span: CTE) -> CTE:
    """Every posting of every span, with the columns of `postings`."""
    return union_all(postings(span), postings(span, -1)).cte("postings")


def _subscriptions_of_couples_that_moved(since: date, until: date) -> Select[*tuple[Any, ...]]:
    """All subscriptions of the couples that had a change in these days.

    Two steps up and one down: a subscription that was handed from one couple to another concerns both.
    """
    change = SubscriptionChange
    touched = select(change.subscription_id).where(in_days(change.effective_at, since, until))
    couples = select(change.relationship_id).where(change.subscription_id.in_(touched))
    return select(change.subscription_id).where(change.relationship_id.in_(couples))
