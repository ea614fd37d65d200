from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from lib.core.database import Database
from lib.core.errors import Invalid, NotFound
from lib.core.work import reading
from lib.models import DiscountCode, DiscountUsage
from lib.services import discounts
from tests.factories import NOW, make_couple, make_payment, make_user, write
from tests.staff import FINANCE, SUPPORT


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def make_code(database: Database, key: str = "code", **over: Any) -> str:
    values = {
        "id": key,
        "code": key.upper(),
        "discount_type": "percentage",
        "discount_value": 20,
        "applies_to": "subscription",
        "current_uses": 0,
        "valid_from": NOW - timedelta(days=30),
        "valid_until": NOW + timedelta(days=30),
        "stripe_coupon_id": f"coupon_{key}",
        "is_active": True,
        "created_at": NOW - timedelta(days=30),
    }
    return write(database, DiscountCode, **values | over)


def redeem(
    database: Database, key: str, *, cents: int = 600, couple: str | None = None, hours: int = 0
) -> None:
    user = make_user(database)
    couple = couple or make_couple(database, user_1_id=user)
    write(
        database,
        DiscountUsage,
        id=f"{key}_{user}",
        discount_id=key,
        user_id=user,
        relationship_id=couple,
        transaction_id=make_payment(database, user_id=user, amount_cents=2400),
        discount_amount_cents=cents,
        used_at=NOW - timedelta(hours=hours),
    )


def one(database: Database, key: str = "code") -> discounts.Discount:
    with reading(database, FINANCE, now=NOW) as view:
        return discounts.one(view, key)


def codes(database: Database, **filters: Any) -> list[Any]:
    with reading(database, SUPPORT, now=NOW) as view:
        return list(discounts.codes.page(view, **filters).rows)


def test_codes_come_newest_first_each_with_what_it_gives_in_words(database: Database) -> None:
    make_code(database, "spring")
    make_code(database, "five", discount_type="fixed_amount", discount_value=500, created_at=NOW)
    make_code(database, "trial", discount_type="trial_extension", discount_value=14, created_at=NOW)
    rows = codes(database)

    [gives] = [column for column in discounts.codes.columns if column.name == "gives"]
    assert [(row.code, gives.value(row)) for row in rows] == [
        ("TRIAL", "14 more days of trial"),
        ("FIVE", "$5.00 off"),
        ("SPRING", "20 % off"),
    ]


def test_codes_are_found_by_their_beginning_and_by_their_switch(database: Database) -> None:
    make_code(database, "spring")
    make_code(database, "summer", is_active=False)

    assert [row.id for row in codes(database, q="spr")] == ["spring"]
    assert [row.id for row in codes(database, switched="off")] == ["summer"]
    assert [row.id for row in codes(database, switched="on")] == ["spring"]
    with pytest.raises(Invalid, match="on or off"):
        codes(database, switched="maybe")


def test_a_code_sums_up_its_redemptions(database: Database) -> None:
    make_code(database, max_uses=5, current_uses=3)
    couple = make_couple(database)
    redeem(database, "code", couple=couple, hours=2)
    redeem(database, "code", couple=couple, hours=1)
    redeem(database, "code", cents=700)
    found = one(database)

    assert (found.redemptions, found.couples, found.given_cents, found.left) == (3, 2, 1_900, 2)
    assert (found.last_used_at, found.oddities) == (NOW, ())


def test_a_code_that_nobody_used_gave_nothing(database: Database) -> None:
    make_code(database)
    found = one(database)

    assert (found.redemptions, found.given_cents, found.left, found.last_used_at) == (0, 0, None, None)


@pytest.mark.parametrize(
    ("over", "state"),
    [
        ({}, "usable"),
        ({"is_active": False}, "off"),
        ({"valid_until": NOW}, "over"),
        ({"valid_from": NOW + timedelta(hours=1)}, "not_yet"),
        ({"max_uses": 3, "current_uses": 3}, "used_up"),
        ({"max_uses": 3, "current_uses": 2}, "usable"),
    ],
)
def test_a_code_says_whether_it_can_be_used_now(database: Database, over: dict[str, Any], state: str) -> None:
    make_code(database, **over)

    assert one(database).state == state


def test_what_does_not_fit_together_is_said(database: Database) -> None:
    make_code(database, max_uses=1, current_uses=1, stripe_coupon_id=None)
    redeem(database, "code")
    redeem(database, "code")
    found = one(database)

    assert found.oddities == (
        "The app counts 1 uses; there are 2 redemptions.",
        "It was used 2 times, and its limit is 1.",
        "It names no coupon at Stripe, so Stripe takes nothing off for it.",
    )
    assert found.left == 0


def test_redemptions_come_newest_first_with_their_payment(database: Database) -> None:
    make_code(database)
    make_code(database, "other")
    redeem(database, "code", hours=3)
    redeem(database, "code", hours=1, cents=800)
    redeem(database, "other")
    with reading(database, FINANCE, now=NOW) as view:
        rows = discounts.redemptions.page(view, code_id="code").rows

    assert [(row.discount_amount_cents, row.paid_cents, row.payment_status) for row in rows] == [
        (800, 2400, "succeeded"),
        (600, 2400, "succeeded"),
    ]


def test_a_code_that_is_gone_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="no discount code nowhere"):
        one(database, "nowhere")


@pytest.mark.parametrize(
    ("listing", "filters", "index"),
    [
        (discounts.codes, {}, "idx_admin_discount_codes_created"),
        (discounts.redemptions, {"code_id": "1"}, "idx_admin_discount_usage_code_used"),
    ],
    ids=["codes", "redemptions"],
)
def test_each_list_is_read_in_its_order_from_an_index(
    sqlite_url: str, listing: Any, filters: dict[str, Any], index: str
) -> None:
    database = Database(sqlite_url)
    with database.primary.connect() as connection:
        sql = str(listing.build(**filters).limit(50).compile(connection))
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql.replace('?', '1')}"))]
    database.dispose()

    assert f"USING INDEX {index}" in plan[0]
    assert not [line for line in plan if "TEMP B-TREE" in line]
