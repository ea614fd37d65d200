"""People: find one, see one, and ask to see their data unmasked, with a reason that is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists, literal_column, select, union

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import View, Work, action, query
from lib.models import (
    Notification,
    Relationship,
    Reveal,
    Subscription,
    SubscriptionPlan,
    User,
    new_id,
    sortable,
)
from lib.models.expressions import starts_with
from lib.services.newest_subscription import of_newest_subscription

REVEALED_FOR: Final = timedelta(minutes=30)
REVEALED_AT_ONCE: Final = 2
SUBSCRIPTION_STATUSES: Final = ("active", "trialing", "past_due", "paused", "canceled", "incomplete")
_COMMON_STATUSES: Final = frozenset({"active", "canceled"})
REVEAL_REASONS: Final = (
    "the_customer_wrote_to_us",
    "a_payment_is_in_question",
    "legal_request",
    "suspected_abuse",
)


@listing(
    Permission.PEOPLE_READ,
    columns=(
        Column("name", "Name"),
        Column("email", "E-mail"),
        Column("subscription", "Pays for", "status"),
        Column("plan", "Plan"),
        Column("last_active_at", "Last active", "moment"),
        Column("created_at", "Joined", "moment"),
        Column("id", "User id", "id"),
    ),
    key=User.id,
)
def users(*, q: str = "", subscription: str | None = None) -> AnySelect:
    """People, newest first, with the newest subscription that each pays for.

    `q` is an id, or the start of a name or an e-mail (the search finds more). `subscription`: only those who
    pay for a subscription with this status.
    """
    statement: AnySelect = select(
        User.id,
        User.name,
        User.email,
        of_newest_subscription(Subscription.status, Subscription.user_id == User.id, User).label(
            "subscription"
        ),
        of_newest_subscription(SubscriptionPlan.plan_name, Subscription.user_id == User.id, User).label(
            "plan"
        ),
        User.last_active_at,
        User.created_at,
    ).order_by(sortable(User.created_at).desc(), User.id.desc())
    if q.strip():
        # One index each, and only then by age: an OR in one WHERE is a walk over everybody, newest first.
        word = q.strip()
        found = union(
            select(User.id).where(User.id == word),
            select(User.id).where(starts_with(User.email, word)),
            select(User.id).where(starts_with(User.name, word)),
        )
        statement = statement.where(User.id.in_(found))
    if subscription:
        if subscription not in SUBSCRIPTION_STATUSES:
            known = ", ".join(SUBSCRIPTION_STATUSES)
            raise Invalid(f"Subscriptions are {known}, not “{subscription[:40]}”.")
        statement = statement.where(_pays_for(subscription))
    return statement


def _pays_for(status: str) -> ColumnElement[bool]:
    """Whether a person pays for a subscription with a status.

    Of those that many have, the newest people are asked one by one until a page is full. The few that have
    another are found by it, and then put in order.
    """
    if status not in _COMMON_STATUSES:
        return User.id.in_(select(Subscription.user_id).where(Subscription.status == status))
    # Written out, not bound: only so does SQLite see that the partial index on active ones serves.
    written = Subscription.status == literal_column(f"'{status}'")
    return exists().where(Subscription.user_id == User.id, written)


COUPLE_COLUMNS: Final = (
    Column("partner", "Partner"),
    Column("status", "Couple", "status"),
    Column("relationship_type", "Together as", "code"),
    Column("created_at", "Since", "moment"),
    Column("id", "Couple id", "id"),
)
SUBSCRIPTION_COLUMNS: Final = (
    Column("plan", "Plan"),
    Column("status", "Status", "status"),
    Column("price_cents", "Price", "money"),
    Column("billing_period", "Billed", "code"),
    Column("current_period_end", "Period ends", "moment"),
    Column("canceled_at", "Cancelled", "moment"),
    Column("id", "Subscription", "id"),
)
MESSAGE_COLUMNS: Final = (
    Column("created_at", "When", "moment"),
    Column("notification_type", "Kind", "status"),
    Column("title", "Title"),
    Column("message", "Message"),
    Column("sent_at", "Sent", "moment"),
    Column("is_read", "Read", "flag"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One person; `masked` says whether their data is hidden from the reader."""

    id: str
    name: str
    nickname: str | None
    email: str
    phone: str | None
    timezone: str | None
    love_language: str | None
    joined: datetime | None
    last_active: datetime | None
    masked: bool


