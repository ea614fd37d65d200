"""Moving a subscription to the other partner, as when a couple parts or one of them takes over the paying.

Stripe cannot change the customer of a subscription. So it is a plan of two operations, each done once: the
old one is set to end with the period that is paid for; once Stripe has said so, a new one of the partner's
begins, free until that moment. A crash, a restart or a second click between the two changes nothing: the
second is prepared in the transaction that closes the first (`lib.payments.kinds.starts`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.work import Digest, View, Work, action, digest, query
from lib.models import Operation, Relationship, Subscription, SubscriptionPlan, User
from lib.payments import operations
from lib.payments.gateway import Gateway
from lib.services import payers
from lib.services.payers import Card
from lib.services.starts import Plan, Question, plan_of, start_params

_MOVES: Final = ("active", "trialing")


@dataclass(frozen=True, slots=True)
class HandOver:
    """A subscription that could go over to the partner, who pays `plan` from `paid_until` on.

    `customer_id`: the partner's at Stripe, None where no row of ours knows it. `why_not`: why it cannot go
    over now, as a sentence.
    """

    subscription_id: str
    digest: Digest
    from_name: str | None
    partner_id: str | None
    partner_name: str | None
    customer_id: str | None
    plan: Plan | None
    paid_until: datetime | None
    why_not: str | None


@query(Permission.SUBSCRIPTIONS_START)
def case(view: View, subscription_id: str) -> HandOver:
    """What a move would do; raises NotFound."""
    row = _get(view.session.get(Subscription, subscription_id), subscription_id)
    couple = view.session.get(Relationship, row.relationship_id)
    partner_id = _partner_of(row, couple)
    members = tuple(key for key in (row.user_id, partner_id) if key is not None)
    with view.revealing(members):
        names = dict(view.session.execute(select(User.id, User.name).where(User.id.in_(members))).all())
    plan = plan_of(view.session.get(SubscriptionPlan, row.plan_id))
    return HandOver(
        subscription_id=row.id,
        digest=digest(row),
        from_name=names.get(row.user_id),
        partner_id=partner_id,
        partner_name=names.get(partner_id or ""),
        customer_id=payers.customers_of(view.session, members).get(partner_id or ""),
        plan=plan,
        paid_until=row.current_period_end,
        why_not=_why_not(row, couple, partner_id, plan) or _why_not_beside(view.session, row),
    )


def card_of_partner(gateway: Gateway, move: HandOver) -> Card:
    """The card that the partner would pay with from then on; raises as `payers.card_of` does."""
    assert move.partner_id is not None, "a move without a partner is refused"
    return payers.card_of(gateway, move.partner_id, move.customer_id)


@action(Permission.SUBSCRIPTIONS_START, about="subscriptions")
def hand_over(
    work: Work, subscription_id: str, *, shown: Digest, customer_id: str, card_id: str, reason: str
) -> Operation:
    """Queue the first step: it ends with its period. The partner's begins when Stripe has said so.

    No money moves at once, and nothing is charged before the end of what is paid for. A discount does not
    come along: at Stripe it belongs to the old subscription.

    Raises Refused when it changed since it was shown, is not Stripe's, is neither active nor a trial, has no
    partner, beside another one of the couple's that goes on, while something begins for the couple already,
    or for a customer who is somebody else.
    """
    row = _get(work.session.get(Subscription, subscription_id), subscription_id)
    work.expect(row, shown)
    couple = payers.hold(work.session, row.relationship_id)
    partner_id, plan = _partner_of(row, couple), plan_of(work.session.get(SubscriptionPlan, row.plan_id))
    if why := _why_not(row, couple, partner_id, plan) or _why_not_beside(work.session, row):
        raise Refused(why)
    assert partner_id is not None, "refused above"
    assert plan is not None, "refused above"
    payers.must_be_quiet(work.session, row.relationship_id)
    payers.must_be_theirs(work.session, partner_id, customer_id, card_id)
    partners = Question(partner_id, customer_id, plan, row.current_period_end, None, None)
    return operations.prepare(
        work,
        "subscription_hand_over",
        object_type="subscriptions",
        object_id=row.id,
        relationship_id=row.relationship_id,
        params={
            "row_id": row.id,
            "subscription_id": row.stripe_subscription_id,
            "start": start_params(partners, row.relationship_id, customer_id, card_id),
        },
        reason=reason,
    )


def _partner_of(row: Subscription, couple: Relationship | None) -> str | None:
    """The other of the two; None where there is no other."""
    members = {couple.user_1_id, couple.user_2_id} if couple else set()
    others = members - {row.user_id}
    return next(iter(others)) if len(others) == 1 and row.user_id in members else None


def _why_not(
    row: Subscription, couple: Relationship | None, partner_id: str | None, plan: Plan | None
) -> str | None:
    if not row.stripe_subscription_id:
        return "This subscription is not at Stripe (a gift, or made by hand), so it cannot go over there."
    if row.status not in _MOVES:
        return f"This subscription is {row.status.replace('_', ' ')}: only one that is paid for goes over."
    if couple is None or partner_id is None:
        return "The payer has no partner in this couple, so there is nobody to move it to."
    if plan is None:
        return "Its plan has no price at Stripe, so the partner's cannot begin."
    return None


def _why_not_beside(session: Session, row: Subscription) -> str | None:
    """One that the couple has besides: the partner's of an earlier move, say."""
    other = session.scalar(
        select(Subscription.id)
        .where(
            Subscription.relationship_id == row.relationship_id,
            Subscription.id != row.id,
            Subscription.status != "canceled",
            Subscription.canceled_at.is_(None),
            Subscription.is_gift.is_not(True),
        )
        .limit(1)
    )
    return None if other is None else "This couple has another subscription that goes on already."


def _get(row: Subscription | None, subscription_id: str) -> Subscription:
    if row is None:
        raise NotFound(f"There is no subscription “{subscription_id[:40]}”.")
    return row
