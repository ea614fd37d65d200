"""The desk of Stripe's events."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading, working
from lib.models import AuditEntry, InboxEvent
from lib.payments import inbox
from lib.services import stripe_inbox
from tests.factories import make_plan, make_subscription
from tests.payments import told
from tests.payments.told import NOW, day, only, tell, work_off

FINANCE = Actor("f1", "finance@example.org", Role.FINANCE)
SUPPORT = Actor("s1", "support@example.org", Role.SUPPORT)
PRODUCT = Actor("p1", "product@example.org", Role.PRODUCT)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def events(database: Database) -> dict[str, str]:
    """One event per way to end: its name and its id."""
    plan = make_plan(database, stripe_price_id="price_try")
    make_subscription(database, stripe_subscription_id="sub_1", plan_id=plan)
    due = told.subscription("sub_1", "price_try", status="past_due")
    nobodys = told.subscription("sub_9", "price_try")
    person = {"id": "cus_1", "object": "customer", "email": "anna@example.org", "name": "Anna Berg"}
    sent = {
        "unmatched": told.event("customer.subscription.updated", nobodys, day(1)),
        "applied": told.event("customer.subscription.updated", due, day(2)),
        "ignored": told.event("customer.updated", person, day(3)),
        "parked": told.event("charge.refunded", {"id": "ch_1", "object": "unheard_of"}, day(4)),
    }
    for payload in sent.values():
        tell(database, payload)
    work_off(database)
    sent["received"] = told.event("customer.subscription.updated", due | {"status": "active"}, day(5))
    inbox.receive(database, sent["received"], livemode_expected=False, now=NOW)
    return {name: payload["id"] for name, payload in sent.items()}


def listed(database: Database, **filters: Any) -> list[str]:
    with reading(database, SUPPORT, now=NOW) as view:
        return [row.event_id for row in stripe_inbox.events.page(view, **filters).rows]


def test_events_are_listed_by_state_type_and_id(database: Database, events: dict[str, str]) -> None:
    assert sorted(listed(database)) == sorted(events.values())
    for state, event_id in events.items():
        assert listed(database, state=state) == [event_id]
    assert listed(database, type="charge.refunded") == [events["parked"]]
    assert listed(database, q=f"  {events['ignored']} ") == [events["ignored"]]
    assert sorted(listed(database, q="sub_1")) == sorted([events["applied"], events["received"]])
    assert listed(database, q="x" * 10_000) == []


def test_the_newest_event_is_listed_first(database: Database) -> None:
    ids = []
    for number in range(3):
        event = told.event("customer.updated", {"id": "cus_1", "object": "customer"})
        inbox.receive(database, event, livemode_expected=False, now=day(number))
        ids.append(event["id"])

    assert listed(database) == ids[::-1]


@pytest.mark.parametrize("filters", [{}, {"state": "parked"}, {"q": "sub_1"}])
def test_the_list_reads_an_index(database: Database, filters: dict[str, str]) -> None:
    with reading(database, SUPPORT) as view:
        statement = stripe_inbox.events.build(**filters).compile(
            database.primary, compile_kwargs={"literal_binds": True}
        )
        plan = view.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        steps = [row[-1] for row in plan]

    assert not [step for step in steps if step.startswith("SCAN") and "INDEX" not in step]


def test_the_states_are_counted(database: Database, events: dict[str, str]) -> None:
    with reading(database, SUPPORT) as view:
        counts = stripe_inbox.counts(view)

    assert counts == {state: int(state in events) for state in stripe_inbox.STATES}


def test_one_event_shows_what_it_changed_and_its_relatives(
    database: Database, events: dict[str, str]
) -> None:
    with reading(database, SUPPORT) as view:
        event = stripe_inbox.one(view, events["applied"])

    assert (event.state, event.attempts, event.why_not_replay) == ("applied", 1, None)
    changes = [fields["status"] for fields in event.changed.values() if "plan_id" not in fields]
    assert changes == [["active", "past_due"]]
    assert [related.event_id for related in event.related] == [events["received"]]


def test_personal_data_in_a_payload_is_hidden(database: Database, events: dict[str, str]) -> None:
    with reading(database, FINANCE) as view:
        event = stripe_inbox.one(view, events["ignored"])

    assert event.payload is not None
    source = event.payload["data"]["object"]
    assert (source["id"], source["email"], source["name"]) == ("cus_1", "•••", "•••")


def test_an_event_that_never_came_is_not_found(database: Database) -> None:
    with reading(database, SUPPORT) as view, pytest.raises(NotFound, match="evt_none"):
        stripe_inbox.one(view, "evt_none")
    with pytest.raises(NotFound), working(database, FINANCE) as work:
        stripe_inbox.ignore(work, "evt_none", reason="to see")


def ignore(database: Database, actor: Actor, event_id: str, reason: str = "It was of a test.") -> None:
    with working(database, actor, now=NOW) as work:
        stripe_inbox.ignore(work, event_id, reason=reason)


@pytest.mark.parametrize("state", ["unmatched", "parked", "received"])
def test_an_event_that_was_not_applied_is_ignored_with_a_reason(
    database: Database, events: dict[str, str], state: str
) -> None:
    ignore(database, FINANCE, events[state])
    inbox.apply_due(database, None, now=NOW)

    event = only(database, InboxEvent, event_id=events[state])
    assert (event.state, event.next_attempt_at) == ("ignored", None)
    assert event.outcome == "Ignored by finance@example.org: It was of a test."
    entry = only(database, AuditEntry, action="stripe_inbox.ignore")
    assert (entry.actor_id, entry.object_id, entry.outcome) == ("f1", events[state], "done")


def test_what_was_applied_is_not_ignored(database: Database, events: dict[str, str]) -> None:
    with pytest.raises(Refused, match="applied already"):
        ignore(database, FINANCE, events["applied"])
    with pytest.raises(Invalid, match="Say why"):
        ignore(database, FINANCE, events["parked"], reason=" ")
    with pytest.raises(NotAllowed):
        ignore(database, SUPPORT, events["parked"])

    assert only(database, InboxEvent, event_id=events["parked"]).state == "parked"


def test_unapplied_events_are_warned_of_before_stripe_forgets_them(database: Database) -> None:
    for number, days in enumerate((1, 24, 26, 29, 31, 90)):
        event = told.event(
            "customer.updated", {"id": "cus_1", "object": "customer"}, NOW - timedelta(days=days)
        )
        inbox.receive(database, event | {"type": "charge.refunded"}, livemode_expected=False, now=day(number))
    ignored = told.event("customer.updated", {"id": "cus_1", "object": "customer"}, NOW - timedelta(days=27))
    inbox.receive(database, ignored, livemode_expected=False, now=NOW)
    with reading(database, SUPPORT, now=NOW) as view:
        old = stripe_inbox.ageing(view)

    assert (old.near, old.over) == (2, 2)


def test_product_people_do_not_read_the_inbox(database: Database, events: dict[str, str]) -> None:
    with reading(database, PRODUCT) as view:
        for ask in (stripe_inbox.counts, stripe_inbox.events.page):
            with pytest.raises(NotAllowed):
                ask(view)
