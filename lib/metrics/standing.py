"""What stands at a day's end under every policy at once: each statement walks the ledger a single time.

Worked out policy by policy it is the same (`mrr.segments_at`, `mrr.couples_at`), in as many walks as there
are policies; of half a million couples that is what a day without a stored day before it would wait for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from lib.core.moments import day_bounds
from lib.metrics.mrr import Ledger, Segment
from lib.metrics.policies import Policy, counted
from lib.metrics.spans import day_of
from lib.models import SubscriptionChange


@dataclass(frozen=True, slots=True)
class Stands:
    """What stands under one policy: annualised cents and subscriptions per segment, couples per currency.

    A currency in which something counted at any earlier day's end is in `couples`, with 0 if nothing stands.
    """

    segments: dict[Segment, tuple[int, int]]
    couples: dict[str, int]


def standing_at(ledger: Ledger, day: date, policies: Collection[Policy]) -> dict[str, Stands]:
    """What stands at the end of a day by policy, straight from the ledger: three statements.

    The policies share a zone, as they do wherever they come from the settings.
    """
    found = {policy.name: Stands({}, {}) for policy in policies}
    for currency, *seen in ledger.execute(_currencies(day, policies)):
        for stands, ever in zip(found.values(), seen, strict=True):
            if ever:
                stands.couples[currency] = 0
    for currency, *paying in ledger.execute(_couples(day, policies)):
        for stands, number in zip(found.values(), paying, strict=True):
            if number:
                stands.couples[currency] = int(number)
    for *where, amounts in _by_segment(ledger, day, policies):
        for stands, (arr_cents, number) in zip(found.values(), amounts, strict=True):
            if number:
                stands.segments[Segment(*where)] = (int(arr_cents), int(number))
    return found


def _by_segment(ledger: Ledger, day: date, policies: Collection[Policy]) -> Any:
    change = SubscriptionChange
    where = (change.currency, change.plan_id, change.billing_period, change.acquired_via)
    sums: list[ColumnElement[Any]] = []
    for policy in policies:
        arr = counted(policy)
        sums += (func.sum(arr), func.sum(case((arr != 0, 1), else_=0)))
    for row in ledger.execute(select(*where, *sums).where(_stands(day, policies)).group_by(*where)):
        numbers = row[len(where) :]
        yield *row[: len(where)], list(zip(numbers[::2], numbers[1::2], strict=True))


def _couples(day: date, policies: Collection[Policy]) -> Any:
    change = SubscriptionChange
    couple = (change.currency, change.relationship_id)
    each = (
        select(
            change.currency,
            *(func.sum(counted(policy)).label(policy.name) for policy in policies),
        )
        .where(_stands(day, policies))
        .group_by(*couple)
        .subquery()
    )
    paying = (func.sum(case((each.c[policy.name] != 0, 1), else_=0)) for policy in policies)
    return select(each.c.currency, *paying).group_by(each.c.currency)


def _currencies(day: date, policies: Collection[Policy]) -> Any:
    """What began and was over within one day was never seen at a day's end."""
    change, zone, end = SubscriptionChange, _zone(policies), _end(day, policies)
    over = case((change.superseded_at < end, change.superseded_at))
    lasted = or_(over.is_(None), day_of(over, zone) != day_of(change.effective_at, zone))
    ever = (func.max(case((and_(lasted, counted(policy) != 0), 1), else_=0)) for policy in policies)
    return select(change.currency, *ever).where(change.effective_at < end).group_by(change.currency)


def _stands(day: date, policies: Collection[Policy]) -> ColumnElement[bool]:
    change, end = SubscriptionChange, _end(day, policies)
    return and_(change.effective_at < end, or_(change.superseded_at.is_(None), change.superseded_at >= end))


def _end(day: date, policies: Collection[Policy]) -> Any:
    return day_bounds(day, _zone(policies))[1]


def _zone(policies: Collection[Policy]) -> str:
    (zone,) = {policy.zone for policy in policies}
    return zone
