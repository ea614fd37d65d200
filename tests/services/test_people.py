"""Find a person, see one, and ask with a reason to see them unmasked."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from lib import models
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound
from lib.models import AuditEntry, Reveal
from lib.services import audit_trail, people
from tests.factories import NOW, make_couple, make_plan, make_subscription, make_user, write
from tests.services.desk import act, hired, plan, read, somebody
from tests.statements import counted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def listed(database: Database, **filters: str) -> list[str]:
    return [row.id for row in read(database, people.users.page, **filters).rows]


def test_people_are_listed_newest_first(database: Database) -> None:
    older = make_user(database, created_at=NOW - timedelta(days=2))
    newer = make_user(database, created_at=NOW - timedelta(days=1))

    assert listed(database) == [newer, older]


@pytest.mark.parametrize("q", ["ida", "IDA H", "holm@ex", " holm@example.org ", "usr_wanted"])
def test_an_id_or_the_beginning_of_a_name_or_an_address_finds(database: Database, q: str) -> None:
    wanted = make_user(database, id="usr_wanted", name="Ida Holm", email="holm@example.org")
    make_user(database, name="Holm Ida")

    assert listed(database, q=q) == [wanted]


@pytest.mark.parametrize("q", ["%", "_da", "' OR 1=1 --", "\\", "*"])
def test_signs_of_sql_are_only_signs(database: Database, q: str) -> None:
    make_user(database, name="Ida Holm")

    assert listed(database, q=q) == []


def test_a_person_is_listed_once_with_the_newest_subscription(database: Database) -> None:
    user = make_user(database)
    make_subscription(database, user_id=user, status="canceled", created_at=NOW - timedelta(days=90))
    make_subscription(
        database,
        user_id=user,
        status="past_due",
        created_at=NOW,
        plan_id=make_plan(database, plan_name="Better Together"),
    )

    rows = [row for row in read(database, people.users.page).rows if row.id == user]

    assert [(row.subscription, row.plan) for row in rows] == [("past_due", "Better Together")]


def test_the_list_is_filtered_by_what_people_pay_for(database: Database) -> None:
    payer = make_user(database)
    make_subscription(database, user_id=payer, status="past_due")

    assert listed(database, subscription="past_due") == [payer]


def test_a_status_that_does_not_exist_is_told_so(sqlite: Database) -> None:
    with pytest.raises(Invalid, match="sleeping"):
        listed(sqlite, subscription="sleeping")


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "idx_admin_users_created"),
        ({"q": "ida"}, "idx_admin_users_name"),
        ({"q": "ida"}, "idx_admin_users_email"),
        ({"subscription": "past_due"}, "subscriptions"),
    ],
)
def test_every_filter_of_the_list_uses_an_index(
    sqlite: Database, filters: dict[str, str], index: str
) -> None:
    steps = plan(sqlite, people.users, **filters)

    assert index in steps
    assert "SCAN users\n" not in f"{steps}\n"


def test_the_list_is_masked(database: Database) -> None:
    make_user(database, name="Ida Holm", email="ida@example.org")

    (row,) = read(database, people.users.page).rows

    assert (row.name, row.email) == ("Ida H.", "i•••@example.org")


def test_a_person_is_masked_until_revealed(database: Database) -> None:
    agent = hired(database)
    user = make_user(database, name="Ida Holm", phone_number="+49 170 1234567")
    before = read(database, people.one, user, by=agent)
    act(database, people.reveal, (user,), reason="legal_request", by=agent)

    after = read(database, people.one, user, by=agent)

    assert (before.masked, before.name, before.phone) == (True, "Ida H.", "••• 67")
    assert (after.masked, after.name, after.phone) == (False, "Ida Holm", "+49 170 1234567")


def test_a_reveal_keeps_its_reason(database: Database) -> None:
    user = make_user(database)
    until = act(database, people.reveal, (user,), reason="legal_request", by=hired(database))

    with Session(database.primary) as session:
        kept = session.query(Reveal).one()
        entry = session.query(AuditEntry).one()
    assert (kept.person_id, kept.reason, kept.until) == (user, "legal_request", until)
    assert until == NOW + people.REVEALED_FOR
    assert (entry.action, entry.object_id, entry.outcome) == ("people.reveal", user, "done")


@pytest.mark.parametrize("number", [0, 3])
def test_a_reveal_is_about_one_person_or_one_couple(sqlite: Database, number: int) -> None:
    with pytest.raises(Invalid):
        act(sqlite, people.reveal, tuple(make_user(sqlite) for _ in range(number)), reason="x")


def test_product_reveals_nobody(sqlite: Database) -> None:
    with pytest.raises(NotAllowed):
        act(sqlite, people.reveal, (make_user(sqlite),), reason="x", by=somebody("product"))


def test_somebody_who_does_not_exist_is_not_found(sqlite: Database) -> None:
    with pytest.raises(NotFound, match="nobody"):
        read(sqlite, people.one, "nobody")
    with pytest.raises(NotFound, match="nobody"):
        act(sqlite, people.reveal, ("nobody",), reason="x")


def test_a_person_has_their_couples_whichever_side_they_are_on(database: Database) -> None:
    user = make_user(database)
    first = make_couple(database, user_1_id=user, created_at=NOW - timedelta(days=9))
    second = make_couple(database, user_2_id=user, status="ended", created_at=NOW)

    rows = read(database, people.couples_of, user)

    assert [(row.id, row.status) for row in rows] == [(second, "ended"), (first, "active")]
    assert all(row.partner_id != user for row in rows)


def test_a_couple_of_one_is_listed_once(database: Database) -> None:
    user = make_user(database)
    couple = make_couple(database, user_1_id=user, user_2_id=user)

    assert [row.id for row in read(database, people.couples_of, user)] == [couple]


def test_what_the_app_sent_is_read_masked_and_by_an_index(sqlite: Database) -> None:
    user = make_user(sqlite)
    write(
        sqlite,
        models.Notification,
        id="n1",
        user_id=user,
        notification_type="reminder",
        title="Check in",
        message="Mara waits for you",
        created_at=NOW,
    )

    with counted(sqlite) as statements:
        (sent,) = read(sqlite, people.messages_to, user)

    assert (sent.title, sent.message) == ("Check in", "•••")
    assert len(statements) == 2


def test_a_couple_that_was_revealed_stands_in_the_history_of_both_partners(database: Database) -> None:
    both = (make_user(database), make_user(database))

    act(database, people.reveal, both, reason="legal_request")

    for person in both:
        [entry] = read(database, audit_trail.history, "users", person)
        assert entry.action == "people.reveal"
