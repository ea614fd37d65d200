"""`make_*` functions write one valid row straight into the database; a test overrides what it is about.

They return the id of the row. Defaults are consistent with each other; whom a row belongs to is made as well.
"""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from lib import models
from lib.core.database import Database
from lib.models import Base

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def write(database: Database, model: type[Base], **values: Any) -> str:
    """Insert one row by the columns' names and return its id."""
    with database.primary.begin() as connection:
        connection.execute(insert(model.__table__).values(**values))
    return str(values.get("id", ""))


def make_user(database: Database, **over: Any) -> str:
    n = next(_numbers)
    values = {"id": f"usr_{n}", "email": f"person{n}@example.org", "name": f"Person {n}", "created_at": NOW}
    return write(database, models.User, **values | over)


def make_couple(database: Database, **over: Any) -> str:
    n = next(_numbers)
    partners = {side: over.get(side) or make_user(database) for side in ("user_1_id", "user_2_id")}
    values = {"id": f"rel_{n}", "status": "active", "created_at": NOW}
    return write(database, models.Relationship, **values | over | partners)


def make_plan(database: Database, **over: Any) -> str:
    n = next(_numbers)
    values = {
        "id": f"plan_{n}",
        "plan_name": "Try It Out",
        "plan_type": "try_it_out",
        "billing_period": "monthly",
        "price_cents": 3000,
        "price_display": "$30/month per person",
        "stripe_price_id": f"price_{n}",
        "stripe_product_id": f"prod_{n}",
    }
    return write(database, models.SubscriptionPlan, **values | over)


def make_subscription(database: Database, **over: Any) -> str:
    n = next(_numbers)
    user_id = over.pop("user_id", None) or make_user(database)
    couple = over.pop("relationship_id", None) or make_couple(database, user_1_id=user_id)
    values = {
        "id": f"subscription_{n}",
        "relationship_id": couple,
        "user_id": user_id,
        "plan_id": over.pop("plan_id", None) or make_plan(database),
        "stripe_customer_id": f"cus_{n}",
        "stripe_subscription_id": f"sub_{n}",
        "status": "active",
        "billing_period": "monthly",
        "price_cents": 3000,
        "current_period_start": NOW - timedelta(days=10),
        "current_period_end": NOW + timedelta(days=20),
        "created_at": NOW - timedelta(days=10),
    }
    return write(database, models.Subscription, **values | over)


def make_change(database: Database, subscription_id: str, **over: Any) -> None:
    """A row of the MRR ledger: what a subscription was from `effective_at` on."""
    values = {
        "subscription_id": subscription_id,
        "relationship_id": over.pop("relationship_id", None) or make_couple(database),
        "effective_at": NOW - timedelta(days=10),
        "recorded_at": NOW - timedelta(days=10),
        "status": "active",
        "plan_id": "plan_of_ledger",
        "billing_period": "monthly",
        "currency": "USD",
        "list_arr_cents": 36000,
        "net_arr_cents": 36000,
        "is_gift": False,
        "collection_paused": False,
        "set_to_cancel": False,
        "source": "event",
    }
    write(database, models.SubscriptionChange, **values | over)


def make_payment(database: Database, **over: Any) -> str:
    n = next(_numbers)
    user_id = over.pop("user_id", None) or make_user(database)
    values = {
        "id": f"pay_{n}",
        "user_id": user_id,
        "stripe_payment_intent_id": f"pi_{n}",
        "stripe_charge_id": f"ch_{n}",
        "transaction_type": "subscription",
        "amount_cents": 3000,
        "currency": "USD",
        "status": "succeeded",
        "payment_method": "card",
        "processed_at": NOW - timedelta(days=10),
        "created_at": NOW - timedelta(days=10),
    }
    return write(database, models.Payment, **values | over)


def make_invoice(database: Database, **over: Any) -> str:
    """An open invoice that was tried once, and the failed payment of it; gives the payment's id."""
    n = next(_numbers)
    payment = over.pop("payment_id", None) or make_payment(
        database,
        status="failed",
        failure_reason="insufficient_funds: Your card has insufficient funds.",
        metadata={"stripe_invoice_id": over.get("stripe_invoice_id", f"in_{n}")},
    )
    values = {
        "stripe_invoice_id": f"in_{n}",
        "payment_id": payment,
        "stripe_customer_id": f"cus_{n}",
        "status": "open",
        "currency": "USD",
        "amount_due_cents": 3000,
        "amount_paid_cents": 0,
        "amount_remaining_cents": 3000,
        "attempt_count": 1,
        "next_attempt_at": NOW + timedelta(days=3),
        "issued_at": NOW - timedelta(days=10),
        "told_at": NOW - timedelta(days=10),
    }
    write(database, models.Invoice, **values | over)
    return payment


