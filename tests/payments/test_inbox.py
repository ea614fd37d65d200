"""The inbox: events come twice, late, at once or broken; each is kept, applied once, and delays no other."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.event import listen, remove

from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Invalid, Refused
from lib.core.work import reading
from lib.models import (
    AuditEntry,
    InboxEvent,
    Payment,
    StripeWebhook,
    Subscription,
)
from lib.payments import inbox
from lib.payments.gateway import Gateway
from lib.payments.inbox import leases
from tests.factories import make_plan, make_subscription, write
from tests.payments import told
from tests.payments.lives import life, seed
from tests.payments.scripted import KEY
from tests.payments.told import NOW, day, only, rows, state_of, tell, work_off


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def each_engine(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def gateway_to_nowhere() -> Iterator[Gateway]:
    """A gateway at an address where nobody listens."""
    made = Gateway(KEY, api_base="http://127.0.0.1:9", timeout=(0.2, 0.2), retries=0)
    yield made
    made.close()


@pytest.mark.postgres
def test_an_event_that_comes_twice_is_stored_and_applied_once(each_engine: Database) -> None:
    database = each_engine
    seed(database)
    event = life()["payment_succeeded"]

    assert inbox.receive(database, event, livemode_expected=False, now=NOW) == "stored"
    assert inbox.receive(database, event, livemode_expected=False, now=NOW) == "duplicate"
    assert inbox.apply_due(database, None, now=NOW) == 1
    assert inbox.receive(database, event, livemode_expected=False, now=NOW) == "duplicate"
    assert inbox.apply_due(database, None, now=NOW + timedelta(days=1)) == 0
    assert (len(rows(database, Payment)), len(rows(database, StripeWebhook))) == (1, 1)


@pytest.mark.postgres
def test_thirty_deliveries_of_one_event_at_once_store_it_once(each_engine: Database) -> None:
    event = life()["created"]
    answers: list[str] = []

    def deliver() -> None:
        answers.append(inbox.receive(each_engine, event, livemode_expected=False, now=NOW))

    _at_once([deliver] * 30)

    assert sorted(answers) == ["duplicate"] * 29 + ["stored"]
    assert len(rows(each_engine, InboxEvent)) == 1


def test_receiving_writes_the_apps_log_and_no_audit_entry(database: Database) -> None:
    event = life()["created"]
    inbox.receive(database, event, livemode_expected=False, now=NOW)

    logged = told.logged(database, event["id"])
    assert (logged.event_type, logged.processed, logged.retry_count) == (event["type"], False, 0)
    assert logged.event_data["data"]["object"]["id"] == "sub_1"
    assert rows(database, AuditEntry) == []


def test_applying_writes_one_audit_entry_that_says_what_changed(database: Database) -> None:
    seed(database)
    applied = tell(database, life()["updated"])

    entry = only(database, AuditEntry)
    assert (entry.object_type, entry.object_id, entry.actor_id) == (
        "admin_inbox",
        applied.event_id,
        "system:inbox",
    )
    assert '"plan_id":["plan_try","plan_more"]' in entry.payload
    assert '"plan_id":["plan_try","plan_more"]' in (applied.changed or "")


def test_the_apps_log_says_when_an_event_was_done_with(database: Database) -> None:
    seed(database)
    done, ignored = life()["updated"], told.event("customer.created", {"id": "cus_1", "object": "customer"})
    tell(database, done)
    tell(database, ignored)

    for event in (done, ignored):
        logged = told.logged(database, event["id"])
        assert (logged.processed, logged.processed_at, logged.error_message) == (True, NOW, None)


def test_a_type_that_nothing_acts_on_is_stored_as_ignored(database: Database) -> None:
    applied = tell(database, told.event("invoice.paid", told.invoice("in_1", "sub_1", "pi_1")))

    assert (applied.state, applied.outcome) == ("ignored", "This product does not act on invoice.paid.")
    assert rows(database, Payment) == []


def test_an_older_event_that_comes_after_a_newer_one_changes_nothing(database: Database) -> None:
    seed(database)
    events = life()
    tell(database, events["deleted"])
    applied = tell(database, events["updated"])

    assert (applied.state, applied.changed) == ("applied", None)
    assert applied.outcome == f"Something newer was applied already: {events['deleted']['id']}."
    assert only(database, Subscription).status == "canceled"


@pytest.mark.parametrize(("livemode", "expected"), [(True, False), (False, True)])
def test_an_event_of_the_other_mode_is_refused_and_not_stored(
    database: Database, livemode: bool, expected: bool
) -> None:
    event = life()["created"] | {"livemode": livemode}
    with pytest.raises(Refused, match="mode"):
        inbox.receive(database, event, livemode_expected=expected)

    assert rows(database, InboxEvent) == rows(database, StripeWebhook) == []


def test_something_that_is_no_event_is_refused(database: Database) -> None:
    with pytest.raises(Invalid, match="thin event"):
        inbox.receive(database, {"object": "v2.core.event", "id": "evt_1"}, livemode_expected=None)
    with pytest.raises(Invalid, match="not a Stripe event"):
        inbox.receive(database, {"id": "evt_1"}, livemode_expected=None)


@pytest.mark.postgres
def test_characters_that_an_engine_cannot_keep_are_replaced(each_engine: Database) -> None:
    seed(each_engine)
    event = life()["updated"]
    event["data"]["object"]["description"] = "NUL \x00, half \ud800, a backslash \\u0000"
    applied = tell(each_engine, event)

    assert applied.state == "applied"
    stored = told.logged(each_engine, event["id"]).event_data["data"]["object"]["description"]
    assert stored == "NUL \ufffd, half ?, a backslash \\u0000"


def test_an_event_whose_row_comes_later_is_tried_again_until_it_fits(database: Database) -> None:
    event = life()["updated"]
    first = tell(database, event)
    seed(database)
    too_early = inbox.apply_due(database, None, now=NOW)
    in_time = inbox.apply_due(database, None, now=NOW + inbox.BACKOFF[0])

    assert (first.state, first.outcome) == ("received", "No row of ours is about sub_1, after 1 tries.")
    assert (too_early, in_time) == (0, 1)
    assert state_of(database, event["id"]) == "applied"
    assert only(database, Subscription).plan_id == "plan_more"


def test_an_event_without_a_row_of_ours_ends_unmatched_and_is_left_alone(database: Database) -> None:
    event = life()["updated"]
    tell(database, event)
    work_off(database)

    entry = only(database, InboxEvent)
    assert (entry.state, entry.attempts, entry.next_attempt_at) == ("unmatched", inbox.TRIES_TO_MATCH, None)
    logged = told.logged(database, event["id"])
    assert (logged.processed, logged.error_message) == (False, entry.outcome)


def test_a_poisoned_event_holds_up_no_other(database: Database) -> None:
    seed(database)
    poison = told.event("customer.subscription.updated", {"id": "sub_1"} | {"object": "unheard_of"}, day(1))
    nameless = told.event("invoice.payment_failed", {"object": "invoice"}, day(1))
    good = life()["updated"]
    for event in (poison, nameless, good):
        inbox.receive(database, event, livemode_expected=False, now=NOW)
    tried = inbox.apply_due(database, None, now=NOW)

    assert tried == 3
    assert state_of(database, good["id"]) == "applied"
    parked = [only(database, InboxEvent, event_id=event["id"]) for event in (poison, nameless)]
    assert [entry.state for entry in parked] == ["parked", "parked"]
    assert all(entry.error.startswith("The event evt_") for entry in parked)
    assert told.logged(database, poison["id"]).error_message == parked[0].error


def test_what_goes_on_failing_is_tried_less_and_less_often_and_then_parked(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    seed(database, billing_period="monthly")
    event = life()["payment_succeeded"]
    inbox.receive(database, event, livemode_expected=False, now=NOW)
    _refuse_new_payments(database)
    waits, now = [], NOW
    while (entry := only(database, InboxEvent)).state != "parked":
        now = entry.next_attempt_at
        inbox.apply_due(database, None, now=now)
        waits.append((only(database, InboxEvent).next_attempt_at or now) - now)

    assert waits == [*inbox.BACKOFF, timedelta(0)]
    entry = only(database, InboxEvent)
    assert entry.attempts == inbox.TRIES
    assert entry.error.startswith("IntegrityError: ")
    logged = told.logged(database, event["id"])
    assert (logged.processed, logged.retry_count) == (False, inbox.TRIES)
    assert "IntegrityError" in caplog.text


def _refuse_new_payments(database: Database) -> None:
    """Let the database refuse every new payment, as a broken rule of the app's own might."""
    with database.primary.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_payments BEFORE INSERT ON payment_transactions "
            "BEGIN SELECT RAISE(ABORT, 'no payments today'); END"
        )


