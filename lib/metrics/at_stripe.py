"""From our number to Stripe's own: the policy by which Stripe counts, then what its subscriptions say.

The second part stands on the findings that are open since the last comparison with Stripe
(`admin_drift`), so this bridge is always of now. The comparison keeps both sides as text; for some classes
they tell what the subscription would count at, for others only that MRR is wrong: those are counted, and are
part of no sum.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, false, func, select
from sqlalchemy.orm import aliased

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import day_of
from lib.core.settings import StripeChurn
from lib.core.work import View, query
from lib.metrics import policies
from lib.metrics.bridge import Bridge, Step, bridge
from lib.metrics.policies import STRIPE, Policy, amount, counted
from lib.models import DriftFinding, DriftWalk, Relationship, SubscriptionChange, User

CLASSES: Final = {
    "subscription_gone": "Gone at Stripe",
    "subscription_status": "Another status at Stripe",
    "trialing_past_end": "In trial here past its end",
    "active_past_period": "Active here past its period",
    "subscription_price": "Another price at Stripe",
    "subscription_plan": "Another plan at Stripe",
    "subscription_price_unknown": "On a price that is not ours",
    "subscription_unknown": "Billed without a row of ours",
}
"""The classes of findings that change what recurs, in words."""

_DECISIVE: Final = tuple(CLASSES)[:4]
_OPEN: Final = ("open", "asked")
_TITLE: Final = "Stripe’s own"
_NEVER: Final = "Nothing was compared with Stripe yet. The worker does it every night."
_YEAR: Final = {"monthly": 12, "annual": 1}


@dataclass(frozen=True, slots=True)
class AtStripe:
    """The bridge to Stripe's own number as of the last comparison; `why_not` where there was none.

    `not_known`: findings that change what recurs by an amount that the comparison does not tell.
    """

    bridge: Bridge
    compared_at: datetime | None
    not_known: int
    why_not: str | None


@query(Permission.REVENUE_READ)
def stripes_own(view: View, ours: Policy, currency: str = "USD", *, as_stripe: Policy = STRIPE) -> AtStripe:
    """From our number now to what Stripe's subscriptions come to. Four statements.

    `as_stripe` is Stripe's policy as it is set here.
    """
    found = bridge(view, day_of(view.now, ours.zone), ours, as_stripe, currency)
    effects = [
        (row, effect(row)) for row in view.session.execute(_findings(as_stripe, currency).order_by(None))
    ]
    steps = [*found.steps, *_steps(effects, currency)]
    beyond = sum(cents for _, cents in effects if cents is not None)
    walk = select(func.max(DriftWalk.finished_at)).where(DriftWalk.state == "done", DriftWalk.since.is_(None))
    compared_at = view.session.scalar(walk)
    return AtStripe(
        replace(
            found,
            theirs_title=_TITLE,
            theirs_arr_cents=found.theirs_arr_cents + beyond,
            steps=tuple(steps),
        ),
        compared_at,
        sum(cents is None for _, cents in effects),
        None if compared_at else _NEVER,
    )


def effect(row: Any) -> int | None:
    """What a finding makes of what recurs: annualised cents, Stripe's less ours; None where nobody knows.

    `row` is one of `at_stripe`.
    """
    match row.kind:
        case "subscription_gone":
            return -int(row.ours_arr_cents or 0)
        case "subscription_status" | "trialing_past_end" | "active_past_period":
            return int(row.told_arr_cents or 0) - int(row.ours_arr_cents or 0)
        case "subscription_price" if row.ours_arr_cents is not None:
            return _price_effect(row)
        case _:
            return None


@listing(
    Permission.REVENUE_COUPLES,
    columns=(
        Column("first_seen_at", "First seen", "moment"),
        Column("why", "What differs", of=lambda row: CLASSES[row.kind]),
        Column("partner_1", "Partner"),
        Column("effect", "Difference a year", "money", of=effect),
        Column("ours", "Here"),
        Column("theirs", "At Stripe"),
        Column("ours_arr_cents", "Counts here, a year", "money"),
        Column("stripe_id", "At Stripe as", "id"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def at_stripe(
    *, currency: str = "USD", kind: str | None = None, zone: str = "UTC", stripe_churn: StripeChurn = "at_end"
) -> AnySelect:
    """What Stripe's subscriptions say otherwise than ours and changes what recurs, the newest first.

    Raises Invalid for a class that does not exist.
    """
    if kind is not None and kind not in CLASSES:
        raise Invalid(f"The classes are {', '.join(CLASSES)}, not “{kind[:40]}”.")
    statement = _findings(policies.as_set(zone, stripe_churn)[STRIPE.name], currency)
    return statement.where(DriftFinding.kind == kind) if kind else statement


def _findings(policy: Policy, currency: str) -> AnySelect:
    """Open findings with what the subscription counts at, and would count at in the state Stripe names."""
    found, entry, other = DriftFinding, SubscriptionChange, aliased(DriftFinding, name="decided")
    decided = select(other.id).where(
        other.object_id == found.object_id,
        other.state.in_(_OPEN),
        other.kind.in_(_DECISIVE),
        _says_what(other),
    )
    return (
        select(
            found.id,
            found.kind,
            found.ours,
            found.theirs,
            found.money_cents,
            found.currency,
            found.first_seen_at,
            found.stripe_id,
            found.relationship_id,
            User.name.label("partner_1"),
            entry.billing_period,
            counted(policy).label("ours_arr_cents"),
            _told(policy).label("told_arr_cents"),
        )
        .select_from(found)
        .outerjoin(entry, (entry.subscription_id == found.object_id) & entry.superseded_at.is_(None))
        .outerjoin(Relationship, Relationship.id == found.relationship_id)
        .outerjoin(User, User.id == Relationship.user_1_id)
        .where(
            found.state.in_(_OPEN),
            found.kind.in_(CLASSES),
            func.coalesce(found.currency, currency) == currency,
            _says_what(found),
            # One that is over at Stripe has no other price as well.
            found.kind.in_(_DECISIVE) | ~decided.exists(),
        )
        .order_by(found.first_seen_at.desc(), found.id)
    )


def _says_what(found: Any) -> ColumnElement[bool]:
    """The condition that a finding is of a status or a price, and not of when something is over."""
    said: ColumnElement[bool] = found.theirs.is_(None) | found.theirs.not_like("until %")
    return said


def _told(policy: Policy) -> ColumnElement[int]:
    """What the subscription counts at if its status is the one that Stripe says."""
    entry, counts = SubscriptionChange, DriftFinding.theirs.in_(policy.statuses)
    left_out = entry.is_gift.is_(True) | (false() if policy.set_to_cancel else entry.set_to_cancel.is_(True))
    return case((counts & ~left_out, amount(policy)), else_=0)


def _price_effect(row: Any) -> int | None:
    try:
        ours, theirs = money.parse(row.ours or "", row.currency), money.parse(row.theirs or "", row.currency)
    except Invalid:
        return None
    return (theirs - ours) * _YEAR[row.billing_period] if row.ours_arr_cents else 0


def _steps(effects: Iterable[tuple[Any, int | None]], currency: str) -> Iterable[Step]:
    by_kind: dict[str, list[tuple[Any, int]]] = defaultdict(list)
    for row, cents in effects:
        if cents:
            by_kind[row.kind].append((row, cents))
    for kind, rows in by_kind.items():
        yield Step(
            kind,
            CLASSES[kind],
            currency,
            sum(cents for _, cents in rows),
            len(rows),
            len({row.relationship_id for row, _ in rows} - {None}),
        )
