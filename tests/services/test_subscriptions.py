"""Subscriptions: found by any id, ended and kept through operations, with the effect shown before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import Operation, Subscription, SubscriptionChange
from lib.services import subscriptions
from tests.factories import NOW, make_payment, make_plan, make_subscription, make_user, write
from tests.staff import PRODUCT, SUPPORT, do, read
from tests.statements import counted


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def act(database: Database, action: Any, subscription: str) -> Operation:
    shown = read(database, SUPPORT, subscriptions.one, subscription).digest
    return do(database, SUPPORT, action, subscription, shown=shown, reason="They moved away")


def found(database: Database, **filters: Any) -> list[str]:
    return [row.id for row in read(database, SUPPORT, subscriptions.subscriptions.page, **filters).rows]


def test_a_subscription_is_found_by_its_ids_its_customer_its_couple_and_its_payer(database: Database) -> None:
    wanted = make_subscription(database)
    make_subscription(database)
    case = read(database, SUPPORT, subscriptions.one, wanted)

    keys = (wanted, case.stripe_subscription_id, case.stripe_customer_id, case.relationship_id, case.user_id)
    assert [found(database, q=f" {key} ") for key in keys] == [[wanted]] * 5
    assert found(database, q="nothing of this name") == []


def test_filters_narrow_the_list_and_it_is_newest_first(database: Database) -> None:
    plan = make_plan(database)
    old = make_subscription(database, plan_id=plan, created_at=NOW - timedelta(days=2))
    ending = make_subscription(database, canceled_at=NOW, created_at=NOW - timedelta(days=1))
    ended = make_subscription(database, status="canceled", canceled_at=NOW, created_at=NOW)

    assert found(database) == [ended, ending, old]
    assert found(database, plan=plan) == [old]
    assert found(database, status="canceled") == [ended]
    assert found(database, set_to_cancel=True) == [ending]
    assert found(database, set_to_cancel=False) == [ended, old]
    with pytest.raises(Invalid, match="Subscriptions are active"):
        found(database, status="cancelled")


@pytest.mark.parametrize("filters", [{}, {"status": "active"}])
def test_the_list_is_served_by_an_index(database: Database, filters: dict[str, str]) -> None:
    statement = subscriptions.subscriptions.build(**filters).limit(50)
    with database.primary.connect() as connection:
        sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

    assert any("idx_admin_subscriptions_" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


def test_a_search_by_id_scans_nothing(database: Database) -> None:
    statement = subscriptions.subscriptions.build(q="sub_1").limit(50)
    with database.primary.connect() as connection:
        sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

    assert not any(step.startswith("SCAN") for step in plan)


def test_one_shows_the_couple_masked_the_payments_and_what_can_be_done(database: Database) -> None:
    payer = make_user(database, name="Mara Keller", email="mara@example.org")
    wanted = make_subscription(database, user_id=payer)
    payment = make_payment(database, subscription_id=wanted, user_id=payer)

    case = read(database, SUPPORT, subscriptions.one, wanted)

    assert (case.payer, case.payer_email) == ("Mara K.", "m•••@example.org")
    assert payer in dict(case.partners)
    assert len(case.partners) == 2
    assert [paid.id for paid in read(database, SUPPORT, subscriptions.payments, wanted)] == [payment]
    assert case.access_until == case.current_period_end
    assert (case.why_not["cancel_now"], case.why_not["cancel_at_period_end"]) == (None, None)
    assert "not set to cancel" in case.why_not["keep"]


@pytest.mark.parametrize(
    ("facts", "mrr"),
    [
        ({}, 3000),
        ({"status": "past_due"}, 3000),
        ({"billing_period": "annual", "price_cents": 28_900}, 2408),
        ({"status": "trialing"}, 0),
        ({"status": "paused"}, 0),
        ({"is_gift": True}, 0),
    ],
)
def test_the_effect_on_mrr_is_what_it_adds_today(database: Database, facts: dict[str, Any], mrr: int) -> None:
    assert read(database, SUPPORT, subscriptions.one, make_subscription(database, **facts)).mrr_cents == mrr


def test_the_effect_on_mrr_is_net_of_the_discount_that_the_ledger_knows(database: Database) -> None:
    wanted = make_subscription(database)
    for days, net in ((2, 36_000), (1, 18_000)):
        write(
            database,
            SubscriptionChange,
            subscription_id=wanted,
            relationship_id="rel",
            effective_at=NOW - timedelta(days=days),
            recorded_at=NOW,
            status="active",
            plan_id="plan",
            billing_period="monthly",
            currency="USD",
            list_arr_cents=36_000,
            net_arr_cents=net,
            is_gift=False,
            collection_paused=False,
            set_to_cancel=False,
            source="event",
        )

    case = read(database, SUPPORT, subscriptions.one, wanted)

    assert (case.arr_cents, case.mrr_cents) == (18_000, 1_500)


@pytest.mark.parametrize(
    ("action", "facts", "kind"),
    [
        (subscriptions.cancel_now, {"status": "incomplete"}, "subscription_cancel_now"),
        (subscriptions.cancel_at_period_end, {}, "subscription_cancel_at_period_end"),
        (subscriptions.keep, {"canceled_at": NOW}, "subscription_keep"),
    ],
)
def test_an_action_queues_an_operation_and_leaves_the_row_to_stripe(
    database: Database, action: Any, facts: dict[str, Any], kind: str
) -> None:
    wanted = make_subscription(database, **facts)
    before = read(database, SUPPORT, subscriptions.one, wanted)

    operation = act(database, action, wanted)

    after = read(database, SUPPORT, subscriptions.one, wanted)
    assert (operation.kind, operation.state) == (kind, "prepared")
    assert (after.status, after.canceled_at) == (before.status, before.canceled_at)
    assert "already under way" in after.why_not["cancel_now"]
    assert [step.reason for step in after.operations] == ["They moved away"]


ENDED = {"status": "canceled", "canceled_at": NOW}


@pytest.mark.parametrize(
    ("action", "facts", "sentence"),
    [
        (subscriptions.cancel_now, ENDED, "has ended"),
        (subscriptions.cancel_at_period_end, ENDED, "has ended"),
        (subscriptions.keep, ENDED, "has ended"),
        (subscriptions.cancel_now, {"stripe_subscription_id": None}, "not at Stripe"),
        (subscriptions.cancel_at_period_end, {"canceled_at": NOW}, "set to cancel already"),
        (subscriptions.cancel_at_period_end, {"status": "incomplete"}, "cancel it now instead"),
        (subscriptions.keep, {}, "not set to cancel"),
    ],
)
def test_what_is_impossible_is_refused_with_a_sentence(
    database: Database, action: Any, facts: dict[str, Any], sentence: str
) -> None:
    wanted = make_subscription(database, **facts)

    with pytest.raises(Refused, match=sentence):
        act(database, action, wanted)


def test_two_operations_on_one_subscription_cannot_be_open(database: Database) -> None:
    wanted = make_subscription(database)
    act(database, subscriptions.cancel_at_period_end, wanted)

    with pytest.raises(Refused, match="already under way"):
        act(database, subscriptions.cancel_now, wanted)


def test_a_subscription_that_changed_since_it_was_shown_is_left_alone(database: Database) -> None:
    wanted = make_subscription(database)
    shown = read(database, SUPPORT, subscriptions.one, wanted).digest
    with database.primary.begin() as connection:
        connection.execute(update(Subscription).values(status="past_due"))

    with pytest.raises(Refused, match="Somebody changed this"):
        do(database, SUPPORT, subscriptions.cancel_now, wanted, shown=shown, reason="Asked for it")


def test_a_reason_is_needed(database: Database) -> None:
    wanted = make_subscription(database)
    shown = read(database, SUPPORT, subscriptions.one, wanted).digest

    with pytest.raises(Invalid, match="Say why"):
        do(database, SUPPORT, subscriptions.cancel_now, wanted, shown=shown, reason="  ")


def test_who_may_not_and_what_is_not_there(database: Database) -> None:
    wanted = make_subscription(database)

    with pytest.raises(NotAllowed):
        read(database, PRODUCT, subscriptions.one, wanted)
    with pytest.raises(NotFound, match="There is no subscription"):
        read(database, SUPPORT, subscriptions.one, "z" * 10_000)


def test_one_subscription_takes_eight_statements_at_most(database: Database) -> None:
    wanted = make_subscription(database)
    for _ in range(10):
        make_payment(database, subscription_id=wanted)

    with reading(database, SUPPORT) as view, counted(database) as sent:
        subscriptions.one(view, wanted)

    assert len(sent) <= 8
