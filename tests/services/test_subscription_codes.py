"""A code on a subscription: what our own rows say about it before Stripe is asked."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import NotAllowed, NotFound, Refused
from lib.models import DiscountCode, DiscountUsage, Goodwill
from lib.services import subscriptions
from lib.services.subscriptions import codes
from lib.services.subscriptions.asking import Reduction
from tests.factories import NOW, make_subscription, write
from tests.services.desk import act, read, somebody


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def make_code(database: Database, **over: Any) -> str:
    values = {
        "id": "disc_1",
        "code": "Spring20",
        "discount_type": "percentage",
        "discount_value": 20,
        "applies_to": "all",
        "stripe_coupon_id": "co_1",
        "valid_from": NOW - timedelta(days=1),
        "valid_until": NOW + timedelta(days=1),
        "is_active": True,
        "current_uses": 0,
    }
    return write(database, DiscountCode, **values | over)


def apply(database: Database, key: str, typed: str = "Spring20", **over: Any) -> Any:
    shown = read(database, subscriptions.one, key).digest
    return act(database, codes.apply, key, code=typed, shown=shown, reason="Promised on the phone", **over)


def test_an_offer_says_what_the_code_takes_off_a_bill_and_off_mrr(database: Database) -> None:
    wanted = make_subscription(database, billing_period="annual", price_cents=24_000)
    make_code(database)

    offer = read(database, codes.offer, wanted, " SPRING20 ")

    assert (offer.code, offer.gives, offer.why_not) == ("Spring20", "20 % off", None)
    assert (offer.bill_cents, offer.off_cents) == (24_000, 4_800)
    assert (offer.mrr_before_cents, offer.mrr_after_cents) == (2_000, 1_600)


def test_an_amount_off_is_never_more_than_the_bill(database: Database) -> None:
    make_code(database, discount_type="fixed_amount", discount_value=5_000)

    offer = read(database, codes.offer, make_subscription(database), "spring20")

    assert (offer.off_cents, offer.mrr_after_cents) == (3_000, 0)


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"is_active": False}, "is switched off"),
        ({"valid_until": NOW}, "is over"),
        ({"valid_from": NOW + timedelta(hours=1)}, "is not valid yet"),
        ({"max_uses": 3, "current_uses": 3}, "is used up"),
        ({"applies_to": "credits"}, "is for credits, not for subscriptions"),
        ({"stripe_coupon_id": None}, "names no coupon at Stripe"),
        ({"discount_type": "trial_extension"}, "makes a trial longer, and this one is over"),
    ],
)
def test_a_code_that_cannot_be_used_is_refused_with_a_sentence(
    database: Database, over: dict[str, Any], sentence: str
) -> None:
    wanted = make_subscription(database)
    make_code(database, **over)

    with pytest.raises(Refused, match=f"The code Spring20 {sentence}"):
        apply(database, wanted)
    assert sentence in read(database, codes.offer, wanted, "Spring20").why_not


def test_a_couple_uses_a_code_once(database: Database) -> None:
    wanted = make_subscription(database)
    case = read(database, subscriptions.one, wanted)
    make_code(database)
    redemption = {"discount_id": "disc_1", "user_id": case.user_id, "discount_amount_cents": 600}
    write(database, DiscountUsage, id="use_1", relationship_id=case.relationship_id, **redemption)

    with pytest.raises(Refused, match="has used the code Spring20 once"):
        apply(database, wanted)
    apply(database, make_subscription(database))


def test_a_code_that_nobody_made_is_not_found(database: Database) -> None:
    wanted = make_subscription(database)

    with pytest.raises(NotFound, match="There is no code “NOPE”"):
        apply(database, wanted, "NOPE")
    assert "There is no code" in read(database, codes.offer, wanted, "NOPE").why_not


def test_a_code_for_a_longer_trial_extends_the_trial_by_its_days(database: Database) -> None:
    end = NOW + timedelta(days=3)
    wanted = make_subscription(database, status="trialing", trial_end_date=end)
    make_code(database, discount_type="trial_extension", discount_value=14, stripe_coupon_id=None)

    offer = read(database, codes.offer, wanted, "spring20")
    operation = apply(database, wanted)

    longer = end + timedelta(days=14)
    assert offer.trial_until == longer
    assert operation.kind == "subscription_extend_trial"
    assert json.loads(operation.params)["moment"] == longer.isoformat()


def test_discounts_at_stripe_are_named_by_our_rows(database: Database) -> None:
    make_code(database)
    gift = {"subscription_id": "s", "relationship_id": "r", "operation_id": "o", "given_by": "p"}
    gift |= {"currency": "USD", "given_at": NOW}
    write(database, Goodwill, id="g1", kind="comp", percent_off=100, stripe_coupon_id="goodwill-1", **gift)
    write(
        database,
        Goodwill,
        id="g2",
        kind="free_months",
        months=1,
        amount_off_cents=2408,
        stripe_coupon_id="goodwill-2",
        **gift,
    )
    coupons = ("co_1", "goodwill-1", "goodwill-2", "co_elsewhere")

    running = read(
        database, codes.running, [Reduction(f"di_{coupon}", coupon, None, None) for coupon in coupons]
    )

    assert [each.title for each in running] == [
        "Spring20: 20 % off",
        "Free of charge",
        "$24.08 off the next bill",
        "Coupon co_elsewhere (made at Stripe)",
    ]


def test_who_may_not_apply_codes(database: Database) -> None:
    wanted = make_subscription(database)
    make_code(database)

    with pytest.raises(NotAllowed):
        apply(database, wanted, by=somebody("product"))
