"""Gifts: what state each is in, which end soon, and giving one within the rules."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import Operation
from lib.services import gifts, giving, starts
from tests.factories import make_couple, make_payment, make_plan, make_subscription, make_user
from tests.staff import PRODUCT, SUPPORT, do, read

DAY = timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def gift(database: Database, *, seen: int = -20, ends: int = 20, **over: Any) -> str:
    """A gift that began ten days ago and ends in `ends` days; a partner was last seen in `seen` days."""
    now = moments.now()
    user = make_user(database, last_active_at=now + seen * DAY)
    silent = make_user(database, last_active_at=now - 400 * DAY)
    couple = make_couple(database, user_1_id=user, user_2_id=silent)
    values: dict[str, Any] = {
        "user_id": user,
        "relationship_id": couple,
        "is_gift": True,
        "gift_from_user_id": make_user(database),
        "stripe_subscription_id": None,
        "current_period_start": now - 10 * DAY,
        "current_period_end": now + ends * DAY,
        "created_at": now - 10 * DAY,
    }
    return make_subscription(database, **values | over)


def found(database: Database, **filters: Any) -> list[str]:
    return [row.id for row in read(database, SUPPORT, gifts.gifts.page, **filters).rows]


def state_of(database: Database, key: str) -> str:
    state: str = read(database, SUPPORT, gifts.one, key).state
    return state


def test_a_gift_is_given_then_redeemed_then_ended_or_converted(database: Database) -> None:
    given, used = gift(database), gift(database, seen=-1)
    over, cut = gift(database, seen=-1, ends=-1), gift(database, status="canceled")
    couple = make_couple(database)
    stayed = gift(database, relationship_id=couple, ends=-1)
    make_subscription(database, relationship_id=couple, created_at=moments.now() - DAY)

    states = [state_of(database, key) for key in (given, used, over, cut, stayed)]

    assert states == ["given", "redeemed", "ended", "ended", "converted"]
    assert found(database, state="given") == [given]
    assert set(found(database, state="ended")) == {over, cut}
    with pytest.raises(Invalid, match="Gifts are given"):
        found(database, state="lost")


def test_a_subscription_of_before_the_gift_converts_nothing(database: Database) -> None:
    key = gift(database)
    couple = read(database, SUPPORT, gifts.one, key).relationship_id
    before = moments.now() - 90 * DAY
    make_subscription(database, relationship_id=couple, created_at=before, status="canceled")

    assert state_of(database, key) == "given"


def test_those_that_end_within_a_fortnight_come_soonest_first(database: Database) -> None:
    later, soon = gift(database, ends=9), gift(database, ends=2)
    gift(database, ends=30)
    gift(database, ends=-1)
    couple = make_couple(database)
    gift(database, ends=3, relationship_id=couple)
    make_subscription(database, relationship_id=couple, created_at=moments.now())

    assert found(database, ending=True) == [soon, later]


def test_a_gift_shows_what_was_paid_and_only_gifts_are_listed(database: Database) -> None:
    key = gift(database)
    make_payment(database, subscription_id=key, transaction_type="gift", amount_cents=9000)
    make_subscription(database)

    row = read(database, SUPPORT, gifts.one, key)

    assert (row.paid_cents, row.giver) == (9000, row.giver)
    assert found(database) == found(database, q=row.relationship_id) == [key]
    with pytest.raises(NotFound):
        read(database, SUPPORT, gifts.one, make_subscription(database))


def wish(database: Database, couple: str, **over: Any) -> dict[str, Any]:
    """What `give` is called with; the ids of Stripe's are made up, and nobody asks Stripe."""
    return {
        "shown": read(database, SUPPORT, starts.offer, couple).digest,
        "giver_id": make_user(database),
        "customer_id": "cus_giver",
        "card_id": "pm_giver",
        "plan_id": make_plan(database),
        "months": 3,
        "reason": "Asked by mail",
    } | over


@pytest.mark.parametrize(
    ("over", "error", "sentence"),
    [
        ({"months": 5}, Invalid, "cannot be given for 5 months"),
        ({"giver_id": "nobody"}, NotFound, "nobody with the id"),
        ({"plan_id": "none"}, NotFound, "no plan"),
        ({"customer_id": "x"}, Invalid, "cus_"),
        ({"card_id": "4242"}, Invalid, "pm_"),
        ({"message": "x" * 501}, Invalid, "500 characters"),
        ({"reason": ""}, Invalid, "Say why"),
    ],
)
def test_a_gift_that_cannot_be_is_turned_down(
    database: Database, over: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    couple = make_couple(database)

    with pytest.raises(error, match=sentence):
        do(database, SUPPORT, giving.give, couple, **wish(database, couple, **over))


def test_an_annual_plan_is_given_for_whole_years(database: Database) -> None:
    giver = make_user(database)
    annual = make_plan(database, billing_period="annual", price_cents=30_000)

    two = read(database, SUPPORT, giving.question, giver=giver, plan_id=annual, months=24)

    assert (two.amount_cents, two.amount) == (60_000, "$600.00")
    with pytest.raises(Invalid, match="cannot be given for 6 months"):
        read(database, SUPPORT, giving.question, giver=giver, plan_id=annual, months=6)


def test_a_partner_gives_nothing_and_an_ended_couple_gets_nothing(database: Database) -> None:
    partner = make_user(database)
    couple, ended = make_couple(database, user_1_id=partner), make_couple(database, status="ended")

    with pytest.raises(Refused, match="one of the two"):
        do(database, SUPPORT, giving.give, couple, **wish(database, couple, giver_id=partner))
    with pytest.raises(Refused, match="has ended"):
        do(database, SUPPORT, giving.give, ended, **wish(database, ended))


def test_a_customer_who_is_somebody_else_is_not_charged(database: Database) -> None:
    couple = make_couple(database)
    make_subscription(database, stripe_customer_id="cus_other")

    with pytest.raises(Refused, match="somebody else"):
        do(database, SUPPORT, giving.give, couple, **wish(database, couple, customer_id="cus_other"))


def test_a_gift_is_queued_once_and_waits_for_stripe(database: Database) -> None:
    couple = make_couple(database)
    do(database, SUPPORT, giving.give, couple, **wish(database, couple))

    with pytest.raises(Refused, match="begins for this couple"):
        do(database, SUPPORT, giving.give, couple, **wish(database, couple))
    with pytest.raises(NotAllowed):
        do(database, PRODUCT, giving.give, couple, **wish(database, couple))

    with reading(database, SUPPORT) as view:
        [operation] = view.session.scalars(select(Operation))
    assert (operation.kind, operation.state, operation.relationship_id) == ("gift", "prepared", couple)
    assert found(database) == []
