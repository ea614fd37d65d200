"""Plan, pauses and a date to end on: the rules that hold before anything is asked of Stripe."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import ACTIONS, QUERIES
from lib.models import SubscriptionChange
from lib.services import subscriptions
from lib.services.subscriptions import ends, pauses, plan_changes
from lib.services.subscriptions.wishes import WISHES, Standing, why_not
from tests.factories import NOW, make_plan, make_subscription, write
from tests.services.desk import act, read, somebody

RUNNING = Standing("active", at_stripe=True, set_to_cancel=False, collection_paused=False)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def ask(database: Database, action: Any, key: str, **given: Any) -> Any:
    shown = read(database, subscriptions.one, key).digest
    return act(database, action, key, shown=shown, reason="They asked", **given)


def pause_bills(database: Database, key: str) -> None:
    case = read(database, subscriptions.one, key)
    write(
        database,
        SubscriptionChange,
        subscription_id=key,
        relationship_id=case.relationship_id,
        effective_at=NOW,
        recorded_at=NOW,
        status="active",
        plan_id=case.plan_id,
        billing_period="monthly",
        currency="USD",
        list_arr_cents=36_000,
        net_arr_cents=36_000,
        is_gift=False,
        collection_paused=True,
        set_to_cancel=False,
        source="event",
    )


# fmt: off
POSSIBLE = """
                     active  trialing  past_due  paused  incomplete
