"""Couples: the account that subscribes. One screen brings together what both partners do and who pays."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, and_, func, select, union
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import Digest, View, digest, query
from lib.models import (
    AiCredit,
    Refund,
    Relationship,
    Subscription,
    SubscriptionPlan,
    User,
    sortable,
)
from lib.models.expressions import starts_with
from lib.services.newest_subscription import of_newest_subscription

P = ParamSpec("P")
R = TypeVar("R")

STATUSES: Final = ("active", "paused", "ended")
_FIRST, _SECOND = aliased(User, name="first_partner"), aliased(User, name="second_partner")


@listing(
    Permission.PEOPLE_READ,
    columns=(
        Column("partner_1", "Partner"),
        Column("partner_2", "Partner 2"),
        Column("status", "Couple", "status"),
        Column("subscription", "Subscription", "status"),
        Column("plan", "Plan"),
        Column("relationship_type", "Together as", "code"),
        Column("created_at", "Since", "moment"),
        Column("id", "Couple id", "id"),
    ),
)
def couples(*, q: str = "", status: str | None = None) -> AnySelect:
    """Couples, newest first; `q` is an id of the couple or a partner, or the start of a partner's e-mail."""
    statement = (
        select(
            Relationship.id,
            _FIRST.name.label("partner_1"),
            _SECOND.name.label("partner_2"),
            Relationship.status,
            of_newest_subscription(
                Subscription.status, Subscription.relationship_id == Relationship.id, Relationship
            ).label("subscription"),
            of_newest_subscription(
                SubscriptionPlan.plan_name, Subscription.relationship_id == Relationship.id, Relationship
            ).label("plan"),
            Relationship.relationship_type,
            Relationship.created_at,
        )
        .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
        .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
        .order_by(sortable(Relationship.created_at).desc(), Relationship.id.desc())
    )
    if status:
        if status not in STATUSES:
            raise Invalid(f"Couples are {', '.join(STATUSES)}, not “{status[:40]}”.")
        statement = statement.where(Relationship.status == status)
    return statement.where(Relationship.id.in_(_matching(q.strip()))) if q.strip() else statement


def _matching(q: str) -> Any:
    """Ids of couples: one index each, and only then by age, as an OR would walk over all of them."""
    people = union(select(User.id).where(User.id == q), select(User.id).where(starts_with(User.email, q)))
    return union(
        select(Relationship.id).where(Relationship.id == q),
        select(Relationship.id).where(Relationship.user_1_id.in_(people)),
        select(Relationship.id).where(Relationship.user_2_id.in_(people)),
    )


