"""Giving a subscription to a couple: the giver's card is charged once, for all months, and the gift begins.

Only an operation is queued. The gift and its payment are written once Stripe has taken the money.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lib.core import moments, money
from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.work import Digest, View, Work, action, query
from lib.models import Operation, Relationship, SubscriptionPlan, User, new_id
from lib.models.expressions import folded
from lib.payments import operations
from lib.payments.gateway import Gateway
from lib.services import payers
from lib.services.payers import Card
from lib.services.starts import Plan, plan_of

MONTHS: Final = (1, 3, 6, 12, 24)
LONGEST_MESSAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Gift:
    """What is to be given: `amount_cents` is charged once, in minor units of the plan's currency.

    `customer_id`: the giver's at Stripe, None where no row of ours knows it. `until`: when the gift ends, if
    it is given now.
    """

    giver_id: str
    giver_name: str | None
    customer_id: str | None
    plan: Plan
    months: int
    until: datetime

    @property
    def amount_cents(self) -> int:
        """The plan's price for every period of the gift."""
        return self.plan.price_cents * self.months // _months_of(self.plan)

    @property
    def amount(self) -> str:
        """The amount for a reader."""
        return money.show(self.amount_cents, self.plan.currency)


@query(Permission.SUBSCRIPTIONS_GIVE)
def question(view: View, *, giver: str, plan_id: str, months: int) -> Gift:
    """Check a wish against our rows, and find the giver by id or e-mail; raises as `give` does."""
    found = _giver(view.session, giver)
    known = payers.customers_of(view.session, (found.id,)).get(found.id)
    until = moments.plus_months(view.now, months)
    return Gift(found.id, found.name, known, _plan(view.session, plan_id, months), months, until)


def card_of_giver(gateway: Gateway, gift: Gift) -> Card:
    """The card that is charged; raises as `payers.card_of` does."""
    return payers.card_of(gateway, gift.giver_id, gift.customer_id)


@action(Permission.SUBSCRIPTIONS_GIVE, about="relationships")
def give(
    work: Work,
    couple_id: str,
    *,
    shown: Digest,
    giver_id: str,
    customer_id: str,
    card_id: str,
    plan_id: str,
    months: int,
    message: str = "",
    reason: str,
) -> Operation:
    """Queue a gift: the giver's card is charged once for all months, then the couple's gift begins.

    Raises Refused when the couple changed since it was shown or has ended, while something begins for it
    already, when the giver is one of the two, or for a customer who is somebody else; Invalid for months
    that the plan cannot be given for and for a long message, NotFound without such a couple, giver or plan.
    """
    couple = payers.hold(work.session, couple_id)
    if couple is None:
        raise NotFound(f"There is no couple “{couple_id[:40]}”.")
    work.expect(couple, shown)
    if couple.status == "ended":
        raise Refused("This couple has ended, so nothing is given to it any more.")
    if giver_id in (couple.user_1_id, couple.user_2_id):
        raise Refused("The giver is one of the two: start a subscription for them instead.")
    if len(message) > LONGEST_MESSAGE:
        raise Invalid(f"A message has {LONGEST_MESSAGE} characters at most.")
    payers.must_be_quiet(work.session, couple_id)
    giver = _giver(work.session, giver_id)
    payers.must_be_theirs(work.session, giver.id, customer_id, card_id)
    plan, until = _plan(work.session, plan_id, months), moments.plus_months(work.now, months)
    gift = Gift(giver.id, None, customer_id, plan, months, until)
    return operations.prepare(
        work,
        "gift",
        object_type="relationships",
        object_id=couple_id,
        relationship_id=couple_id,
        params=_params(work.session, gift, couple, (customer_id, card_id), message),
        reason=reason,
    )


def _params(
    session: Session, gift: Gift, couple: Relationship, paid_by: tuple[str, str], message: str
) -> dict[str, str | int | None]:
    giver_couple = session.scalar(
        select(Relationship.id)
        .where(or_(Relationship.user_1_id == gift.giver_id, Relationship.user_2_id == gift.giver_id))
        .order_by(Relationship.id)
        .limit(1)
    )
    return {
        "subscription_id": new_id(),
        "payment_id": new_id(),
        "relationship_id": couple.id,
        "recipient_id": couple.user_1_id,
        "giver_id": gift.giver_id,
        "giver_relationship_id": giver_couple,
        "plan_id": gift.plan.id,
        "months": gift.months,
        "amount_cents": gift.amount_cents,
        "currency": gift.plan.currency,
        "customer_id": paid_by[0],
        "card_id": paid_by[1],
        "message": message.strip(),
        "description": f"Gift: {gift.plan.name}",
    }


def _giver(session: Session, typed: str) -> User:
    text = typed.strip()
    found = (
        session.get(User, text)
        or session.scalars(select(User).where(folded(User.email) == text.lower()).limit(1)).one_or_none()
    )
    if found is None:
        raise NotFound(f"There is nobody with the id or e-mail “{text[:60]}”.")
    return found


def _plan(session: Session, plan_id: str, months: int) -> Plan:
    plan = plan_of(session.get(SubscriptionPlan, plan_id))
    if plan is None:
        raise NotFound(f"There is no plan “{plan_id[:40]}” with a price at Stripe.")
    if months not in MONTHS or months % _months_of(plan):
        raise Invalid(f"{plan.title} cannot be given for {months} months.")
    return plan


def _months_of(plan: Plan) -> int:
    return 12 if plan.billing_period == "annual" else 1
