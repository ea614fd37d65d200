"""Pausing, ending and resuming a couple: the row at once, Stripe's part queued, nothing deleted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import Operation, Relationship, Subscription
from lib.services import couple_status
from tests.factories import NOW, make_change, make_couple, make_purchase, make_subscription
from tests.staff import PRODUCT, SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def act(database: Database, action: Any, couple: str, **over: Any) -> Any:
    shown = read(database, SUPPORT, couple_status.standing, couple).digest
    return do(database, SUPPORT, action, couple, shown=shown, reason="They part", **over)


def status_of(database: Database, couple: str) -> str:
    status: str = read(database, SUPPORT, couple_status.standing, couple).status
    return status


def queued(database: Database) -> list[tuple[str, str]]:
    with reading(database, SUPPORT) as view:
        rows = view.session.scalars(select(Operation).order_by(Operation.object_id))
        return [(row.kind, row.object_id) for row in rows]


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        ("cancel_at_period_end", "subscription_cancel_at_period_end"),
        ("cancel_now", "subscription_cancel_now"),
    ],
)
def test_ending_a_couple_queues_the_end_of_every_subscription_that_goes_on(
    database: Database, fate: str, kind: str
) -> None:
    couple = make_couple(database)
    running = sorted(make_subscription(database, relationship_id=couple) for _ in range(2))
    make_subscription(database, relationship_id=couple, status="canceled", canceled_at=NOW)
    make_subscription(database, relationship_id=couple, is_gift=True, stripe_subscription_id=None)

    number = act(database, couple_status.end, couple, subscription=fate)

    assert number == 2
    assert queued(database) == [(kind, key) for key in running]
    assert status_of(database, couple) == "ended"
    with reading(database, SUPPORT) as view:
        assert view.session.scalar(select(func.count()).select_from(Subscription)) == 4
        assert view.session.scalar(select(func.count()).select_from(Relationship)) >= 1


def test_subscriptions_may_go_on_and_what_ends_by_itself_is_left_alone(database: Database) -> None:
    couple, other = make_couple(database), make_couple(database)
    make_subscription(database, relationship_id=couple)
    make_subscription(database, relationship_id=other, canceled_at=NOW)

    assert act(database, couple_status.pause, couple, subscription="keep_running") == 0
    assert act(database, couple_status.end, other, subscription="cancel_at_period_end") == 0
    assert (status_of(database, couple), queued(database)) == ("paused", [])


def test_a_paused_couple_is_resumed_or_ended_and_an_ended_one_resumed(database: Database) -> None:
    couple = make_couple(database)
    act(database, couple_status.pause, couple, subscription="keep_running")
    act(database, couple_status.end, couple, subscription="keep_running")

    with pytest.raises(Refused, match="becomes paused"):
        act(database, couple_status.pause, couple, subscription="keep_running")
    with pytest.raises(Refused, match="becomes ended"):
        act(database, couple_status.end, couple, subscription="keep_running")
    act(database, couple_status.resume, couple, subscription="keep_running")

    standing = read(database, SUPPORT, couple_status.standing, couple)
    assert standing.status == "active"
    assert (standing.why_not["pause"], standing.why_not["resume"]) == (None, "This couple is active.")


def test_what_it_touches_is_said_gifts_and_add_ons_too(database: Database) -> None:
    couple = make_couple(database)
    make_subscription(database, relationship_id=couple)
    make_subscription(database, relationship_id=couple, is_gift=True, stripe_subscription_id=None)
    make_purchase(database, relationship_id=couple, stripe_subscription_id="sub_box")
    make_purchase(database, relationship_id=couple)

    touched = read(database, SUPPORT, couple_status.standing, couple).touched

    assert sorted(each.what for each in touched) == ["add_on", "gift", "subscription"]
    assert [each.at_stripe for each in touched if each.what == "gift"] == [False]


def test_if_one_subscription_is_at_stripe_already_nothing_is_changed(database: Database) -> None:
    couple = make_couple(database)
    make_subscription(database, relationship_id=couple)
    act(database, couple_status.pause, couple, subscription="cancel_at_period_end")

    with pytest.raises(Refused, match="already under way"):
        act(database, couple_status.end, couple, subscription="cancel_now")

    assert status_of(database, couple) == "paused"


def test_what_is_not_a_choice_a_role_or_a_couple_is_turned_down(database: Database) -> None:
    couple = make_couple(database)
    shown = read(database, SUPPORT, couple_status.standing, couple).digest
    wish = {"shown": shown, "subscription": "keep_running", "reason": "x"}

    with pytest.raises(Invalid, match="not “burn”"):
        act(database, couple_status.end, couple, subscription="burn")
    with pytest.raises(NotAllowed):
        do(database, PRODUCT, couple_status.end, couple, **wish)
    with pytest.raises(NotFound):
        read(database, SUPPORT, couple_status.standing, "nobody")
    act(database, couple_status.pause, couple, subscription="keep_running")
    with pytest.raises(Refused, match="Somebody changed this"):
        do(database, SUPPORT, couple_status.end, couple, **wish)


@pytest.mark.parametrize(
    ("fate", "kind", "behavior"),
    [
        ("pause", "subscription_pause", None),
        ("pause_collection", "subscription_pause_collection", "keep_as_draft"),
    ],
)
def test_pausing_a_couple_pauses_its_subscription_or_its_bills_as_was_shown_before(
    database: Database, fate: str, kind: str, behavior: str | None
) -> None:
    couple = make_couple(database)
    running = make_subscription(database, relationship_id=couple, price_cents=3000)
    gift = make_subscription(database, relationship_id=couple, is_gift=True, stripe_subscription_id=None)
    wish = {"subscription": fate, "bills": "keep_as_draft"}
    shown = read(database, SUPPORT, couple_status.standing, couple).effects[fate]

    act(database, couple_status.pause, couple, **wish)

    with reading(database, SUPPORT) as view:
        [operation] = view.session.scalars(select(Operation))
    assert (operation.kind, operation.object_id) == (kind, running)
    assert json.loads(operation.params).get("behavior") == behavior
    assert {each.subscription_id: (each.wish, each.mrr_cents) for each in shown} == {
        running: (fate, -3000),
        gift: (None, 0),
    }


def test_resuming_a_couple_ends_the_pause_that_each_subscription_is_in(database: Database) -> None:
    couple = make_couple(database, status="paused")
    paused = make_subscription(database, relationship_id=couple, status="paused")
    unbilled = make_subscription(database, relationship_id=couple)
    make_change(database, unbilled, relationship_id=couple, collection_paused=True)
    running = make_subscription(database, relationship_id=couple)
    shown = read(database, SUPPORT, couple_status.standing, couple).effects["end_pauses"]

    number = act(database, couple_status.resume, couple, subscription="end_pauses")

    assert number == 2
    assert {key: kind for kind, key in queued(database)} == {
        paused: "subscription_resume",
        unbilled: "subscription_resume_collection",
    }
    assert [each.what for each in shown if each.subscription_id == running] == [
        "Is in no pause, and stays as it is."
    ]


def test_a_subscription_that_changed_since_it_was_shown_is_not_paused_with_the_couple(
    database: Database,
) -> None:
    couple = make_couple(database)
    shown = read(database, SUPPORT, couple_status.standing, couple).digest
    make_subscription(database, relationship_id=couple)

    with pytest.raises(Refused, match="Somebody changed this"):
        do(database, SUPPORT, couple_status.pause, couple, shown=shown, subscription="pause", reason="x")

    assert (status_of(database, couple), queued(database)) == ("active", [])


def test_a_pause_is_no_fate_of_an_ended_couple_and_bills_pause_in_three_ways_only(
    database: Database,
) -> None:
    couple = make_couple(database)

    with pytest.raises(Invalid, match="not “pause”"):
        act(database, couple_status.end, couple, subscription="pause")
    with pytest.raises(Invalid, match="not “burn”"):
        act(database, couple_status.pause, couple, subscription="pause_collection", bills="burn")
