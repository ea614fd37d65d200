"""Goodwill: what each role may give to a couple, what it is worth, and the row that it leaves."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, Refused
from lib.models import Goodwill, Operation
from lib.services import subscriptions
from lib.services.subscriptions import allowances, goodwill
from tests.factories import NOW, make_couple, make_subscription, make_user
from tests.services.desk import act, read, somebody

ADMIN = somebody("admin")
FINANCE, SUPPORT = somebody("finance"), somebody("support")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def ask(database: Database, action: Any, key: str, *, by: Actor = SUPPORT, **given: Any) -> Operation:
    now = given.pop("now", NOW)
    shown = read(database, subscriptions.one, key, by=by, now=now).digest
    asked: Operation = act(database, action, key, by=by, now=now, shown=shown, reason="Sorry", **given)
    return asked


def settle_all(database: Database, state: str) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(Operation).values(state=state, open_key=None))


def left_for(database: Database, subscription: str, by: Actor) -> allowances.Left:
    couple = read(database, subscriptions.one, subscription).relationship_id
    left: allowances.Left = read(database, allowances.left, couple, by=by)
    return left


def given(database: Database) -> list[Any]:
    with database.primary.connect() as connection:
        return list(connection.execute(select(Goodwill.__table__)))


@pytest.mark.parametrize(("by", "most"), [(SUPPORT, 1), (FINANCE, 3), (ADMIN, 3)])
def test_a_role_may_give_a_couple_so_many_months_within_a_year(
    database: Database, by: Actor, most: int
) -> None:
    wanted = make_subscription(database)

    with pytest.raises(Refused, match=f"may give a couple {allowances.counted(most)} within a year"):
        ask(database, goodwill.free_months, wanted, by=by, months=most + 1)
    ask(database, goodwill.free_months, wanted, by=by, months=most)

    left = left_for(database, wanted, by)
    assert (left.given, left.months) == (most, 0)
    assert read(database, subscriptions.one, wanted, by=by).operations[0].title == "Give free months"


def test_months_count_for_the_couple_whoever_gave_them_and_on_whichever_subscription(
    database: Database,
) -> None:
    user = make_user(database)
    couple = make_couple(database, user_1_id=user)
    first, second = (make_subscription(database, user_id=user, relationship_id=couple) for _ in range(2))
    ask(database, goodwill.free_months, first, months=1)

    with pytest.raises(Refused, match="this one got 1 month"):
        ask(database, goodwill.free_months, second, months=1)
    ask(database, goodwill.free_months, second, by=FINANCE, months=2)
    with pytest.raises(Refused, match="this one got 3 months"):
        ask(
            database,
            goodwill.free_months,
            make_subscription(database, user_id=user, relationship_id=couple),
            by=FINANCE,
            months=1,
        )


@pytest.mark.parametrize(("state", "left"), [("failed", 1), ("done", 0), ("unknown", 0)])
def test_what_failed_was_not_given_and_what_is_in_doubt_was(
    database: Database, state: str, left: int
) -> None:
    wanted = make_subscription(database)
    ask(database, goodwill.free_months, wanted, months=1)

    settle_all(database, state)

    assert left_for(database, wanted, SUPPORT).months == left


def test_after_a_year_a_month_can_be_given_again(database: Database) -> None:
    wanted = make_subscription(database)
    ask(database, goodwill.free_months, wanted, months=1)
    settle_all(database, "done")

    later = NOW + timedelta(days=365)
    ask(database, goodwill.free_months, wanted, months=1, now=later)

    assert len(given(database)) == 2


@pytest.mark.parametrize(
    ("row", "months", "bills", "worth", "coupon"),
    [
        ({}, 1, 1, 3000, {"duration": "once", "percent_off": 100}),
        ({}, 2, 2, 6000, {"duration": "repeating", "months": 2, "percent_off": 100}),
        (
            {"billing_period": "annual", "price_cents": 28_900},
            1,
            1,
            2408,
            {"duration": "once", "amount_off": 2408, "currency": "USD"},
        ),
    ],
)
def test_what_free_months_are_worth_is_what_their_coupon_takes_off(
    database: Database, row: dict[str, Any], months: int, bills: int, worth: int, coupon: dict[str, Any]
) -> None:
    wanted = make_subscription(database, **row)

    case = read(database, subscriptions.one, wanted)
    offer = goodwill.worth(case.price_cents, case.billing_period, case.currency, months)
    operation = ask(database, goodwill.free_months, wanted, by=FINANCE, months=months)

    [gift] = given(database)
    sent = json.loads(operation.params)["coupon"]
    assert (offer.bills, offer.worth_cents) == (bills, worth)
    assert {name: sent[name] for name in coupon} == coupon
    assert sent.keys() == {"id", "name", *coupon}
    assert (gift.stripe_coupon_id, gift.operation_id, gift.months) == (sent["id"], operation.id, months)
    assert (gift.percent_off, gift.amount_off_cents) == (coupon.get("percent_off"), coupon.get("amount_off"))


@pytest.mark.parametrize("months", [0, -1, 13])
def test_an_odd_number_of_months_is_refused(database: Database, months: int) -> None:
    with pytest.raises(Invalid, match="Give 1 to 12 months"):
        ask(database, goodwill.free_months, make_subscription(database), months=months)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"status": "trialing"}, "Extend the trial instead"),
        ({"status": "paused"}, "no bill that could be free"),
        ({"canceled_at": NOW}, "set to cancel"),
        ({"status": "canceled", "canceled_at": NOW}, "has ended"),
        ({"stripe_subscription_id": None}, "not at Stripe"),
    ],
)
def test_free_months_are_for_those_who_pay(database: Database, row: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        ask(database, goodwill.free_months, make_subscription(database, **row), months=1)
    assert given(database) == []


TRIAL = {"status": "trialing", "trial_end_date": NOW + timedelta(days=5)}


@pytest.mark.parametrize(("by", "days"), [(SUPPORT, 30), (FINANCE, 90)])
def test_a_trial_is_extended_as_far_as_the_role_may(database: Database, by: Actor, days: int) -> None:
    wanted = make_subscription(database, **TRIAL)
    furthest = left_for(database, wanted, by).trial_until

    with pytest.raises(Refused, match=f"{days} more days at most"):
        ask(database, goodwill.extend_trial, wanted, by=by, last_day=furthest + timedelta(days=1))
    operation = ask(database, goodwill.extend_trial, wanted, by=by, last_day=furthest)

    assert furthest == (NOW + timedelta(days=days)).date()
    assert json.loads(operation.params)["moment"] == f"{furthest + timedelta(days=1)}T00:00:00+00:00"


def test_a_trial_is_never_made_shorter_and_only_a_trial_is_extended(database: Database) -> None:
    wanted = make_subscription(database, **TRIAL)

    with pytest.raises(Refused, match="lasts longer than that already"):
        ask(database, goodwill.extend_trial, wanted, last_day=(NOW + timedelta(days=4)).date())
    with pytest.raises(Refused, match="Give free months instead"):
        ask(database, goodwill.extend_trial, make_subscription(database), last_day=date(2026, 7, 10))


def test_only_finance_and_admin_let_a_subscription_cost_nothing(database: Database) -> None:
    wanted = make_subscription(database)

    with pytest.raises(NotAllowed):
        ask(database, goodwill.comp, wanted)
    operation = ask(database, goodwill.comp, wanted, by=FINANCE)

    [gift] = given(database)
    coupon = json.loads(operation.params)["coupon"]
    assert (coupon["duration"], coupon["percent_off"]) == ("forever", 100)
    assert (gift.kind, gift.months, gift.given_by) == ("comp", None, FINANCE.id)


def test_every_role_that_may_give_has_a_line_in_the_table_and_no_other(database: Database) -> None:
    wanted = make_subscription(database)
    nobody = Actor("system:test", "test@system", Role.SYSTEM)

    assert set(allowances.ALLOWANCES) == {Role.SUPPORT, Role.FINANCE, Role.ADMIN}
    assert left_for(database, wanted, nobody).months == 0
