"""Replays: a dry run that leaves no trace, then exactly what it showed, or nothing."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import Digest, reading, working
from lib.models import (
    AuditEntry,
    InboxEvent,
    InboxReplay,
    InboxReplayStep,
    Payment,
    Subscription,
    SubscriptionChange,
)
from lib.payments import inbox
from lib.payments.inbox import differences
from lib.services import inbox_replays
from tests.factories import make_plan, make_subscription
from tests.payments import told
from tests.payments.told import NOW, START, day, only, rows, tell, work_off

FINANCE = Actor("f1", "finance@example.org", Role.FINANCE)
SUPPORT = Actor("s1", "support@example.org", Role.SUPPORT)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    plan = make_plan(opened, id="plan_try", stripe_price_id="price_try")
    make_subscription(opened, id="ours", stripe_subscription_id="sub_1", plan_id=plan, created_at=START)
    yield opened
    opened.dispose()


def applied(database: Database, kind: str, source: dict[str, Any], number: int) -> str:
    """An event that came on that day, and was applied."""
    event = told.event(kind, source, day(number))
    tell(database, event, now=day(number))
    return str(event["id"])


@pytest.fixture
def past_due(database: Database) -> str:
    """An event that made the subscription past due; somebody has spoiled the row since."""
    source = told.subscription("sub_1", "price_try", status="past_due")
    event_id = applied(database, "customer.subscription.updated", source, 1)
    set_row(database, status="active")
    return event_id


def set_row(database: Database, **values: Any) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(Subscription.__table__).values(**values))


def ask(database: Database, what: Any, *args: Any, by: Actor = FINANCE, **given: Any) -> Any:
    with working(database, by, now=NOW) as work:
        return what(work, *args, **given)


def work_through(database: Database) -> None:
    while inbox.advance(database, None, now=NOW, log=True, limit=2):
        pass


def seen(database: Database, replay_id: str) -> inbox_replays.Replay:
    with reading(database, SUPPORT, now=NOW) as view:
        return inbox_replays.one(view, replay_id)


def rehearsed(database: Database, event_id: str) -> inbox_replays.Replay:
    replay_id = ask(database, inbox_replays.rehearse, event_id, reason="The row is wrong")
    work_through(database)
    return seen(database, replay_id)


def books(database: Database) -> list[list[Any]]:
    """Everything that a dry run must leave as it is; what was asked for stands in the audit trail."""
    tables = (Subscription, Payment, SubscriptionChange, InboxEvent, AuditEntry)
    return [rows(database, table) for table in tables]


def test_a_dry_run_shows_the_difference_and_leaves_no_trace(database: Database, past_due: str) -> None:
    replay_id = ask(database, inbox_replays.rehearse, past_due, reason="The row is wrong")
    before = books(database)
    work_through(database)

    shown = seen(database, replay_id)
    assert books(database) == before
    assert (shown.state, shown.total, shown.changing) == ("rehearsed", 1, 1)
    assert shown.changes["subscriptions/ours"] == {"status": ["active", "past_due"]}


def test_then_exactly_that_is_done(database: Database, past_due: str) -> None:
    shown = rehearsed(database, past_due)
    assert shown.shown is not None
    ask(database, inbox_replays.replay, shown.id, shown=shown.shown)
    work_through(database)

    assert only(database, Subscription).status == "past_due"
    done = seen(database, shown.id)
    assert (done.state, done.done, done.steps) == ("done", 1, {"applied": 1})
    assert only(database, InboxEvent).state == "applied"
    assert [row.actor_id for row in rows(database, AuditEntry, action="inbox_replays.replay")] == ["f1"]
    assert [row.outcome for row in rows(database, AuditEntry, action="applying.again")] == ["done"]


def test_what_would_change_something_else_by_now_is_refused(database: Database, past_due: str) -> None:
    shown = rehearsed(database, past_due)
    assert shown.shown is not None
    set_row(database, price_cents=1)
    ask(database, inbox_replays.replay, shown.id, shown=shown.shown)
    work_through(database)

    row = only(database, Subscription)
    assert (row.status, row.price_cents) == ("active", 1)
    assert seen(database, shown.id).steps == {"refused": 1}
    assert "something else" in only(database, InboxReplayStep).outcome


def test_the_word_counts_for_what_was_shown_only(database: Database, past_due: str) -> None:
    shown = rehearsed(database, past_due)

    with pytest.raises(Refused, match="something else"):
        ask(database, inbox_replays.replay, shown.id, shown=Digest("another"))
    with pytest.raises(NotAllowed):
        ask(database, inbox_replays.replay, shown.id, shown=shown.shown, by=SUPPORT)
    ask(database, inbox_replays.drop, shown.id)
    with pytest.raises(Refused, match="not through"):
        ask(database, inbox_replays.replay, shown.id, shown=shown.shown)


def test_all_since_a_day_are_applied_object_by_object(database: Database, past_due: str) -> None:
    for number in range(5):
        made = told.invoice(f"in_{number}", "sub_1", f"pi_{number}", created=told.seconds(day(number)))
        applied(database, "invoice.payment_succeeded", made, 2)
    with database.primary.begin() as connection:
        connection.execute(Payment.__table__.delete())
    replay_id = ask(database, inbox_replays.rehearse_since, date(2026, 6, 3), reason="Rows were lost")
    work_through(database)
    shown = seen(database, replay_id)
    ask(database, inbox_replays.replay, replay_id, shown=shown.shown)
    work_through(database)

    assert (shown.total, shown.changing) == (5, 5)
    assert sorted(row.stripe_payment_intent_id for row in rows(database, Payment)) == [
        f"pi_{number}" for number in range(5)
    ]
    assert seen(database, replay_id).steps == {"applied": 5}
    assert only(database, Subscription).status == "active"  # its own event came before that day


def test_a_worker_that_dies_leaves_the_rest_to_another(database: Database, past_due: str) -> None:
    for number in range(6):
        made = told.invoice(f"in_{number}", "sub_1", f"pi_{number}")
        applied(database, "invoice.payment_succeeded", made, 2)
    replay_id = ask(database, inbox_replays.rehearse_since, date(2026, 6, 1), reason="To see")
    inbox.advance(database, None, now=NOW, log=True)
    inbox.advance(database, None, now=NOW, log=True, limit=3)
    half = only(database, InboxReplay)
    with database.primary.begin() as connection:
        held = {"lease_owner": "dead", "lease_until": NOW + timedelta(minutes=3)}
        connection.execute(update(InboxReplay.__table__).values(**held))
    while_held = inbox.advance(database, None, now=NOW, log=True)
    later = NOW + timedelta(minutes=4)
    while inbox.advance(database, None, now=later, log=True):
        pass

    assert (half.total, half.done, while_held) == (7, 3, 0)
    assert seen(database, replay_id).state == "rehearsed"
    assert {row.state for row in rows(database, InboxReplayStep)} == {"rehearsed"}


def test_an_event_that_matched_nothing_is_applied_once_its_row_is_there(database: Database) -> None:
    event_id = applied(database, "customer.subscription.updated", told.subscription("sub_9", "price_try"), 1)
    work_off(database)
    unmatched = only(database, InboxEvent).state
    make_subscription(
        database, id="late", stripe_subscription_id="sub_9", status="past_due", plan_id="plan_try"
    )
    shown = rehearsed(database, event_id)
    ask(database, inbox_replays.replay, shown.id, shown=shown.shown)
    work_through(database)

    assert unmatched == "unmatched"
    assert only(database, InboxEvent).state == "applied"
    assert only(database, Subscription, id="late").status == "active"


def test_what_cannot_be_replayed_says_why(database: Database, past_due: str) -> None:
    foreign = told.event("customer.updated", {"id": "cus_1", "object": "customer"})
    waiting = told.event("charge.refunded", told.charge("pi_1", amount_refunded=1))
    for event in (foreign, waiting):
        inbox.receive(database, event, livemode_expected=False, now=NOW)

    for event, sentence in ((foreign, "does not act on"), (waiting, "waits for its turn")):
        with pytest.raises(Refused, match=sentence):
            ask(database, inbox_replays.rehearse, event["id"], reason="To see")
    with pytest.raises(NotFound):
        ask(database, inbox_replays.rehearse, "evt_none", reason="To see")
    with pytest.raises(Invalid, match="still to come"):
        ask(database, inbox_replays.rehearse_since, date(2030, 1, 1), reason="To see")
    ask(database, inbox_replays.rehearse, past_due, reason="To see")
    with pytest.raises(Refused, match="under way"):
        ask(database, inbox_replays.rehearse, past_due, reason="To see")


def test_two_runs_that_make_the_same_row_make_the_same_difference() -> None:
    def made(key: str, amount: int, at: str) -> dict[str, Any]:
        return {
            f"payment_transactions/{key}": {
                "id": [None, key],
                "amount_cents": [None, amount],
                "recorded_at": [None, at],
            }
        }

    first, second, other = (
        differences.of(made(key, amount, at))
        for key, amount, at in (("a", 1, "x"), ("b", 1, "y"), ("c", 2, "x"))
    )

    assert first == second
    assert differences.within(second, first)
    assert differences.within({}, first)
    assert not differences.within(other, first)
