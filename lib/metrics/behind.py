"""The way down from a figure: the couples whose sum it is. Each list adds up to the figure it explains."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased, outerjoin

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import day_bounds
from lib.metrics import policies
from lib.metrics.mrr import MOVEMENTS
from lib.metrics.policies import HOUSE
from lib.models import CoupleMove, Relationship, SubscriptionChange, SubscriptionPlan, User

_FIRST, _SECOND = aliased(User, name="first_partner"), aliased(User, name="second_partner")
_COUPLE_COLUMNS = (
    Column("partner_1", "Partner"),
    Column("partner_2", "Partner 2"),
    Column("plan", "Plan"),
    Column("billing_period", "Billed"),
)


@listing(
    Permission.REVENUE_COUPLES,
    columns=(
        Column("day", "Day", "day"),
        Column("movement", "Movement", "status"),
        *_COUPLE_COLUMNS,
        Column("before_arr_cents", "Before, annualised", "money"),
        Column("after_arr_cents", "After, annualised", "money"),
        Column("change_arr_cents", "Change, annualised", "money"),
        Column("status", "Subscription is", "status"),
        Column("cause", "Cause", "status"),
        Column("known_from", "Known from", "status"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def couples_behind(
    *,
    since: date,
    until: date,
    movement: str | None = None,
    currency: str = "USD",
    policy: str = HOUSE.name,
) -> AnySelect:
    """The couples that moved in these days, one row for each day on which one did, newest first.

    Plan, status and cause are those of the couple's last entry in the ledger on that day.
    Raises Invalid for a movement or a policy that does not exist.
    """
    if movement is not None and movement not in MOVEMENTS:
        raise Invalid(f"The movements are {', '.join(MOVEMENTS)}, not “{movement[:40]}”.")
    moved, entry = CoupleMove, SubscriptionChange
    statement = (
        select(
            moved.day,
            moved.movement,
            moved.currency,
            moved.before_arr_cents,
            moved.after_arr_cents,
            (moved.after_arr_cents - moved.before_arr_cents).label("change_arr_cents"),
            *_couple(moved.relationship_id),
            entry.billing_period,
            entry.status,
            entry.cause,
            entry.source.label("known_from"),
        )
        .select_from(
            outerjoin(moved, entry, entry.seq == moved.seq)
            .outerjoin(SubscriptionPlan, SubscriptionPlan.id == entry.plan_id)
            .outerjoin(Relationship, Relationship.id == moved.relationship_id)
            .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
            .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
        )
        .where(
            moved.policies.bitwise_and(policies.named(policy).bit) != 0,
            moved.day.between(since, until),
            moved.currency == currency,
        )
        # As they lie in the table, from its end.
        .order_by(
            moved.day.desc(), moved.currency.desc(), moved.relationship_id.desc(), moved.policies.desc()
        )
    )
    return statement.where(moved.movement == movement) if movement else statement


@listing(
    Permission.REVENUE_COUPLES,
    columns=(
        Column("since", "Like this since", "moment"),
        *_COUPLE_COLUMNS,
        Column("mrr_cents", "MRR", "money"),
        Column("arr_cents", "Annualised", "money"),
        Column("status", "Status", "status"),
        Column("set_to_cancel", "Set to cancel", "flag"),
        Column("subscription_id", "Subscription", "id"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def couples_in_mrr(
    *,
    day: date,
    plan_id: str | None = None,
    billing_period: str | None = None,
    currency: str = "USD",
    policy: str = HOUSE.name,
    zone: str = HOUSE.zone,
    set_to_cancel: bool | None = None,
) -> AnySelect:
    """The subscriptions that count at a day's end, with their couples, the latest changed first.

    `zone` and `set_to_cancel` are the policy's as it is set here; its own where they are left out.
    """
    known = policies.named(policy)
    cancelling = known.set_to_cancel if set_to_cancel is None else set_to_cancel
    chosen = replace(known, zone=zone, set_to_cancel=cancelling)
    entry, counted = SubscriptionChange, policies.counted(chosen)
    statement = (
        select(
            entry.effective_at.label("since"),
            entry.currency,
            *_couple(entry.relationship_id),
            entry.billing_period,
            counted.label("arr_cents"),
            ((counted + 6) // 12).label("mrr_cents"),
            entry.status,
            entry.set_to_cancel,
            entry.subscription_id,
        )
        .select_from(entry)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == entry.plan_id)
        .outerjoin(Relationship, Relationship.id == entry.relationship_id)
        .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
        .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
        .where(_stands_at(day, chosen.zone), counted != 0, entry.currency == currency)
        .order_by(entry.effective_at.desc(), entry.seq.desc())
    )
    if plan_id:
        statement = statement.where(entry.plan_id == plan_id)
    return statement.where(entry.billing_period == billing_period) if billing_period else statement


def _couple(relationship_id: Any) -> tuple[ColumnElement[Any], ...]:
    return (
        relationship_id.label("relationship_id"),
        _FIRST.name.label("partner_1"),
        _SECOND.name.label("partner_2"),
        SubscriptionPlan.plan_name.label("plan"),
    )


def _stands_at(day: date, zone: str) -> ColumnElement[bool]:
    """The condition that an entry is its subscription's last one by the end of a day."""
    entry, end = SubscriptionChange, day_bounds(day, zone)[1]
    # Not an OR, for which SQLite would leave the index that has the rows in order.
    return and_(entry.effective_at < end, func.coalesce(entry.superseded_at, end) >= end)
