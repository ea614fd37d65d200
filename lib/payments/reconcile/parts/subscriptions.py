"""Customers and subscriptions, compared a page at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from lib.core.errors import StripeFailed
from lib.models import Subscription, User
from lib.models.expressions import folded
from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.gateway.listed import ListedCustomer
from lib.payments.reconcile import ours
from lib.payments.reconcile.compare import subscriptions
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.parts.part import Mine, Part, Prices, Reading, made_since, only_id


def _customers_compared(reading: Reading, page: Sequence[ListedCustomer]) -> list[Finding]:
    ids = [listed.id for listed in page]
    named = set(
        reading.session.scalars(
            select(Subscription.stripe_customer_id).where(Subscription.stripe_customer_id.in_(ids))
        )
    )
    others = [listed for listed in page if listed.id not in named]
    people = _people(reading.session, others)
    users = {user_id for user_id in people.values() if user_id is not None}
    theirs = ours.by(ours.subscriptions(reading.session, Subscription.user_id.in_(sorted(users))), "user_id")
    return [
        finding
        for listed in others
        for finding in subscriptions.customer(
            listed, people[listed.id], theirs.get(people[listed.id] or "", [])
        )
    ]


def _people(session: Session, page: Sequence[ListedCustomer]) -> dict[str, str | None]:
    """The person of ours that each customer is: by the metadata that the app sets, or by the address."""
    said = sorted({listed.metadata["user_id"] for listed in page if "user_id" in listed.metadata})
    known = set(session.scalars(select(User.id).where(User.id.in_(said))))
    addresses = sorted({listed.email.lower() for listed in page if listed.email})
    by_address = {
        email.lower(): user_id
        for email, user_id in session.execute(
            # `folded` is not masked, and is what the index of addresses holds.
            select(folded(User.email), User.id).where(folded(User.email).in_(addresses))
        )
    }
    return {
        listed.id: said_id
        if (said_id := listed.metadata.get("user_id")) in known
        else by_address.get((listed.email or "").lower())
        for listed in page
    }


def _my_customers(reading: Reading, after: str, limit: int) -> list[Mine]:
    rows = ours.subscriptions(
        reading.session,
        and_(
            Subscription.id > after,
            Subscription.stripe_customer_id.is_not(None),
            *made_since(Subscription.created_at, reading.since),
        ),
        limit,
    )
    return [Mine(row.id, (row.customer_id or "",), row) for row in rows]


def _ask_customer(
    gateway: Gateway, row: ours.OurSubscription, _prices: Prices, _now: datetime
) -> list[Finding]:
    if row.status not in ours.LIVING or gateway.lists.customer(row.customer_id or "") is not None:
        return []
    return list(subscriptions.customer_gone(row))


def _subscriptions_compared(reading: Reading, page: Sequence[SubscriptionFacts]) -> list[Finding]:
    rows = ours.subscriptions_of(reading.session, [facts.id for facts in page])
    others = [facts.id for facts in page if facts.id not in rows]
    addons = ours.addons_of(reading.session, others) if others else {}
    prices = ours.prices(reading.session)
    found: list[Finding] = []
    for facts in page:
        if facts.id in rows:
            found += subscriptions.subscription(facts, rows[facts.id], prices, reading.now)
        elif facts.id in addons:
            found += subscriptions.addon(facts, addons[facts.id])
        else:
            found += subscriptions.unknown(facts, prices)
    return found


def _my_subscriptions(reading: Reading, after: str, limit: int) -> list[Mine]:
    rows = ours.subscriptions(
        reading.session,
        and_(
            Subscription.id > after,
            Subscription.stripe_subscription_id.is_not(None),
            *made_since(Subscription.created_at, reading.since),
        ),
        limit,
    )
    return [Mine(row.id, (row.stripe_id or "",), row) for row in rows]


def ask_subscription(
    gateway: Gateway, row: ours.OurSubscription, prices: Prices, now: datetime
) -> list[Finding]:
    """What is found about one subscription of ours, Stripe being asked for it."""
    facts = subscription_at(gateway, row)
    if facts is None:
        return list(subscriptions.gone(row))
    return subscriptions.subscription(facts, row, prices, now)


def subscription_at(gateway: Gateway, row: ours.OurSubscription) -> SubscriptionFacts | None:
    """Our subscription as it is at Stripe now; None when Stripe does not know it."""
    try:
        return gateway.subscriptions.retrieve(row.stripe_id or "")
    except StripeFailed as error:
        if error.code == "resource_missing":
            return None
        raise


CUSTOMERS: Final = Part(
    "customers",
    "Customers",
    lambda gateway, after, since: gateway.lists.customers(after, since),
    only_id,
    _customers_compared,
    _my_customers,
    _ask_customer,
)


SUBSCRIPTIONS: Final = Part(
    "subscriptions",
    "Subscriptions",
    lambda gateway, after, since: gateway.lists.subscriptions(after, since),
    only_id,
    _subscriptions_compared,
    _my_subscriptions,
    ask_subscription,
)
