"""The ledger as spans of time: what each subscription was worth, from which day until which.

A row of `subscription_changes` holds until the next row of its subscription; so it adds its amount on the day
it begins and takes it off on the day the next one begins. Everything recurring is a sum of these postings.
Days are those of the policy's zone, and what changes and changes back within one day leaves no trace.

The statements are the same for every database, and for the copy in DuckDB that long ranges are worked out
from (`lib.metrics.columnar`). One statement serves any number of policies.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, null, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lib.core import moments
from lib.core.moments import day_bounds
from lib.metrics.policies import Policy, counted
from lib.models import SubscriptionChange
from lib.models.types import SQLITE_FORM, Day

# Up to here, looking up the couples that moved is quicker than reading the whole ledger (measured).
ONE_BY_ONE: Final = timedelta(days=45)


class day_of(FunctionElement[date]):  # noqa: N801 - reads as a SQL function, like `func.lower`
    """The day in a zone that a Moment lies in, whichever text form it has on SQLite."""

    name = "day_of"
    type = Day()
    inherit_cache = False

    def __init__(self, moment: ColumnElement[Any] | InstrumentedAttribute[Any], zone: str = "UTC") -> None:
        super().__init__(moment)
        self.zone = zone


@compiles(day_of)
def _day_of(element: day_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE '{element.zone}' AS DATE)"


@compiles(day_of, "sqlite")
def _day_of_text(element: day_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    if element.zone == "UTC":
        return f"substr({moment}, 1, 10)"
    return f"substr(datetime({moment}, ({_minutes_ahead(moment, element.zone)}) || ' minutes'), 1, 10)"


@compiles(day_of, "duckdb")
def _day_of_utc(element: day_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    if element.zone == "UTC":
        return f"CAST({moment} AS DATE)"
    return f"CAST({moment} + to_minutes({_minutes_ahead(moment, element.zone)}) AS DATE)"


def _minutes_ahead(moment: str, zone: str) -> str:
    """How far a zone is ahead of UTC, spelled out for databases that know no zones."""
    *changes, (_, last) = moments.offsets(zone)
    until = " ".join(
        f"WHEN {moment} < '{change.strftime(SQLITE_FORM)}' THEN {minutes}" for change, minutes in changes
    )
    return f"CASE {until} ELSE {last} END" if until else str(last)


def utc_day(moment: ColumnElement[Any] | InstrumentedAttribute[Any]) -> day_of:
    """The UTC day that a Moment lies in."""
    return day_of(moment)


def in_days(
    column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    since: date,
    until: date,
    zone: str = "UTC",
) -> ColumnElement[bool]:
    """The condition that a Moment lies in one of the days from `since` to `until`, both included.

    On whole UTC days the plain column compares rightly in both text forms, and its own index serves.
    """
    return and_(column >= day_bounds(since, zone)[0], column < day_bounds(until, zone)[1])


def entries(
    policies: Collection[Policy], since: date | None, until: date, *, as_of: datetime | None = None
) -> CTE:
    """Ledger rows up to the end of `until`, with what each policy counts and the days they begin and end on.

    Columns: policy (its bit), subscription_id, relationship_id, currency, plan_id, billing_period,
    acquired_via, seq, arr (annualised cents, 0 where it does not count), begins, ends (None while it stands).
    With `since`, all couples whose subscriptions changed between `since` and `until` are there, each with
    their whole history; of a short range, only they. `as_of`: only what was recorded by then.
    """
    return union_all(*(_facts(policy, since, until, as_of) for policy in policies)).cte("entries")


def spans(policy: Policy, since: date | None, until: date, *, as_of: datetime | None = None) -> CTE:
    """The `entries` that one policy counts: what a subscription was worth, from which day until which."""
    every = entries((policy,), since, until, as_of=as_of)
    return select(every).where(every.c.arr != 0).cte("spans")


def _facts(
    policy: Policy, since: date | None, until: date, as_of: datetime | None
) -> Select[*tuple[Any, ...]]:
    change, end = SubscriptionChange, day_bounds(until, policy.zone)[1]
    following: ColumnElement[Any]
    if as_of is None:
        following = case((change.superseded_at < end, change.superseded_at))
    else:
        # What came to be known since then ended entries that nothing had ended before.
        following = func.lead(change.effective_at).over(
            partition_by=change.subscription_id, order_by=(change.effective_at, change.seq)
        )
    facts = select(
        literal(policy.bit).label("policy"),
        change.subscription_id,
        change.relationship_id,
        change.currency,
        change.plan_id,
        change.billing_period,
        change.acquired_via,
        change.seq,
        counted(policy).label("arr"),
        day_of(change.effective_at, policy.zone).label("begins"),
        day_of(following, policy.zone).label("ends"),
    ).where(change.effective_at < end)
    if as_of is not None:
        facts = facts.where(change.recorded_at <= as_of)
    if since is not None and until - since <= ONE_BY_ONE:
        moved = _subscriptions_of_couples_that_moved(since, until, policy.zone)
        facts = facts.where(change.subscription_id.in_(moved))
    return facts


def postings(entry: CTE) -> CTE:
    """What each of the `entries` adds on the day it begins, and takes off on the day it ends.

    Columns: policy, relationship_id, currency, plan_id, billing_period, acquired_via, day, arr, subscriptions
    (how many more count), begun and over (the number of the entry that begins, or that ends).
    """
    where = (
        entry.c.policy,
        entry.c.relationship_id,
        entry.c.currency,
        entry.c.plan_id,
        entry.c.billing_period,
        entry.c.acquired_via,
    )
    begun = select(
        *where,
        entry.c.begins.label("day"),
        entry.c.arr,
        case((entry.c.arr != 0, 1), else_=0).label("subscriptions"),
        entry.c.seq.label("begun"),
        null().label("over"),
    )
    over = select(
        *where,
        entry.c.ends.label("day"),
        (-entry.c.arr).label("arr"),
        literal(-1).label("subscriptions"),
        null().label("begun"),
        entry.c.seq.label("over"),
    ).where(entry.c.arr != 0, entry.c.ends.is_not(None))
    return union_all(begun, over).cte("postings")


def _subscriptions_of_couples_that_moved(since: date, until: date, zone: str) -> Select[*tuple[Any, ...]]:
    """All subscriptions of the couples that had a change in these days.

    Two steps up and one down: a subscription that was handed from one couple to another concerns both.
    """
    change = SubscriptionChange
    touched = select(change.subscription_id).where(in_days(change.effective_at, since, until, zone))
    couples = select(change.relationship_id).where(change.subscription_id.in_(touched))
    return select(change.subscription_id).where(change.relationship_id.in_(couples))