def test_an_unreachable_stripe_puts_an_event_off_without_applying_its_payload(
    database: Database, gateway_to_nowhere: Gateway
) -> None:
    seed(database)
    event = life()["deleted"]
    inbox.receive(database, event, livemode_expected=False, now=NOW)
    inbox.apply_due(database, gateway_to_nowhere, now=NOW)

    entry = only(database, InboxEvent)
    assert (entry.state, entry.attempts) == ("failed", 1)
    assert entry.next_attempt_at == NOW + inbox.BACKOFF[0]
    assert entry.error == "Stripe could not be reached, or did not answer in time."
    assert only(database, Subscription).status == "active"


@pytest.mark.postgres
def test_two_appliers_at_once_apply_each_event_once(each_engine: Database) -> None:
    database = each_engine
    plan = make_plan(database, stripe_price_id="price_try")
    for number in range(8):
        make_subscription(database, stripe_subscription_id=f"sub_{number}", plan_id=plan)
        event = told.event(
            "invoice.payment_succeeded", told.invoice(f"in_{number}", f"sub_{number}", f"pi_{number}"), day(4)
        )
        inbox.receive(database, event, livemode_expected=False, now=NOW)

    def apply() -> None:
        for _ in range(5):
            inbox.apply_due(database, None, now=NOW)

    _at_once([apply, apply])
    work_off(database)

    assert {row.state for row in rows(database, InboxEvent)} == {"applied"}
    assert len(rows(database, Payment)) == 8
    done = [row for row in rows(database, AuditEntry) if row.outcome == "done"]
    assert len({row.object_id for row in done}) == len(done) == 8


