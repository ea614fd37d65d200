"""The bridge row by row: each subscription that two policies count at another amount, with its couple."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import literal, select
from sqlalchemy.orm import aliased

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import day_bounds
from lib.core.settings import StripeChurn
from lib.metrics import policies
from lib.metrics.bridge import REASONS, amounts, differs, stands_at
from lib.metrics.policies import HOUSE, STRIPE, Policy, counted
from lib.models import Relationship, SubscriptionChange, SubscriptionPlan, User

_FIRST, _SECOND = aliased(User, name="first_partner"), aliased(User, name="second_partner")


def why(row: Any) -> str:
    """The reasons of a row in words; where there are several, each with its amount a year."""
    found = {reason: cents for reason in REASONS if (cents := getattr(row, reason))}
    if len(found) == 1:
        return REASONS[next(iter(found))]
    return " · ".join(f"{REASONS[name]} {_signed(cents, row.currency)}" for name, cents in found.items())


@listing(
    Permission.REVENUE_COUPLES,
    columns=(
        Column("since", "Like this since", "moment"),
        Column("partner_1", "Partner"),
        Column("partner_2", "Partner 2"),
        Column("why", "Why", of=why),
        Column("difference_arr_cents", "Difference a year", "money"),
        Column("reason_arr_cents", "By the reason", "money"),
        Column("ours_arr_cents", "From, a year", "money"),
        Column("theirs_arr_cents", "To, a year", "money"),
        Column("plan", "Plan"),
        Column("billing_period", "Billed"),
        Column("status", "Status", "status"),
        Column("subscription_id", "Subscription", "id"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def differences(
    *,
    day: date,
    ours: str = HOUSE.name,
    theirs: str = STRIPE.name,
    currency: str = "USD",
    reason: str | None = None,
    zone: str = "UTC",
    stripe_churn: StripeChurn = "at_end",
) -> AnySelect:
    """The subscriptions that count at another amount at a day's end (in `zone`), the latest changed first.

    `ours` and `theirs` are names of policies; with `reason`, only those that differ for it, and
    reason_arr_cents is what it makes of each. Raises Invalid for a policy or a reason that does not exist.
    """
    if reason is not None and reason not in REASONS:
        raise Invalid(f"The reasons are {', '.join(REASONS)}, not “{reason[:40]}”.")
    known = policies.as_set(zone, stripe_churn)
    return _rows(day, policies.named(ours, known), policies.named(theirs, known), currency, reason)


def _rows(day: date, ours: Policy, theirs: Policy, currency: str, reason: str | None) -> AnySelect:
    entry, parts = SubscriptionChange, amounts(ours, theirs)
    own, other = counted(ours), counted(theirs)
    wanted: Mapping[str, Any] = parts if reason is None else {reason: parts.get(reason, literal(0))}
    return (
        select(
            entry.effective_at.label("since"),
            _FIRST.name.label("partner_1"),
            _SECOND.name.label("partner_2"),
            SubscriptionPlan.plan_name.label("plan"),
            entry.billing_period,
            entry.currency,
            own.label("ours_arr_cents"),
            other.label("theirs_arr_cents"),
            (other - own).label("difference_arr_cents"),
            (literal(None) if reason is None else wanted[reason]).label("reason_arr_cents"),
            *(parts.get(name, literal(0)).label(name) for name in REASONS),
            entry.status,
            entry.subscription_id,
            entry.relationship_id,
        )
        .select_from(entry)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == entry.plan_id)
        .outerjoin(Relationship, Relationship.id == entry.relationship_id)
        .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
        .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
        .where(stands_at(day_bounds(day, ours.zone)[1]), differs(wanted), entry.currency == currency)
        # As they lie in the index.
        .order_by(entry.effective_at.desc(), entry.seq.desc())
    )


def _signed(cents: int, currency: str) -> str:
    return f"{'+' if cents > 0 else ''}{money.show(cents, currency)}"