def make_dispute(database: Database, **over: Any) -> str:
    """A dispute that waits for evidence, and the payment that it is about; gives the dispute's id."""
    n = next(_numbers)
    values = {
        "stripe_dispute_id": f"dp_{n}",
        "payment_id": over.pop("payment_id", None) or make_payment(database),
        "status": "needs_response",
        "reason": "fraudulent",
        "currency": "USD",
        "amount_cents": 3000,
        "evidence_due_at": NOW + timedelta(days=3),
        "opened_at": NOW - timedelta(days=4),
        "told_at": NOW - timedelta(days=4),
    }
    write(database, models.Dispute, **values | over)
    return values["stripe_dispute_id"] if "stripe_dispute_id" not in over else over["stripe_dispute_id"]


def make_refund(database: Database, **over: Any) -> str:
    n = next(_numbers)
    user_id = over.pop("user_id", None) or make_user(database)
    payment = over.pop("transaction_id", None) or make_payment(database, user_id=user_id)
    values = {
        "id": f"ref_{n}",
        "transaction_id": payment,
        "user_id": user_id,
        "refund_amount_cents": 3000,
        "refund_reason": "requested_by_customer",
        "status": "pending",
        "requested_at": NOW,
    }
    return write(database, models.Refund, **values | over)


def make_staff(database: Database, role: str = "support", **over: Any) -> str:
    n = next(_numbers)
    values = {
        "id": f"staff_{n}",
        "email": f"{role}{n}@example.org",
        "name": f"{role.title()} {n}",
        "role": role,
        "is_active": True,
        "created_at": NOW,
        "created_by": "test",
        "updated_at": NOW,
    }
    return write(database, models.AdminUser, **values | over)


def make_arm(database: Database, test: str = "price", arm: str = "control", **over: Any) -> str:
    values = {
        "id": f"{test}_{arm}",
        "test_name": test,
        "variant_name": arm,
        "is_active": True,
        "traffic_percentage": 50,
        "start_date": NOW - timedelta(days=10),
        "created_at": NOW - timedelta(days=10),
    }
    return write(database, models.Variant, **values | over)


def assign(database: Database, arm: str, user: str | None, couple: str | None, **over: Any) -> str:
    """Put a person of a couple into an arm, which is named as `make_arm` does: `price_control`."""
    values = {
        "id": f"{arm}_{user}_{couple}",
        "test_name": arm.partition("_")[0],
        "variant_id": arm,
        "user_id": user,
        "relationship_id": couple,
        "converted": False,
    }
    return write(database, models.Assignment, **values | over)


def make_credit(database: Database, couple: str, **over: Any) -> str:
    """One movement of a couple's AI credits; `credits_balance` is what the app wrote after it."""
    n = next(_numbers)
    values = {
        "id": f"credit_{n:06}",
        "relationship_id": couple,
        "user_id": over.pop("user_id", None) or make_user(database),
        "transaction_type": "purchase",
        "credits_amount": 50,
        "credits_balance": 50,
        "created_at": NOW - timedelta(days=10),
    }
    return write(database, models.AiCredit, **values | over)


def make_addon(database: Database, **over: Any) -> str:
    """An add-on of the price list."""
    n = next(_numbers)
    values = {
        "id": f"addon_{n}",
        "addon_name": "Surprise box",
        "addon_type": "surprise_box",
        "price_cents": 2500,
        "billing_period": "one_time",
        "is_active": True,
    }
    return write(database, models.Addon, **values | over)


def make_purchase(database: Database, **over: Any) -> str:
    """An add-on that a couple bought; with `stripe_subscription_id` one that goes on."""
    n = next(_numbers)
    user_id = over.pop("user_id", None) or make_user(database)
    couple = over.pop("relationship_id", None) or make_couple(database, user_1_id=user_id)
    values = {
        "id": f"purchase_{n}",
        "relationship_id": couple,
        "user_id": user_id,
        "addon_id": over.pop("addon_id", None) or make_addon(database),
        "status": "active",
        "price_cents": 2500,
        "billing_period": "one_time",
        "purchase_date": NOW - timedelta(days=10),
        "created_at": NOW - timedelta(days=10),
    }
    return write(database, models.UserAddon, **values | over)


def make_error(database: Database, key: str, **over: Any) -> str:
    """An open error, as the app notes one that nobody had."""
    values = {
        "id": key,
        "error_type": "TypeError",
        "error_message": "x is undefined",
        "severity": "medium",
        "resolved": False,
        "created_at": NOW,
    }
    return write(database, models.ErrorLog, **values | over)