def test_an_object_that_somebody_else_works_on_is_left_alone(database: Database) -> None:
    seed(database)
    event = life()["updated"]
    inbox.receive(database, event, livemode_expected=False, now=NOW)
    taken = leases.take(database, ["sub_1"], "another", NOW)
    while_held = inbox.apply_due(database, None, now=NOW + timedelta(seconds=10))
    after_a_crash = inbox.apply_due(database, None, now=NOW + leases.LEASE)

    assert (taken, while_held, after_a_crash) == (["sub_1"], 0, 1)
    assert state_of(database, event["id"]) == "applied"


def test_events_that_come_at_once_are_each_stored_once_in_few_commits(database: Database) -> None:
    commits: list[object] = []
    listens = (database.primary, "commit", commits.append)
    listen(*listens)
    bodies = [told.event("customer.created", {"id": f"cus_{n}", "object": "customer"}) for n in range(40)]
    answers: list[str] = []

    def receive(mine: list[dict[str, Any]]) -> None:
        answers.extend(
            inbox.receive(database, event, livemode_expected=False, now=NOW) for event in (*mine, *mine)
        )

    _at_once([lambda n=n: receive(bodies[n::8]) for n in range(8)])
    remove(*listens)

    assert sorted(answers) == ["duplicate"] * 40 + ["stored"] * 40
    assert len(rows(database, InboxEvent)) == 40
    assert len(commits) < 80


def test_a_row_that_somebody_set_wrongly_is_right_again_after_the_next_event(database: Database) -> None:
    subscription = seed(database)
    event = life()["deleted"]
    tell(database, event)
    with database.primary.begin() as connection:
        connection.execute(
            update(Subscription).where(Subscription.id == subscription).values(status="active")
        )
    again = tell(database, life()["deleted"])

    assert again.state == "applied"
    assert only(database, Subscription).status == "canceled"


def test_observing_takes_the_apps_log_and_never_writes_to_it(database: Database) -> None:
    seed(database)
    events = life()
    for number, event in enumerate(events.values()):
        write(
            database,
            StripeWebhook,
            id=f"wh_{number}",
            event_id=event["id"],
            event_type=event["type"],
            event_data=event,
            processed=True,
            created_at=day(number),
        )
    write(
        database,
        StripeWebhook,
        id="wh_odd",
        event_id="evt_odd",
        event_type="charge.refunded",
        event_data=["not", "an", "event"],
        created_at=day(7),
    )
    before = rows(database, StripeWebhook)
    found = [inbox.discover(database, now=NOW), inbox.discover(database, now=NOW)]
    for minutes in range(60):
        inbox.apply_due(database, None, now=NOW + timedelta(minutes=minutes), mode="observe")

    assert found == [7, 0]
    assert rows(database, StripeWebhook) == before
    assert state_of(database, "evt_odd") == "parked"
    assert {state_of(database, event["id"]) for event in events.values()} == {"applied"}
    assert only(database, Subscription).status == "canceled"


def test_observing_goes_on_where_it_stopped_in_small_steps(database: Database) -> None:
    for number in range(7):
        event = told.event("customer.created", {"id": "cus_1", "object": "customer"})
        values = {"id": f"wh_{number}", "event_id": event["id"], "event_type": event["type"]}
        write(database, StripeWebhook, **values, event_data=event, created_at=day(number))
    found = [inbox.discover(database, now=NOW, limit=3) for _ in range(4)]

    assert found == [3, 3, 1, 0]
    assert {row.state for row in rows(database, InboxEvent)} == {"ignored"}


def test_no_event_is_put_into_a_log_that_the_app_owns(database: Database) -> None:
    with pytest.raises(Refused, match="STRIPE_WEBHOOKS=observe"):
        inbox.apply_event(database, None, life()["created"], now=NOW, mode="observe")

    assert rows(database, StripeWebhook) == []


def test_finding_what_is_due_reads_an_index(database: Database) -> None:
    with reading(database, system("test")) as view:
        plan = view.session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT event_id FROM admin_inbox WHERE state = 'received' "
            "AND next_attempt_at <= '2026-06-15 12:00:00' ORDER BY next_attempt_at LIMIT 50"
        )
        steps = [row[-1] for row in plan]

    assert steps == ["SEARCH admin_inbox USING INDEX idx_admin_inbox_due (state=? AND next_attempt_at<?)"]


def _at_once(tasks: list[Any]) -> None:
    errors: list[Exception] = []
    ready = threading.Barrier(len(tasks))

    def run(task: Any) -> None:
        ready.wait()
        try:
            task()
        except Exception as error:  # noqa: BLE001 - shown by the assert below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
