"""Gifts: who gave what to whom, whether it is used, and whether the couple went on by themselves.

    given      paid for; neither partner has opened the app since it began
    redeemed   running, and used
    converted  the couple has a subscription of its own that began after the gift
    ended      over, and the couple did not go on

Production's rows have no such state: it follows from the gift's period, the partners' last activity and the
couple's other subscriptions.
"""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, exists, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from lib.core import moments
from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import View, query
from lib.models import Payment, Relationship, Subscription, SubscriptionPlan, User, sortable

STATES: Final = ("given", "redeemed", "converted", "ended")
ENDING_WITHIN: Final = timedelta(days=14)

_GIVER, _RECIPIENT = aliased(User, name="giver"), aliased(User, name="recipient")
_OWN = aliased(Subscription, name="own")

COLUMNS: Final = (
    Column("created_at", "Given", "moment"),
    Column("state", "State", "status"),
    Column("giver", "From"),
    Column("recipient", "To"),
    Column("plan_name", "Plan"),
    Column("current_period_end", "Ends", "moment"),
    Column("paid_cents", "Paid", "money"),
    Column("gift_message", "Message"),
    Column("relationship_id", "Couple", "id"),
    Column("id", "Gift", "id"),
)


@listing(Permission.CREDITS_READ, columns=COLUMNS)
def gifts(*, state: str | None = None, ending: bool | None = None, q: str = "") -> AnySelect:
    """Gifts, newest first; those that end within a fortnight soonest first.

    `q` is an id of the couple, the giver or the gift. Raises Invalid for a state that there is none of.
    """
    given = Subscription.created_at
    paid = (
        select(func.sum(Payment.amount_cents))
        .where(Payment.subscription_id == Subscription.id, Payment.transaction_type == "gift")
        .correlate(Subscription)
        .scalar_subquery()
    )
    statement: AnySelect = (
        select(
            Subscription.id,
            given,
            _state().label("state"),
            Subscription.gift_from_user_id,
            _GIVER.name.label("giver"),
            _RECIPIENT.name.label("recipient"),
            SubscriptionPlan.plan_name,
            Subscription.current_period_end,
            paid.label("paid_cents"),
            Subscription.currency,
            Subscription.gift_message,
            Subscription.relationship_id,
        )
        .outerjoin(Relationship, Relationship.id == Subscription.relationship_id)
        .outerjoin(_GIVER, _GIVER.id == Subscription.gift_from_user_id)
        .outerjoin(_RECIPIENT, _RECIPIENT.id == Subscription.user_id)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        # Written out, not bound: only so does SQLite see that the partial index serves.
        .where(literal_column("subscriptions.is_gift"))
    )
    if state:
        if state not in STATES:
            raise Invalid(f"Gifts are {', '.join(STATES)}, not “{state[:40]}”.")
        statement = statement.where(_state() == state)
    if q.strip():
        keys = (Subscription.id, Subscription.relationship_id, Subscription.gift_from_user_id)
        statement = statement.where(or_(*(key == q.strip() for key in keys)))
    if ending:
        soon = sortable(Subscription.current_period_end)
        now = moments.now()
        return statement.where(~_is_over(), ~_went_on(), soon <= now + ENDING_WITHIN).order_by(
            soon, Subscription.id
        )
    return statement.order_by(sortable(given).desc(), Subscription.id.desc())


def _state() -> ColumnElement[str]:
    return case(
        (_went_on(), "converted"),
        (_is_over(), "ended"),
        (_is_used(), "redeemed"),
        else_="given",
    )


def _is_over() -> ColumnElement[bool]:
    """The app ends a gift a while after its last day; the day counts."""
    return or_(Subscription.status == "canceled", sortable(Subscription.current_period_end) <= moments.now())


def _is_used() -> ColumnElement[bool]:
    partner: Any = aliased(User, name="partner")
    return exists(
        select(partner.id)
        .where(
            partner.id.in_((Relationship.user_1_id, Relationship.user_2_id)),
            sortable(partner.last_active_at) > sortable(Subscription.current_period_start),
        )
        .correlate(Relationship, Subscription)
    )


def _went_on() -> ColumnElement[bool]:
    return exists(
        select(_OWN.id)
        .where(
            and_(
                _OWN.relationship_id == Subscription.relationship_id,
                _OWN.is_gift.is_not(True),
                _OWN.status != "incomplete",
                sortable(_OWN.created_at) >= sortable(Subscription.created_at),
            )
        )
        .correlate(Subscription)
    )


@query(Permission.CREDITS_READ)
def one(view: View, gift_id: str) -> AnyRow:
    """One gift as the list has it; its people count as opened. Raises NotFound."""
    people = view.session.execute(
        select(Subscription.user_id, Subscription.gift_from_user_id).where(Subscription.id == gift_id)
    ).first()
    members = [key for key in people or () if key is not None]
    for key in members:
        view.note_opening("users", key)
    with view.revealing(members):
        found = view.session.execute(gifts.build(q=gift_id).where(Subscription.id == gift_id)).first()
    if found is None:
        raise NotFound(f"There is no gift “{gift_id[:40]}”.")
    return found
