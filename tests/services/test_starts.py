"""Starting and moving a subscription within the rules; what Stripe does is tested with the operations."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.models import DiscountCode
from lib.services import handover, starts
from tests.factories import NOW, make_couple, make_plan, make_subscription, make_user, write
from tests.staff import PRODUCT, SUPPORT, do, read

DAY = timedelta(days=1)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def payer(database: Database) -> str:
    return make_user(database, name="Mara Keller")


@pytest.fixture
def couple(database: Database, payer: str) -> str:
    return make_couple(database, user_1_id=payer)


def wish(database: Database, couple: str, payer: str, **over: Any) -> dict[str, Any]:
    return {
        "shown": read(database, SUPPORT, starts.offer, couple).digest,
        "plan_id": over.pop("plan_id", None) or make_plan(database, is_active=True),
        "payer_id": payer,
        "customer_id": "cus_mine",
        "card_id": "pm_mine",
        "reason": "By phone",
    } | over


def code(database: Database, **over: Any) -> str:
    now = moments.now()
    values = {
        "id": "code",
        "code": "SPRING",
        "discount_type": "percentage",
        "discount_value": 20,
        "applies_to": "subscription",
        "valid_from": now - DAY,
        "valid_until": now + DAY,
        "stripe_coupon_id": "coupon",
        "is_active": True,
    }
    write(database, DiscountCode, **values | over)
    return "spring"


def test_the_offer_names_the_partners_and_the_plans_that_stripe_knows(
    database: Database, couple: str, payer: str
) -> None:
    sold = make_plan(database, is_active=True)
    make_plan(database, is_active=False)
    make_plan(database, is_active=True, stripe_price_id=None)

    offer = read(database, SUPPORT, starts.offer, couple)

    assert [plan.id for plan in offer.plans] == [sold]
    assert offer.plans[0].title == "Try It Out, monthly, $30.00"
    assert offer.payer_ids[0] == payer
    assert (offer.why_not, offer.access_until) == (None, None)


def test_the_customer_is_known_by_the_newest_subscription_of_the_payer(
    database: Database, couple: str, payer: str
) -> None:
    plan = make_plan(database, is_active=True)
    for customer, days in (("cus_old", 9), ("cus_new", 1)):
        make_subscription(
            database,
            user_id=payer,
            status="canceled",
            stripe_customer_id=customer,
            created_at=NOW - days * DAY,
        )

    question = read(database, SUPPORT, starts.question, couple, plan_id=plan, payer_id=payer)

    assert question.customer_id == "cus_new"


@pytest.mark.parametrize(
    ("over", "error", "sentence"),
    [
        ({"plan_id": "none"}, NotFound, "no plan"),
        ({"payer_id": "somebody"}, Refused, "one of the two partners"),
        ({"trial_days": 366}, Invalid, "0 to 365 days"),
        ({"trial_days": -1}, Invalid, "0 to 365 days"),
        ({"code": "NOSUCH"}, NotFound, "There is no code"),
        ({"customer_id": "me"}, Invalid, "cus_"),
        ({"card_id": "4242424242424242"}, Invalid, "pm_"),
        ({"reason": " "}, Invalid, "Say why"),
    ],
)
def test_a_start_that_cannot_be_is_turned_down(
    database: Database, couple: str, payer: str, over: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        do(database, SUPPORT, starts.start, couple, **wish(database, couple, payer, **over))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"is_active": False}, "switched off"),
        ({"valid_until": moments.now() - DAY}, "not valid now"),
        ({"valid_from": moments.now() + DAY}, "not valid now"),
        ({"max_uses": 5, "current_uses": 5}, "used up"),
        ({"applies_to": "credits"}, "is for credits"),
        ({"stripe_coupon_id": None}, "no coupon at Stripe"),
    ],
)
def test_a_code_that_cannot_be_used_is_turned_down_with_its_reason(
    database: Database, couple: str, payer: str, facts: dict[str, Any], sentence: str
) -> None:
    typed = code(database, **facts)

    with pytest.raises(Refused, match=sentence):
        do(database, SUPPORT, starts.start, couple, **wish(database, couple, payer, code=typed))


def test_a_code_of_more_trial_adds_its_days_and_needs_no_coupon(
    database: Database, couple: str, payer: str
) -> None:
    plan = make_plan(database, is_active=True)
    typed = code(database, discount_type="trial_extension", discount_value=14, stripe_coupon_id=None)

    asked = {"plan_id": plan, "payer_id": payer, "trial_days": 7, "code": typed}
    question = read(database, SUPPORT, starts.question, couple, **asked)

    assert question.coupon_id is None
    assert 20 * DAY < question.trial_end - moments.now() <= 21 * DAY


def test_beside_a_subscription_that_goes_on_nothing_begins(
    database: Database, couple: str, payer: str
) -> None:
    until = moments.now() + 9 * DAY
    own = make_subscription(database, relationship_id=couple, user_id=payer)

    with pytest.raises(Refused, match="goes on"):
        do(database, SUPPORT, starts.start, couple, **wish(database, couple, payer))

    other = make_couple(database)
    make_subscription(database, relationship_id=other, canceled_at=NOW, current_period_end=until)
    make_subscription(database, relationship_id=other, is_gift=True)
    offer = read(database, SUPPORT, starts.offer, other)
    assert own
    assert (offer.why_not, offer.access_until) == (None, until)


def test_two_starts_of_one_couple_cannot_both_be_under_way(
    database: Database, couple: str, payer: str
) -> None:
    first = do(database, SUPPORT, starts.start, couple, **wish(database, couple, payer))

    with pytest.raises(Refused, match="begins for this couple"):
        do(database, SUPPORT, starts.start, couple, **wish(database, couple, payer))
    assert [step.id for step in read(database, SUPPORT, starts.progress, couple)] == [first.id]
    with pytest.raises(NotAllowed):
        do(database, PRODUCT, starts.start, couple, **wish(database, couple, payer))


PAID = {"customer_id": "cus_mine", "card_id": "pm_mine"}


def test_a_move_is_to_the_other_of_the_two_for_the_same_plan(database: Database, payer: str) -> None:
    partner = make_user(database, name="Jo Brandt")
    couple = make_couple(database, user_1_id=payer, user_2_id=partner)
    wanted = make_subscription(database, user_id=payer, relationship_id=couple)

    case = read(database, SUPPORT, handover.case, wanted)
    move = do(database, SUPPORT, handover.hand_over, wanted, shown=case.digest, reason="They part", **PAID)

    assert (case.partner_id, case.partner_name, case.why_not) == (partner, "Jo B.", None)
    assert case.plan.price_cents == 3000
    assert (move.kind, move.object_id, move.relationship_id) == ("subscription_hand_over", wanted, couple)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"stripe_subscription_id": None}, "not at Stripe"),
        ({"status": "past_due"}, "past due: only one that is paid for"),
        ({"status": "canceled", "canceled_at": NOW}, "only one that is paid for"),
    ],
)
def test_a_move_that_cannot_be_is_refused_with_a_sentence(
    database: Database, couple: str, payer: str, facts: dict[str, Any], sentence: str
) -> None:
    wanted = make_subscription(database, user_id=payer, relationship_id=couple, **facts)
    case = read(database, SUPPORT, handover.case, wanted)

    with pytest.raises(Refused, match=sentence):
        do(database, SUPPORT, handover.hand_over, wanted, shown=case.digest, reason="They part", **PAID)
    assert case.why_not


def test_without_a_partner_there_is_nobody_to_move_it_to(database: Database, payer: str) -> None:
    alone = make_couple(database, user_1_id=payer, user_2_id=payer)
    stranger = make_couple(database)

    for couple in (alone, stranger):
        wanted = make_subscription(database, user_id=payer, relationship_id=couple)
        assert "nobody to move it to" in read(database, SUPPORT, handover.case, wanted).why_not
