"""Making, changing and switching codes, with what Stripe then has, against the local Stripe."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, Refused
from lib.models import DiscountCode, DiscountTerms, DiscountUsage, Operation
from lib.payments import operations
from lib.services import discounts
from lib.services.discounts import Discount
from tests.factories import make_plan, make_user, write
from tests.faults.offer_scenarios import TERMS, TODAY, made_code, new_code, queued
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, SUPPORT, do, read


def one(database: Database, key: str) -> Discount:
    found: Discount = read(database, FINANCE, discounts.one, key)
    return found


def work_off(database: Database, stripe: LocalStripe) -> None:
    for key in operations.due(database, moments.now()):
        operations.run(database, stripe.gateway, key, "worker")
        operations.settle(database, stripe.gateway, key)


def act(database: Database, function: Callable[..., Any], key: str, **given: Any) -> None:
    do(database, FINANCE, function, key, shown=one(database, key).digest, reason="They asked", **given)


def redeem(database: Database, key: str, times: int = 1) -> None:
    for _ in range(times):
        user = make_user(database)
        values = {"id": f"use_{user}", "discount_id": key, "user_id": user, "discount_amount_cents": 600}
        write(database, DiscountUsage, **values)


def test_a_code_can_be_used_once_stripe_has_its_coupon_and_its_text(
    sqlite: Database, stripe: LocalStripe
) -> None:
    key = new_code(sqlite)
    before = one(sqlite, key)
    work_off(sqlite, stripe)
    after = one(sqlite, key)
    coupon = stripe.gateway.discounts.coupon(f"bt-{key}")
    [promotion] = stripe.gateway.discounts.codes(code=after.code.lower())

    assert (before.state, before.stripe_coupon_id) == ("off", None)
    assert (after.state, after.stripe_coupon_id, after.promotion_code_id) == (
        "usable",
        coupon.id,
        promotion.id,
    )
    assert (coupon.percent_off, coupon.duration, coupon.duration_in_months) == (20.0, "repeating", 3)
    assert (promotion.max_redemptions, promotion.first_time_only) == (50, True)
    assert promotion.expires_at == after.valid_until
    assert after.gives == "20 % off for 3 months"


def test_an_amount_off_and_a_code_for_ever_are_told_to_stripe_as_such(
    sqlite: Database, stripe: LocalStripe
) -> None:
    key = new_code(
        sqlite, kind="fixed_amount", value=550, duration="forever", duration_in_months=None, max_uses=None
    )
    work_off(sqlite, stripe)
    coupon = stripe.gateway.discounts.coupon(f"bt-{key}")

    assert (coupon.amount_off, coupon.currency, coupon.duration) == (550, "usd", "forever")
    assert one(sqlite, key).gives == "$5.50 off for ever"


def test_a_longer_trial_is_ours_alone(sqlite: Database) -> None:
    key = new_code(sqlite, kind="trial_extension", value=14, duration="once", duration_in_months=None)

    assert (one(sqlite, key).state, one(sqlite, key).gives) == ("usable", "14 more days of trial")
    assert operations.due(sqlite, moments.now()) == []


def test_a_code_for_some_plans_is_for_their_products(sqlite: Database, stripe: LocalStripe) -> None:
    plan = make_plan(sqlite, stripe_product_id="prod_1")
    key = new_code(sqlite, plan_ids=[plan])
    work_off(sqlite, stripe)

    assert one(sqlite, key).plans == ("Try It Out",)
    assert one(sqlite, key).state == "usable"


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"kind": "gift"}, "percentage, fixed_amount"),
        ({"value": 101}, "1 to 100"),
        ({"value": 0}, "1 to 100"),
        ({"kind": "trial_extension", "value": 9}, "neither repeats"),
        ({"duration_in_months": None}, "how many months"),
        ({"duration": "once"}, "Only a repeating"),
        ({"duration": "weekly"}, "lasts once"),
        ({"applies_to": "cars"}, "applies to"),
        ({"max_uses": 0}, "at least 1"),
        ({"max_per_customer": 51}, "cannot be larger"),
        ({"valid_until": TODAY - timedelta(days=1), "valid_from": TODAY - timedelta(days=2)}, "over already"),
        ({"valid_from": TODAY + timedelta(days=61)}, "before it begins"),
        ({"valid_until": TODAY + timedelta(days=3000)}, "five years"),
        ({"plan_ids": ["nowhere"]}, "no plan"),
        ({"plan_ids": ["nowhere"], "applies_to": "credits"}, "only for a discount on subscriptions"),
    ],
)
def test_terms_that_make_no_sense_are_refused_in_a_sentence(
    sqlite: Database, over: dict[str, Any], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        new_code(sqlite, **over)


@pytest.mark.parametrize("text", ["", "AB", "-ABC", "SPRING 20", "ÄPFEL", "A" * 41])
def test_a_text_that_is_no_code_is_refused(sqlite: Database, text: str) -> None:
    with pytest.raises(Invalid, match="letters, digits and dashes"):
        do(sqlite, FINANCE, discounts.create, code=text, reason="Spring", **TERMS)


def test_a_code_exists_once_whatever_its_letters_case(sqlite: Database) -> None:
    write(
        sqlite,
        DiscountCode,
        id="app",
        code="Spring",
        discount_type="percentage",
        discount_value=5,
        valid_from=moments.now(),
        valid_until=moments.now(),
    )
    with pytest.raises(Refused, match="SPRING exists already"):
        do(sqlite, FINANCE, discounts.create, code="spring", reason="Spring", **TERMS)


def test_support_makes_no_codes(sqlite: Database) -> None:
    with pytest.raises(NotAllowed):
        do(sqlite, SUPPORT, discounts.create, code="SPRING", reason="Spring", **TERMS)


def test_switching_off_counts_here_at_once_and_at_stripe_soon(sqlite: Database, stripe: LocalStripe) -> None:
    key = made_code(sqlite, stripe)
    act(sqlite, discounts.switch_off, key)
    at_once = one(sqlite, key).state
    before = [each.active for each in stripe.gateway.discounts.codes(coupon_id=f"bt-{key}")]
    work_off(sqlite, stripe)
    after = [each.active for each in stripe.gateway.discounts.codes(coupon_id=f"bt-{key}")]

    assert (at_once, before, after) == ("off", [True], [False])


def test_switching_on_counts_when_stripe_has_answered(sqlite: Database, stripe: LocalStripe) -> None:
    key = made_code(sqlite, stripe)
    act(sqlite, discounts.switch_off, key)
    work_off(sqlite, stripe)
    act(sqlite, discounts.switch_on, key)
    at_once = one(sqlite, key)
    work_off(sqlite, stripe)

    assert (at_once.state, at_once.why_not_switch_on) == (
        "off",
        "“Switch the code on” is already under way. Wait until Stripe has answered.",
    )
    assert one(sqlite, key).state == "usable"
    assert [each.active for each in stripe.gateway.discounts.codes(coupon_id=f"bt-{key}")] == [True]


def test_a_coupon_that_the_app_applies_without_a_code_is_switched_off_here_alone(
    sqlite: Database, stripe: LocalStripe
) -> None:
    coupon = f"app-{secrets.token_hex(4)}"
    stripe.gateway.discounts.create_coupon(
        coupon, name="App", percent_off=5, duration="once", metadata={}, key=f"k{coupon}"
    )
    write(
        sqlite,
        DiscountCode,
        id="app",
        code="OFTHEAPP",
        discount_type="percentage",
        discount_value=5,
        valid_from=moments.now() - timedelta(days=1),
        valid_until=moments.now() + timedelta(days=1),
        stripe_coupon_id=coupon,
        is_active=True,
    )
    act(sqlite, discounts.switch_off, "app")
    work_off(sqlite, stripe)
    found = one(sqlite, "app")

    assert (found.state, found.operations[0].state) == ("off", "done")
    assert found.why_not_change is not None
    assert "not made here" in found.why_not_change


def test_new_limits_take_another_promotion_code_of_the_same_text(
    sqlite: Database, stripe: LocalStripe
) -> None:
    key = made_code(sqlite, stripe)
    redeem(sqlite, key, 3)
    last = TODAY + timedelta(days=90)
    act(sqlite, discounts.change, key, max_uses=10, max_per_customer=2, valid_until=last)
    before = one(sqlite, key)
    work_off(sqlite, stripe)
    after = one(sqlite, key)
    new, old = stripe.gateway.discounts.codes(code=after.code)

    assert (before.max_uses, after.max_uses, after.max_per_customer) == (50, 10, 2)
    assert after.valid_until is not None
    assert after.valid_until.date() == last
    assert (old.active, new.active, new.id) == (False, True, after.promotion_code_id)
    assert (new.max_redemptions, new.coupon_id) == (7, old.coupon_id)


def test_a_limit_per_couple_is_ours_and_needs_no_stripe(sqlite: Database, stripe: LocalStripe) -> None:
    key = made_code(sqlite, stripe)
    act(
        sqlite,
        discounts.change,
        key,
        max_uses=50,
        max_per_customer=1,
        valid_until=TODAY + timedelta(days=60),
    )

    assert one(sqlite, key).max_per_customer == 1
    assert operations.due(sqlite, moments.now()) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "Nothing would change"),
        ({"max_uses": 3}, "used 3 times already"),
        ({"max_uses": 0}, "at least 1"),
        ({"valid_until": TODAY - timedelta(days=1)}, "last day is past"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    sqlite: Database, stripe: LocalStripe, given: dict[str, Any], says: str
) -> None:
    key = made_code(sqlite, stripe)
    redeem(sqlite, key, 3)
    same = {"max_uses": 50, "max_per_customer": None, "valid_until": TODAY + timedelta(days=60)}

    with pytest.raises((Refused, Invalid), match=says):
        act(sqlite, discounts.change, key, **same | given)


def test_what_was_shown_must_still_be_so(sqlite: Database, stripe: LocalStripe) -> None:
    key = made_code(sqlite, stripe)
    shown = one(sqlite, key).digest
    act(sqlite, discounts.switch_off, key)

    with pytest.raises(Refused, match="changed this while you were looking"):
        do(sqlite, FINANCE, discounts.switch_off, key, shown=shown, reason="Leaked")


def test_a_text_that_stripe_knows_from_elsewhere_is_refused_and_can_be_sent_again(
    sqlite: Database, stripe: LocalStripe
) -> None:
    key = new_code(sqlite)
    text = one(sqlite, key).code
    other = f"other-{key}"
    gateway = stripe.gateway
    gateway.discounts.create_coupon(other, name="x", percent_off=5, duration="once", metadata={}, key=other)
    taken = gateway.discounts.create_code(coupon_id=other, code=text, metadata={}, key=f"c{other}")
    work_off(sqlite, stripe)
    refused = one(sqlite, key)
    gateway.discounts.switch(taken.id, False, key=f"s{other}")
    act(sqlite, discounts.send_again, key)
    work_off(sqlite, stripe)

    assert (refused.state, refused.operations[0].state) == ("off", "failed")
    assert "already exists" in str(refused.operations[0].error_message)
    assert one(sqlite, key).state == "usable"


def test_ours_and_stripes_counts_are_held_against_each_other(sqlite: Database, stripe: LocalStripe) -> None:
    key = made_code(sqlite, stripe)
    agreed = discounts.at_stripe(stripe.gateway, one(sqlite, key))
    redeem(sqlite, key, 2)
    act(sqlite, discounts.switch_off, key)
    differs = discounts.at_stripe(stripe.gateway, one(sqlite, key))

    assert agreed is not None
    assert (agreed.redeemed, agreed.differences) == (0, ())
    assert differs is not None
    assert differs.differences == (
        "Redemptions by Stripe's count: 0; by our rows: 2.",
        "At Stripe the code can still be used; here it cannot.",
    )


def test_a_coupon_that_stripe_lost_is_said(sqlite: Database, stripe: LocalStripe) -> None:
    key = made_code(sqlite, stripe)
    with sqlite.primary.begin() as connection:
        connection.exec_driver_sql("UPDATE discount_codes SET stripe_coupon_id = 'gone'")
    found = discounts.at_stripe(stripe.gateway, one(sqlite, key))

    assert found is not None
    assert found.differences == ("Stripe does not know the coupon gone, so it takes nothing off.",)


def test_an_unknown_outcome_makes_no_second_code(sqlite: Database, stripe: LocalStripe) -> None:
    key = new_code(sqlite)
    stripe.goes_wrong("drop_after", path="/v1/promotion_codes")
    work_off(sqlite, stripe)
    between = queued(sqlite, "discount_codes", key).state
    for waiting in operations.due(sqlite, later := moments.now() + timedelta(hours=1)):
        operations.run(sqlite, stripe.gateway, waiting, "other", now=later)
        operations.settle(sqlite, stripe.gateway, waiting, now=later)

    assert between == "unknown"
    assert one(sqlite, key).state == "usable"
    assert len(list(stripe.gateway.discounts.codes(coupon_id=f"bt-{key}"))) == 1


def test_every_row_of_a_new_code_is_audited(sqlite: Database) -> None:
    key = new_code(sqlite)
    with sqlite.primary.connect() as connection:
        [payload] = connection.exec_driver_sql(
            "SELECT payload FROM admin_audit_log WHERE object_id = ?", (key,)
        ).one()

    for model in (DiscountCode, DiscountTerms, Operation):
        assert f"{model.__tablename__}/" in payload
