"""Events as Stripe would send them about one couple's subscription, in the shapes of both generations."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from lib.core.database import Database
from lib.models import Base, InboxEvent, Payment, Refund, StripeWebhook, Subscription, SubscriptionChange
from lib.payments import inbox

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def day(number: int) -> datetime:
    """The start of the life that is told, so many days on."""
    return START + timedelta(days=number)


def event(kind: str, source: Mapping[str, Any], created: datetime = START, **over: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "type": kind,
        "created": seconds(created),
        "api_version": "2026-10-28.endive",
        "livemode": False,
        "data": {"object": dict(source)},
        **over,
    }


def subscription(stripe_id: str, price: str, *, old: bool = False, **over: Any) -> dict[str, Any]:
    """A monthly subscription of 30 dollars, as it was before basil or as it is now."""
    period = {"current_period_start": seconds(START), "current_period_end": seconds(day(30))}
    item = {
        "id": "si_1",
        "quantity": 1,
        "price": {
            "id": price,
            "unit_amount": 3000,
            "currency": "usd",
            "recurring": {"interval": "month", "interval_count": 1},
        },
    }
    return {
        "id": stripe_id,
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "cancel_at_period_end": False,
        "canceled_at": None,
        "ended_at": None,
        "currency": "usd",
        "items": {"object": "list", "data": [item if old else item | period]},
        **({"discount": None} | period if old else {"discounts": []}),
        **over,
    }


def invoice(
    invoice_id: str, stripe_id: str, intent: str, *, old: bool = False, **over: Any
) -> dict[str, Any]:
    paid = over.get("status", "paid") == "paid"
    shape: dict[str, Any] = {
        "subscription": stripe_id,
        "payment_intent": intent,
        "charge": f"ch_of_{intent}" if paid else None,
    }
    if not old:
        payment = {
            "type": "payment_intent",
            "payment_intent": {"id": intent, "latest_charge": shape["charge"]},
        }
        shape = {
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": stripe_id},
            },
            "payments": {"object": "list", "data": [{"is_default": True, "payment": payment}]},
        }
    return {
        "id": invoice_id,
        "object": "invoice",
        "number": "BT-0001",
        "status": "paid",
        "amount_due": 3000,
        "amount_paid": 3000 if paid else 0,
        "currency": "usd",
        "created": seconds(START),
        "status_transitions": {"paid_at": seconds(day(4)) if paid else None},
        **shape,
        **over,
    }


def charge(intent: str, *, amount_refunded: int, refunds: Any = None, **over: Any) -> dict[str, Any]:
    return {
        "id": f"ch_of_{intent}",
        "object": "charge",
        "payment_intent": intent,
        "amount": 3000,
        "amount_refunded": amount_refunded,
        "refunded": amount_refunded == 3000,
        "currency": "usd",
        "status": "succeeded",
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        "refunds": refunds,
        **over,
    }


def refund(
    stripe_id: str, intent: str, amount: int, status: str = "succeeded", **over: Any
) -> dict[str, Any]:
    return {
        "id": stripe_id,
        "object": "refund",
        "payment_intent": intent,
        "charge": f"ch_of_{intent}",
        "amount": amount,
        "currency": "usd",
        "status": status,
        "metadata": {},
        "created": seconds(day(6)),
        **over,
    }


def tell(database: Database, payload: Mapping[str, Any], now: datetime = NOW) -> inbox.Applied:
    """Receive one event and apply it at once, by its payload."""
    return inbox.apply_event(database, None, payload, livemode_expected=False, now=now)


def work_off(database: Database, now: datetime = NOW, gateway: Any = None) -> None:
    """Apply what is due, then what becomes due, until nothing waits any more."""
    for hours in range(48):
        while inbox.apply_due(database, gateway, now=now + timedelta(hours=hours)):
            pass


def rows(database: Database, model: type[Base], **where: Any) -> list[Any]:
    """The rows of a table as they are, in the order of their keys."""
    statement = select(model.__table__).filter_by(**where).order_by(*model.__table__.primary_key.columns)
    with database.primary.connect() as connection:
        return list(connection.execute(statement))


def only(database: Database, model: type[Base], **where: Any) -> Any:
    (row,) = rows(database, model, **where)
    return row


def state_of(database: Database, event_id: str) -> str:
    return str(only(database, InboxEvent, event_id=event_id).state)


_PASSING = {
    Subscription: {"updated_at"},
    Payment: {"id"},
    Refund: {"id", "transaction_id", "notes"},
    SubscriptionChange: {"seq", "effective_at", "recorded_at", "source", "source_id"},
}


def business(database: Database) -> dict[str, Any]:
    """What our rows say in the end, without the ids and times that differ from run to run."""
    found: dict[str, Any] = {}
    for model, passing in _PASSING.items():
        lines = [
            {name: value for name, value in row._mapping.items() if name not in passing}
            for row in rows(database, model)
        ]
        found[model.__tablename__] = lines[-1:] if model is SubscriptionChange else lines
    return found


def logged(database: Database, event_id: str) -> Any:
    return only(database, StripeWebhook, event_id=event_id)