def shown_when_revealed(
    function: Callable[Concatenate[View, str, P], R],
) -> Callable[Concatenate[View, str, P], R]:
    """Let a reading function about a couple, whose id is its first argument, see what its reader may see.

    Personal data comes unmasked once the reader has asked to see both partners. One statement more.
    """

    @functools.wraps(function)
    def reading(view: View, couple_id: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
        asked = view.session.scalar(select(_both_revealed(view)).where(Relationship.id == couple_id))
        with view.showing(bool(asked)):
            return function(view, couple_id, *args, **kwargs)

    return reading


def _both_revealed(view: View) -> ColumnElement[bool]:
    """The condition that the reader has asked to see both partners of a couple."""
    return and_(
        *(side.in_(view.reveals()) for side in (Relationship.user_1_id, Relationship.user_2_id)),
    )


@dataclass(frozen=True, slots=True)
class Couple:
    """A couple with its partners (two, or fewer where an account is gone or both are one person).

    `masked` says whether their personal data is hidden from the reader; `oddities` are sentences.
    """

    id: str
    status: str | None
    kind: str | None
    started: date | None
    created_at: datetime | None
    partners: tuple[AnyRow, ...]
    masked: bool
    digest: Digest
    oddities: tuple[str, ...]

    @property
    def person_ids(self) -> tuple[str, ...]:
        """Both partners' ids, once each."""
        return tuple(dict.fromkeys(partner.id for partner in self.partners))


@query(Permission.PEOPLE_READ)
def one(view: View, couple_id: str) -> Couple:
    """A couple and its partners; opening it is noted for each of them. Raises NotFound. Two statements."""
    opened = view.session.execute(
        select(Relationship, _both_revealed(view)).where(Relationship.id == couple_id)
    ).first()
    if opened is None:
        raise NotFound(
            f"There is no couple {couple_id[:80]}. It may have been deleted; search for one of the partners."
        )
    row, asked = opened
    ids = dict.fromkeys((row.user_1_id, row.user_2_id))
    with view.showing(bool(asked)) as shown:
        found = {
            partner.id: partner
            for partner in view.session.execute(
                select(
                    User.id,
                    User.name,
                    User.nickname,
                    User.email,
                    User.phone_number,
                    User.timezone,
                    User.last_active_at,
                    User.created_at,
                ).where(User.id.in_(ids))
            )
        }
    for person in ids:
        view.note_opening("users", person)
    return Couple(
        id=row.id,
        status=row.status,
        kind=row.relationship_type,
        started=row.start_date,
        created_at=row.created_at,
        partners=tuple(found[person] for person in ids if person in found),
        masked=not shown,
        digest=digest(row),
        oddities=tuple(_oddities(row, found)),
    )


def _oddities(row: Relationship, found: Mapping[str, AnyRow]) -> Iterator[str]:
    if row.user_1_id == row.user_2_id:
        yield "Both partners are the same person."
    for person in dict.fromkeys((row.user_1_id, row.user_2_id)):
        if person not in found:
            yield f"The account {person} of one partner does not exist any more."


SUBSCRIPTION_COLUMNS: Final = (
    Column("plan_name", "Plan"),
    Column("status", "Status", "status"),
    Column("price_cents", "Price", "money"),
    Column("billing_period", "Billed", "code"),
    Column("payer", "Paid by"),
    Column("current_period_end", "Period ends", "moment"),
    Column("canceled_at", "Cancelled", "moment"),
    Column("is_gift", "Gift", "flag"),
    Column("id", "Subscription", "id"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a couple has and owes: subscriptions newest first, AI credits left, open refunds.

    `twins` are other couples of the same two people.
    """

    subscriptions: Sequence[AnyRow]
    credits: int | None
    open_refunds: int
    twins: Sequence[str]

    @property
    def running(self) -> tuple[AnyRow, ...]:
        """The subscriptions that have not ended."""
        return tuple(row for row in self.subscriptions if row.status != "canceled")

    @property
    def payers(self) -> frozenset[str]:
        """Who pays for a subscription that has not ended."""
        return frozenset(row.user_id for row in self.running)

    @property
    def summary(self) -> str:
        """The running subscriptions in a few words: `Better Together (active)`."""
        parts = [
            f"{row.plan_name or 'unknown plan'} ({row.status.replace('_', ' ')})" for row in self.running
        ]
        return ", ".join(parts) or "none"

    @property
    def oddities(self) -> tuple[str, ...]:
        """What is unusual about it, as sentences."""
        twins = [f"The same two people are also the couple {twin}." for twin in self.twins]
        both = ["Both partners pay for a subscription."] if len(self.payers) > 1 else []
        return (*both, *twins)


@query(Permission.PEOPLE_READ)
def standing(view: View, couple_id: str) -> Standing:
    """Subscriptions, credit balance, open refunds, and couples of the same two people. One statement."""
    balance = (
        select(AiCredit.credits_balance)
        .where(AiCredit.relationship_id == couple_id)
        .order_by(sortable(AiCredit.created_at).desc(), AiCredit.id.desc())
        .limit(1)
    )
    open_refunds = (
        select(func.count())
        .select_from(Refund)
        .where(Refund.relationship_id == couple_id, Refund.status.in_(("pending", "approved")))
    )
    mine, other = aliased(Relationship), aliased(Relationship)
    twins = (
        select(other.id)
        .join(mine, and_(other.user_1_id == mine.user_2_id, other.user_2_id == mine.user_1_id))
        .where(mine.id == couple_id, other.id != couple_id)
        .limit(5)
        .subquery()
    )
    # The couple's own row comes once for each subscription, and once if it has none.
    rows = view.session.execute(
        select(
            balance.scalar_subquery().label("credits"),
            open_refunds.scalar_subquery().label("open_refunds"),
            select(func.aggregate_strings(twins.c.id, ",")).scalar_subquery().label("twins"),
            Subscription.id,
            Subscription.status,
            Subscription.price_cents,
            Subscription.currency,
            Subscription.billing_period,
            Subscription.current_period_end,
            Subscription.canceled_at,
            Subscription.trial_end_date,
            Subscription.is_gift,
            Subscription.gift_from_user_id,
            Subscription.user_id,
            Subscription.created_at,
            SubscriptionPlan.plan_name,
            User.name.label("payer"),
        )
        .select_from(Relationship)
        .outerjoin(Subscription, Subscription.relationship_id == Relationship.id)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        .outerjoin(User, User.id == Subscription.user_id)
        .where(Relationship.id == couple_id)
        .order_by(sortable(Subscription.created_at).desc())
        .limit(20)
    ).all()
    if not rows:
        return Standing((), None, 0, ())
    couple = rows[0]
    subscriptions = [row for row in rows if row.id is not None]
    return Standing(
        subscriptions, couple.credits, couple.open_refunds, couple.twins.split(",") if couple.twins else ()
    )