@query(Permission.PEOPLE_READ)
def one(view: View, user_id: str) -> Person:
    """A person; opening them is noted. Raises NotFound. Two statements."""
    with view.revealing([user_id]) as shown:
        row = view.session.execute(
            select(
                User.id,
                User.name,
                User.nickname,
                User.email,
                User.phone_number,
                User.timezone,
                User.love_language_primary,
                User.created_at,
                User.last_active_at,
            ).where(User.id == user_id)
        ).first()
    if row is None:
        raise NotFound(f"There is no person {user_id[:80]}. They may have been erased; try the search.")
    view.note_opening("users", row.id)
    return Person(*row, masked=not shown)


@query(Permission.PEOPLE_READ)
def couples_of(view: View, user_id: str) -> list[AnyRow]:
    """The couples that a person is part of, newest first: id, status, partner's id and name, created_at."""
    partner = select(Relationship.id, Relationship.user_2_id.label("partner_id")).where(
        Relationship.user_1_id == user_id
    )
    other = select(Relationship.id, Relationship.user_1_id.label("partner_id")).where(
        Relationship.user_2_id == user_id, Relationship.user_1_id != user_id
    )
    sides = partner.union_all(other).subquery()
    return list(
        view.session.execute(
            select(
                Relationship.id,
                Relationship.status,
                Relationship.relationship_type,
                Relationship.created_at,
                sides.c.partner_id,
                User.name.label("partner"),
            )
            .join(sides, sides.c.id == Relationship.id)
            .outerjoin(User, User.id == sides.c.partner_id)
            .order_by(sortable(Relationship.created_at).desc())
            .limit(20)
        )
    )


@query(Permission.SUBSCRIPTIONS_READ)
def subscriptions_of(view: View, user_id: str) -> list[AnyRow]:
    """The subscriptions that a person pays for, newest first, twenty at most."""
    return list(
        view.session.execute(
            select(
                Subscription.id,
                Subscription.status,
                Subscription.price_cents,
                Subscription.currency,
                Subscription.billing_period,
                Subscription.current_period_end,
                Subscription.canceled_at,
                Subscription.relationship_id,
                SubscriptionPlan.plan_name.label("plan"),
            )
            .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
            .where(Subscription.user_id == user_id)
            .order_by(sortable(Subscription.created_at).desc())
            .limit(20)
        )
    )


@query(Permission.PEOPLE_READ)
def messages_to(view: View, user_id: str) -> list[AnyRow]:
    """What the app sent to a person, newest first, fifty at most."""
    with view.revealing([user_id]):
        return list(
            view.session.execute(
                select(
                    Notification.id,
                    Notification.title,
                    Notification.message,
                    Notification.notification_type,
                    Notification.is_read,
                    Notification.sent_at,
                    Notification.created_at,
                )
                .where(Notification.user_id == user_id)
                .order_by(sortable(Notification.created_at).desc(), Notification.id.desc())
                .limit(50)
            )
        )


@action(Permission.PEOPLE_REVEAL)
def reveal(work: Work, person_ids: tuple[str, ...], *, reason: str) -> datetime:
    """Let the actor see these people unmasked for half an hour; gives until when. Raises NotFound."""
    if not person_ids or len(person_ids) > REVEALED_AT_ONCE:
        raise Invalid("One person or one couple is revealed at a time.")
    until = work.now + REVEALED_FOR
    for person_id in person_ids:
        if work.session.get(User, person_id) is None:
            raise NotFound(f"There is no person {person_id[:80]}.")
        work.session.add(
            Reveal(
                id=new_id(),
                admin_user_id=work.actor.id,
                person_id=person_id,
                reason=reason,
                revealed_at=work.now,
                until=until,
            )
        )
        work.about("users", person_id)
    return until
