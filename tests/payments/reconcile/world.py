"""A small company on both sides, equal in everything, for a test to let drift apart."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from lib import models
from lib.core.database import Database
from lib.models import Base
from lib.payments.gateway import Gateway
from lib.payments.sandbox.store import Store
from tests.factories import make_couple, make_plan, make_user, write
from tests.payments.scripted import KEY

DAY = 86_400
NOW = int(time.time())
PRICE = 3000


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass
class Couple:
    """One couple that pays: what Stripe has, and our rows; both by name, None where that side has nothing."""

    name: str
    stripe: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    ours: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start, end, name = NOW - 10 * DAY, NOW + 20 * DAY, self.name
        made = {"created": start}
        paid = {**made, "customer": f"cus_{name}", "amount": PRICE, "status": "succeeded"}
        self.stripe = {
            "customer": {"id": f"cus_{name}", **made, "email": f"{name}@example.org"},
            "payment_method": {"id": f"pm_{name}", **made, "customer": f"cus_{name}"},
            "subscription": {
                "id": f"sub_{name}",
                **made,
                "customer": f"cus_{name}",
                "status": "active",
                "items": [{"price": "price_try"}],
                "current_period_start": start,
                "current_period_end": end,
            },
            "invoice": {
                "id": f"in_{name}",
                **made,
                "customer": f"cus_{name}",
                "status": "paid",
                "paid_at": start,
                "subscription": f"sub_{name}",
                "lines": [{"amount": PRICE, "price": "price_try"}],
            },
            "payment_intent": {"id": f"pi_{name}", **paid, "invoice": f"in_{name}"},
            "charge": {"id": f"ch_{name}", **paid, "payment_intent": f"pi_{name}"},
        }
        self.ours = {
            "user": {"id": f"usr_{name}", "email": f"{name}@example.org"},
            "subscription": {
                "id": f"own_{name}",
                "plan_id": "plan_try",
                "user_id": f"usr_{name}",
                "relationship_id": f"rel_{name}",
                "stripe_customer_id": f"cus_{name}",
                "stripe_subscription_id": f"sub_{name}",
                "status": "active",
                "billing_period": "monthly",
                "price_cents": PRICE,
                "current_period_start": moment(start),
                "current_period_end": moment(end),
                "created_at": moment(start),
            },
            "payment": {
                "id": f"pay_{name}",
                "user_id": f"usr_{name}",
                "relationship_id": f"rel_{name}",
                "subscription_id": f"own_{name}",
                "stripe_payment_intent_id": f"pi_{name}",
                "stripe_charge_id": f"ch_{name}",
                "transaction_type": "subscription",
                "amount_cents": PRICE,
                "currency": "USD",
                "status": "succeeded",
                "payment_method": "card",
                "processed_at": moment(start),
                "created_at": moment(start),
            },
        }

    def at_stripe(self, kind: str, **over: Any) -> None:
        """Let Stripe say something else."""
        self.stripe[kind] = (self.stripe.get(kind) or {}) | over

    def here(self, row: str, **over: Any) -> None:
        """Let our row say something else."""
        self.ours[row] = (self.ours.get(row) or {}) | over

    def refunded(self, cents: int = 1000, *, status: str = "succeeded") -> None:
        """A refund that both sides know."""
        name = self.name
        self.at_stripe(
            "refund",
            id=f"re_{name}",
            created=NOW - DAY,
            amount=cents,
            charge=f"ch_{name}",
            payment_intent=f"pi_{name}",
            status=status,
        )
        self.here(
            "refund",
            id=f"ref_{name}",
            transaction_id=f"pay_{name}",
            user_id=f"usr_{name}",
            relationship_id=f"rel_{name}",
            refund_amount_cents=cents,
            refund_reason="requested_by_customer",
            status="processed",
            stripe_refund_id=f"re_{name}",
            requested_at=moment(NOW - DAY),
            processed_at=moment(NOW - DAY),
        )
        self.here("payment", refund_amount_cents=cents, refunded_at=moment(NOW - DAY))


@dataclass
class World:
    """Both sides, in the making; `write` makes them real."""

    couples: list[Couple] = field(default_factory=list)
    extra: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rows: list[tuple[type[Base], dict[str, Any]]] = field(default_factory=list)

    def couple(self, name: str) -> Couple:
        """Another couple, equal on both sides."""
        made = Couple(name)
        self.couples.append(made)
        return made

    def stripe_objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything at Stripe, the price list first."""
        made = {"created": NOW - 400 * DAY}
        for plan, cents, interval in (
            ("try", PRICE, "month"),
            ("better", 9000, "month"),
            ("year", 24000, "year"),
        ):
            yield "product", {"id": f"prod_{plan}", **made, "name": plan}
            price = {"id": f"price_{plan}", **made, "product": f"prod_{plan}", "unit_amount": cents}
            yield "price", price | {"interval": interval}
        yield from self.extra
        for couple in self.couples:
            for kind, facts in couple.stripe.items():
                if facts is not None:
                    yield kind, facts

    def write(self, database: Database, path: Path) -> None:
        """Write our rows, and Stripe's file."""
        store = Store(path)
        store.load(self.stripe_objects())
        store.close()
        for plan, cents, period in (
            ("try", PRICE, "monthly"),
            ("better", 9000, "monthly"),
            ("year", 24000, "annual"),
        ):
            make_plan(
                database,
                id=f"plan_{plan}",
                plan_name=plan,
                price_cents=cents,
                billing_period=period,
                stripe_price_id=f"price_{plan}",
                stripe_product_id=f"prod_{plan}",
            )
        for couple in self.couples:
            self._write_couple(database, couple)
        for model, values in self.rows:
            write(database, model, **values)

    def _write_couple(self, database: Database, couple: Couple) -> None:
        if couple.ours["user"] is None:
            return
        make_user(database, **couple.ours["user"])
        make_couple(database, id=f"rel_{couple.name}", user_1_id=f"usr_{couple.name}")
        tables = {
            "subscription": models.Subscription,
            "payment": models.Payment,
            "refund": models.Refund,
        }
        with database.primary.begin() as connection:
            for row, model in tables.items():
                if couple.ours.get(row):
                    connection.execute(insert(model.__table__).values(**couple.ours[row]))


def gateway_at(url: str) -> Gateway:
    """A gateway that repeats nothing and never sleeps."""
    return Gateway(KEY, api_base=url, retries=0, sleep=lambda _: None)
