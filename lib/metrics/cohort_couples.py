"""The way down from a cohort's cell: its couples, who of them still pay, and what they stand at."""

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import month_bounds
from lib.core.settings import StripeChurn
from lib.metrics import policies
from lib.metrics.policies import HOUSE, Policy, counted
from lib.models import CohortCouple, Relationship, SubscriptionChange, SubscriptionPlan, User

STANDINGS: Final = ("paying", "gone")

_FIRST, _SECOND = aliased(User, name="first_partner"), aliased(User, name="second_partner")


@listing(
    Permission.REVENUE_COUPLES,
    columns=(
        Column("joined_on", "First paid", "day"),
        Column("partner_1", "Partner"),
        Column("partner_2", "Partner 2"),
        Column("standing", "Then", "status"),
        Column("opening_arr_cents", "At first, annualised", "money"),
        Column("arr_cents", "Then, annualised", "money"),
        Column("plan", "Joined with"),
        Column("joined_via", "Came via", "code"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def couples_of_cell(
    *,
    cohort: date,
    month: date,
    standing: str | None = None,
    currency: str = "USD",
    policy: str = HOUSE.name,
    plan_id: str | None = None,
    joined_via: str | None = None,
    zone: str = "UTC",
    stripe_churn: StripeChurn = "at_end",
) -> AnySelect:
    """The couples of a cohort as they stood at the end of a month: those that paid, those that were gone.

    `cohort` and `month` are first days of months; the month ends in `zone`. Raises Invalid for a standing or
    a policy that does not exist.
    """
    if standing is not None and standing not in STANDINGS:
        raise Invalid(f"A couple is {' or '.join(STANDINGS)}, not “{standing[:40]}”.")
    member, stands_at = (
        CohortCouple,
        _stands_at(month, policies.named(policy, policies.as_set(zone, stripe_churn))),
    )
    statement = (
        select(
            member.joined_on,
            _FIRST.name.label("partner_1"),
            _SECOND.name.label("partner_2"),
            case((stands_at > 0, "paying"), else_="gone").label("standing"),
            member.currency,
            member.opening_arr_cents,
            stands_at.label("arr_cents"),
            SubscriptionPlan.plan_name.label("plan"),
            member.joined_via,
            member.relationship_id,
        )
        .select_from(member)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == member.plan_id)
        .outerjoin(Relationship, Relationship.id == member.relationship_id)
        .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
        .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
        .where(member.policy == policy, member.cohort == cohort, member.currency == currency)
        # As they lie in the index.
        .order_by(member.relationship_id)
    )
    if plan_id is not None:
        statement = statement.where(member.plan_id == plan_id)
    if joined_via is not None:
        statement = statement.where(member.joined_via == joined_via)
    if standing is not None:
        statement = statement.where(stands_at > 0 if standing == "paying" else stands_at == 0)
    return statement


def _stands_at(month: date, policy: Policy) -> ColumnElement[int]:
    """What a couple stands at when a month is over, by the ledger: annualised cents, 0 for nothing."""
    entry, end = SubscriptionChange, month_bounds(month, policy.zone)[1]
    standing: Any = (
        select(func.sum(counted(policy)))
        .where(
            entry.relationship_id == CohortCouple.relationship_id,
            entry.currency == CohortCouple.currency,
            entry.effective_at < end,
            or_(entry.superseded_at.is_(None), entry.superseded_at >= end),
        )
        .correlate(CohortCouple)
        .scalar_subquery()
    )
    return func.coalesce(standing, 0)