cancel_now              x       x         x        x         x
cancel_at_period_end    x       x         x        x         -
cancel_on               x       x         x        x         -
change_plan             x       x         -        -         -
pause_collection        x       x         x        -         -
pause                   x       x         -        -         -
resume                  -       -         -        x         -
extend_trial            -       x         -        -         -
free_months             x       -         x        -         -
comp                    x       x         x        -         -
apply_code              x       x         x        -         -
remove_discount         x       x         x        x         x
keep                    -       -         -        -         -
resume_collection       -       -         -        -         -
"""
# fmt: on


def test_what_can_be_done_depends_on_the_status_as_in_the_table() -> None:
    header, *lines = [line.split() for line in POSSIBLE.strip().splitlines()]
    expected = {
        (wish, status): cell == "x"
        for wish, *cells in lines
        for status, cell in zip(header, cells, strict=True)
    }
    found = {
        (wish, status): why_not(wish, Standing(status, True, False, False)) is None
        for wish in WISHES
        for status in header
    }

    assert found == expected


def test_every_refusal_is_a_sentence() -> None:
    standings = [
        Standing(status, at_stripe, ending, paused)
        for status in ("active", "trialing", "past_due", "paused", "incomplete", "canceled")
        for at_stripe in (True, False)
        for ending in (True, False)
        for paused in (True, False)
    ]
    refusals = {why for each in standings for wish in WISHES if (why := why_not(wish, each))}

    assert all(why.endswith(".") and why[0].isupper() and "_" not in why for why in refusals)
    assert why_not("pause", RUNNING, "Keep going") == (
        "“Keep going” is already under way. Wait until Stripe has answered."
    )


def test_the_other_plans_for_sale_are_offered(database: Database) -> None:
    wanted = make_subscription(database)
    dearer = make_plan(database, plan_name="Premium Plus", price_cents=5000)
    make_plan(database, is_active=False)
    make_plan(database, stripe_price_id=None)
    make_plan(database, currency="EUR")
    case = read(database, subscriptions.one, wanted)
    offered = read(database, plan_changes.choices, case.plan_id, case.currency)

    words = {key: plan.words for key, plan in offered.plans.items()}
    assert words == {dearer: "Premium Plus, $50.00 monthly"}
    assert (offered.at, offered.from_price is not None) == (NOW, True)


def test_a_question_says_what_becomes_of_mrr_net_of_what_a_code_takes_off(database: Database) -> None:
    wanted = make_subscription(database)
    yearly = make_plan(database, billing_period="annual", price_cents=24_000)
    case = read(database, subscriptions.one, wanted)
    offered = read(database, plan_changes.choices, case.plan_id, case.currency)

    question = plan_changes.question(case, offered, yearly, "next_bill")

    assert (question.mrr_before_cents, question.mrr_after_cents) == (3_000, 2_000)
    assert (question.at_once, question.same_period) == (True, False)


@pytest.mark.parametrize(
    ("plan", "error", "sentence"),
    [
        ({"is_active": False}, Refused, "not for sale"),
        ({"stripe_price_id": None}, Refused, "not for sale"),
        ({"currency": "EUR"}, Refused, "another currency"),
        (None, NotFound, "There is no plan"),
    ],
)
def test_a_plan_that_cannot_be_had_is_refused(
    database: Database, plan: dict[str, Any] | None, error: type[Exception], sentence: str
) -> None:
    wanted = make_subscription(database)
    key = "nowhere" if plan is None else make_plan(database, **plan)

    with pytest.raises(error, match=sentence):
        ask(database, plan_changes.change, wanted, plan_id=key, settlement="now", moment=NOW)


def test_the_plan_that_it_has_and_a_settlement_that_there_is_not(database: Database) -> None:
    wanted = make_subscription(database)
    plan = read(database, subscriptions.one, wanted).plan_id

    with pytest.raises(Refused, match="on this plan already"):
        ask(database, plan_changes.change, wanted, plan_id=plan, settlement="now", moment=NOW)
    with pytest.raises(Invalid, match="settled now, next bill, not at all"):
        ask(database, plan_changes.change, wanted, plan_id=plan, settlement="later", moment=NOW)


@pytest.mark.parametrize("age", [timedelta(hours=1, seconds=1), timedelta(seconds=-1)])
def test_an_old_preview_promises_nothing_any_more(database: Database, age: timedelta) -> None:
    wanted = make_subscription(database)
    plan = make_plan(database)

    with pytest.raises(Refused, match="older than an hour"):
        ask(database, plan_changes.change, wanted, plan_id=plan, settlement="now", moment=NOW - age)


@pytest.mark.parametrize(
    "last_day", [NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=731), date(9999, 12, 30)]
)
def test_an_end_in_the_past_or_far_away_is_refused(database: Database, last_day: date) -> None:
    with pytest.raises(Invalid, match="today or later"):
        ask(database, ends.cancel_on, make_subscription(database), last_day=last_day)


def test_the_last_day_is_included(database: Database) -> None:
    operation = ask(database, ends.cancel_on, make_subscription(database), last_day=NOW.date())

    assert json.loads(operation.params)["moment"] == "2026-06-16T00:00:00+00:00"


def test_bills_are_paused_in_one_of_three_ways_until_a_day_to_come(database: Database) -> None:
    wanted = make_subscription(database)

    with pytest.raises(Invalid, match="Paused bills are void, keep as draft, mark uncollectible"):
        ask(database, pauses.pause_collection, wanted, behavior="forget")
    with pytest.raises(Invalid, match="must be in the future"):
        ask(database, pauses.pause_collection, wanted, behavior="void", until=NOW.date())
    operation = ask(database, pauses.pause_collection, wanted, behavior="void")

    assert json.loads(operation.params)["until"] is None


def test_one_pause_does_not_hide_the_other(database: Database) -> None:
    wanted = make_subscription(database)
    pause_bills(database, wanted)
    case = read(database, subscriptions.one, wanted)

    assert case.bills_paused
    assert case.mrr_cents == 0
    assert case.why_not["resume_collection"] is None
    for action, given in ((pauses.pause, {}), (pauses.pause_collection, {"behavior": "void"})):
        with pytest.raises(Refused, match="paused"):
            ask(database, action, wanted, **given)


def test_a_desk_that_became_a_package_keeps_its_name_in_the_audit() -> None:
    assert {"subscriptions.cancel_now", "subscriptions.change", "subscriptions.pause"} <= ACTIONS.keys()
    assert {"subscriptions.one", "subscriptions.subscriptions"} <= QUERIES.keys()


def test_who_may_not_change_a_subscription(database: Database) -> None:
    wanted = make_subscription(database)
    shown = read(database, subscriptions.one, wanted).digest

    for action in (pauses.pause, pauses.resume, pauses.resume_collection, ends.cancel_now):
        with pytest.raises(NotAllowed):
            act(database, action, wanted, by=somebody("product"), shown=shown, reason="No")
