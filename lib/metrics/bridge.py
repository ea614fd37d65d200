"""The bridge between two policies: which subscriptions they count at another amount on a day, and why.

Of each subscription that differs there is one reason: the first question, in the order of `REASONS`, that the
two policies answer otherwise for it. So the sums per reason add up to the whole difference, to the cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from lib.core.access import Permission
from lib.core.moments import day_bounds
from lib.core.work import View, query
from lib.metrics.policies import Policy, counted
from lib.models import SubscriptionChange

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gift": "A gift",
        "trial": "On a free trial",
        "past_due": "Past due",
        "paused": "Paused",
        "set_to_cancel": "Set to cancel",
        "free_months": "Free months from staff",
        "discount": "A discount",
    }
)
"""Each question on which policies may differ, in words, in the order in which it is asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one reason makes of the difference: annualised cents, theirs less ours, and subscriptions."""

    reason: str
    words: str
    difference_arr_cents: int
    subscriptions: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """From our annualised cents to theirs at a day's end in one currency; the steps are the whole way."""

    day: date
    currency: str
    ours: Policy
    theirs: Policy
    ours_arr_cents: int
    theirs_arr_cents: int
    steps: tuple[Step, ...]


@query(Permission.REVENUE_READ)
def bridge(
    view: View,
    day: date,
    ours: Policy,
    theirs: Policy,
    currency: str = "USD",
    *,
    as_of: datetime | None = None,
) -> Bridge:
    """What each reason makes of the difference between two policies, the largest first; one statement.

    Both policies look at the end of the day in the zone of `ours`. `as_of`: by what was recorded then.
    """
    standing = _standing(day, ours, theirs, currency, as_of).subquery()
    rows = view.session.execute(
        select(
            standing.c.reason,
            func.sum(standing.c.ours_arr_cents),
            func.sum(standing.c.theirs_arr_cents),
            func.count(),
        ).group_by(standing.c.reason)
    ).all()
    steps = [
        Step(reason, REASONS[reason], int(other) - int(own), int(number))
        for reason, own, other, number in rows
        if reason is not None
    ]
    return Bridge(
        day,
        currency,
        ours,
        theirs,
        sum(int(row[1]) for row in rows),
        sum(int(row[2]) for row in rows),
        tuple(sorted(steps, key=lambda step: (-abs(step.difference_arr_cents), step.reason))),
    )


@query(Permission.REVENUE_COUPLES)
def differing(
    view: View,
    day: date,
    ours: Policy,
    theirs: Policy,
    currency: str = "USD",
    *,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """The subscriptions that the two policies count at another amount, the largest difference first.

    Each has subscription_id, relationship_id, ours_arr_cents, theirs_arr_cents, difference_arr_cents and
    reason (one of `REASONS`).
    """
    standing = _standing(day, ours, theirs, currency, as_of).subquery()
    difference = (standing.c.theirs_arr_cents - standing.c.ours_arr_cents).label("difference_arr_cents")
    rows = view.session.execute(
        select(
            standing.c.subscription_id,
            standing.c.relationship_id,
            standing.c.ours_arr_cents,
            standing.c.theirs_arr_cents,
            difference,
            standing.c.reason,
        )
        .where(difference != 0)
        .order_by(func.abs(difference).desc(), standing.c.subscription_id)
    )
    return [dict(row) for row in rows.mappings()]


def _standing(
    day: date, ours: Policy, theirs: Policy, currency: str, as_of: datetime | None
) -> Select[*tuple[Any, ...]]:
    """Each subscription's newest entry at the day's end, with both amounts; no reason where they agree."""
    change, end = SubscriptionChange, day_bounds(day, ours.zone)[1]
    own, other = counted(ours), counted(theirs)
    facts = (
        change.subscription_id,
        change.relationship_id,
        own.label("ours_arr_cents"),
        other.label("theirs_arr_cents"),
        case((own != other, _reason(ours, theirs))).label("reason"),
    )
    begun = and_(change.currency == currency, change.effective_at < end)
    if as_of is None:
        return select(*facts).where(begun, or_(change.superseded_at.is_(None), change.superseded_at >= end))
    newest_first = (change.effective_at.desc(), change.seq.desc())
    nth = func.row_number().over(partition_by=change.subscription_id, order_by=newest_first)
    known = (
        select(change.seq, nth.label("nth"))
        .where(change.effective_at < end, change.recorded_at <= as_of)
        .subquery()
    )
    return select(*facts).join(known, known.c.seq == change.seq).where(begun, known.c.nth == 1)


def _reason(ours: Policy, theirs: Policy) -> ColumnElement[str]:
    change = SubscriptionChange
    applies: dict[str, ColumnElement[bool]] = {
        "gift": change.is_gift.is_(True),
        "trial": change.status == "trialing",
        "past_due": change.status == "past_due",
        "paused": (change.status == "paused") | change.collection_paused.is_(True),
        "set_to_cancel": change.set_to_cancel.is_(True),
        "free_months": change.goodwill_arr_cents != 0,
    }
    asked = [name for name in applies if _answer(ours, name) != _answer(theirs, name)]
    return (
        case(*((applies[name], name) for name in asked), else_="discount") if asked else literal("discount")
    )


def _answer(policy: Policy, question: str) -> bool:
    """Whether such a subscription counts; by list price, free months count whatever the switch says."""
    if question == "free_months":
        return policy.price != "net" or policy.free_months
    return bool(getattr(policy, question))
