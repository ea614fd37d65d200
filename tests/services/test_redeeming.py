"""Whether a couple may use a code on its subscription."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.work import reading
from lib.models import DiscountCode, DiscountTerms, DiscountUsage, MadeCode, Subscription
from lib.services.discounts.redeeming import why_not_redeem
from tests.factories import NOW, make_payment, make_plan, make_subscription, write
from tests.staff import SUPPORT


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.dispose()


def make_code(database: Database, terms: dict[str, Any] | None = None, **over: Any) -> None:
    values = {
        "id": "code",
        "code": "SPRING",
        "discount_type": "percentage",
        "discount_value": 20,
        "applies_to": "subscription",
        "current_uses": 0,
        "valid_from": NOW - timedelta(days=1),
        "valid_until": NOW + timedelta(days=1),
        "is_active": True,
    }
    write(database, DiscountCode, **values | over)
    if terms is not None:
        given = {"duration": "once", "currency": "USD", "first_time_only": False} | terms
        write(database, DiscountTerms, id="code", created_at=NOW, created_by="test", **given)
        write(database, MadeCode, discount_id="code", terms_id="code", number=0)


def why_not(database: Database, subscription: str) -> str | None:
    with reading(database, SUPPORT, now=NOW) as view:
        code = view.session.get_one(DiscountCode, "code")
        return why_not_redeem(view.session, code, view.session.get_one(Subscription, subscription), NOW)


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({}, None),
        ({"applies_to": "all"}, None),
        ({"is_active": False}, "switched off"),
        ({"valid_from": NOW + timedelta(hours=1)}, "not valid yet"),
        ({"valid_until": NOW - timedelta(seconds=1)}, "is over"),
        ({"max_uses": 3, "current_uses": 3}, "used up"),
        ({"applies_to": "credits"}, "is for credits"),
    ],
)
def test_a_codes_own_state_decides_for_everybody(
    database: Database, over: dict[str, Any], says: str | None
) -> None:
    make_code(database, **over)
    said = why_not(database, make_subscription(database))

    assert said is None if says is None else says in str(said)


def test_a_code_for_other_plans_is_not_for_this_one(database: Database) -> None:
    plan = make_plan(database)
    make_code(database, {"plan_ids": [plan]})

    assert why_not(database, make_subscription(database, plan_id=plan)) is None
    assert "not for this plan" in str(why_not(database, make_subscription(database)))


def test_a_limit_per_couple_counts_the_couples_own_redemptions(database: Database) -> None:
    make_code(database, {"max_per_customer": 1})
    mine, other = make_subscription(database), make_subscription(database)
    with reading(database, SUPPORT) as view:
        row = view.session.get_one(Subscription, mine)
    values = {"discount_id": "code", "user_id": row.user_id, "relationship_id": row.relationship_id}
    write(database, DiscountUsage, id="use", discount_amount_cents=600, **values)

    assert "once, which is its limit" in str(why_not(database, mine))
    assert why_not(database, other) is None


def test_a_code_for_a_first_purchase_is_not_for_who_has_paid(database: Database) -> None:
    make_code(database, {"first_time_only": True})
    paid, new = make_subscription(database), make_subscription(database)
    with reading(database, SUPPORT) as view:
        row = view.session.get_one(Subscription, paid)
    make_payment(database, user_id=row.user_id, relationship_id=row.relationship_id)

    assert "has paid before" in str(why_not(database, paid))
    assert why_not(database, new) is None
