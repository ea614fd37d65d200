"""Everything that happened to a couple, newest first, in one list."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lib import models
from lib.core.database import Database
from lib.services import people, timeline
from tests.factories import NOW, make_couple, make_payment, make_refund, make_user, write
from tests.services.desk import act, hired, plan_of, read
from tests.statements import counted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def make_story(database: Database) -> tuple[str, tuple[str, str]]:
    """A couple with a payment that failed, a refund, a message and a talk, an hour after each other."""
    one, other = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=one, user_2_id=other)
    payment = make_payment(
        database,
        user_id=one,
        relationship_id=couple,
        status="failed",
        failure_reason="No funds, wrote to mara@example.org",
        created_at=NOW,
    )
    make_refund(
        database,
        transaction_id=payment,
        user_id=one,
        relationship_id=couple,
        requested_at=NOW + timedelta(hours=1),
    )
    write(
        database,
        models.Notification,
        id="n1",
        user_id=one,
        relationship_id=couple,
        notification_type="reminder",
        title="Check in",
        message="Mara waits for you",
        created_at=NOW + timedelta(hours=2),
    )
    write(
        database,
        models.Communication,
        id="c1",
        relationship_id=couple,
        communication_type="deep_talk",
        topic="About moving",
        initiated_by_user_id=one,
        communication_date=NOW + timedelta(hours=3),
    )
    return couple, (one, other)


def test_things_of_every_kind_stand_in_one_order(database: Database) -> None:
    couple, _ = make_story(database)

    found = read(database, timeline.of_couple, couple)

    assert [(entry.kind, entry.what) for entry in found] == [
        ("life", "talk deep_talk"),
        ("message", "message reminder"),
        ("refund", "refund pending"),
        ("payment", "subscription payment failed"),
    ]
    assert [entry.at for entry in found] == [NOW + timedelta(hours=hours) for hours in (3, 2, 1, 0)]


def test_what_people_wrote_is_masked_and_so_are_addresses_in_what_machines_wrote(database: Database) -> None:
    couple, _ = make_story(database)

    talk, message, refund, payment = read(database, timeline.of_couple, couple)

    assert (talk.words, message.words, message.detail) == ("•••", "•••", "Check in")
    assert payment.detail == "No funds, wrote to m•••@example.org"
    assert refund.detail == "requested_by_customer"


def test_it_is_unmasked_for_who_asked_to_see_both(database: Database) -> None:
    couple, partners = make_story(database)
    agent = hired(database)
    act(database, people.reveal, partners[:1], reason="legal_request", by=agent)
    after_one = read(database, timeline.of_couple, couple, by=agent)
    act(database, people.reveal, partners, reason="legal_request", by=agent)

    after_both = read(database, timeline.of_couple, couple, by=agent)

    assert after_one[0].words == "•••"
    assert after_both[0].words == "About moving"


def test_one_kind_can_be_chosen_and_older_ones_asked_for(database: Database) -> None:
    couple, _ = make_story(database)

    payments = read(database, timeline.of_couple, couple, kind="payment")
    older = read(database, timeline.of_couple, couple, before=NOW + timedelta(hours=1))
    newest = read(database, timeline.of_couple, couple, limit=1)

    assert [entry.kind for entry in payments] == ["payment"]
    assert [entry.kind for entry in older] == ["payment"]
    assert [entry.kind for entry in newest] == ["life"]


def test_other_couples_are_left_out(database: Database) -> None:
    make_story(database)

    assert read(database, timeline.of_couple, make_couple(database)) == []


def test_every_kind_of_the_filter_exists() -> None:
    assert {source.kind for source in timeline.SOURCES} == set(timeline.KINDS)


def test_it_takes_two_statements_however_much_happened(database: Database) -> None:
    couple, (one, _) = make_story(database)
    for hours in range(20):
        make_payment(database, user_id=one, relationship_id=couple, created_at=NOW - timedelta(hours=hours))

    with counted(database) as statements:
        read(database, timeline.of_couple, couple)

    assert len(statements) == 2


def test_every_table_is_read_by_an_index(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    plans = {source.model.__tablename__: plan_of(database, source.of("rel_1")) for source in timeline.SOURCES}

    assert [name for name, steps in plans.items() if f"SCAN {name}" in steps] == []
    database.dispose()
