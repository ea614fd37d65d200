"""Couples: found, opened, with what they have and owe; also odd ones."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from lib import models
from lib.core.database import Database
from lib.core.errors import Invalid, NotFound
from lib.models import AuditEntry
from lib.services import couple_life, couples, people
from tests.factories import NOW, make_couple, make_refund, make_subscription, make_user, write
from tests.services.desk import act, hired, plan, read


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
    return [row.id for row in read(database, couples.couples.page, **filters).rows]


def test_couples_are_listed_newest_first_and_by_status(database: Database) -> None:
    older = make_couple(database, created_at=NOW - timedelta(days=2))
    newer = make_couple(database, created_at=NOW - timedelta(days=1), status="ended")

    assert listed(database) == [newer, older]
    assert listed(database, status="ended") == [newer]


def test_either_partners_address_or_any_id_finds_the_couple(database: Database) -> None:
    one, other = make_user(database, email="ida@example.org"), make_user(database, email="bo@example.org")
    couple = make_couple(database, user_1_id=one, user_2_id=other)
    make_couple(database)

    assert [listed(database, q=q) for q in ("IDA@", "bo@example.org", one, other, couple)] == [[couple]] * 5


def test_a_status_that_does_not_exist_is_told_so(sqlite: Database) -> None:
    with pytest.raises(Invalid, match="happy"):
        listed(sqlite, status="happy")


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "idx_admin_relationships_created"),
        ({"status": "ended"}, "idx_admin_relationships_status_created"),
        ({"q": "ida"}, "idx_admin_users_email"),
        ({"q": "ida"}, "idx_admin_relationships_user_2_id"),
    ],
)
def test_every_filter_uses_an_index(sqlite: Database, filters: dict[str, str], index: str) -> None:
    steps = plan(sqlite, couples.couples, **filters)

    assert index in steps
    assert "SCAN relationships\n" not in f"{steps}\n"


def test_opening_a_couple_is_noted_for_both_partners(database: Database) -> None:
    one, other = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=one, user_2_id=other)

    found = read(database, couples.one, couple)

    with Session(database.primary) as session:
        opened = {entry.object_id for entry in session.query(AuditEntry).filter_by(action="open")}
    assert found.person_ids == (one, other)
    assert opened == {one, other}


def test_a_couple_is_shown_when_both_were_asked_for(database: Database) -> None:
    one, other = make_user(database, name="Ida Holm"), make_user(database, name="Bo Lind")
    couple = make_couple(database, user_1_id=one, user_2_id=other)
    agent = hired(database)
    before = read(database, couples.one, couple, by=agent)
    act(database, people.reveal, (one, other), reason="legal_request", by=agent)

    after = read(database, couples.one, couple, by=agent)

    assert ([each.name for each in before.partners], before.masked) == (["Ida H.", "Bo L."], True)
    assert ([each.name for each in after.partners], after.masked) == (["Ida Holm", "Bo Lind"], False)


def test_a_couple_of_one_person_opens_and_says_so(database: Database) -> None:
    user = make_user(database)
    couple = read(database, couples.one, make_couple(database, user_1_id=user, user_2_id=user))

    assert (len(couple.partners), couple.oddities) == (1, ("Both partners are the same person.",))


def test_a_couple_whose_partner_is_gone_opens_and_says_so(sqlite: Database) -> None:
    gone = make_user(sqlite)
    couple = make_couple(sqlite, user_2_id=gone)
    with sqlite.primary.connect() as connection:
        # The app's own deletion cascades; a restored or imported database may hold this.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("DELETE FROM users WHERE id = ?", (gone,))
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("BEGIN")

    found = read(sqlite, couples.one, couple)

    assert found.oddities == (f"The account {gone} of one partner does not exist any more.",)
    assert listed(sqlite) == [couple]


def test_the_same_two_people_the_other_way_round_are_pointed_out(database: Database) -> None:
    one, other = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=one, user_2_id=other)
    twin = make_couple(database, user_1_id=other, user_2_id=one)

    assert list(read(database, couples.standing, couple).twins) == [twin]


def test_a_couple_has_its_subscriptions_credits_and_open_refunds(database: Database) -> None:
    user = make_user(database)
    couple = make_couple(database, user_1_id=user)
    old = make_subscription(
        database, user_id=user, relationship_id=couple, status="canceled", created_at=NOW - timedelta(days=99)
    )
    new = make_subscription(database, user_id=user, relationship_id=couple, created_at=NOW)
    for status in ("pending", "approved", "processed", "denied"):
        make_refund(database, user_id=user, relationship_id=couple, status=status)
    for hours, balance in ((2, 100), (1, 90)):
        write(
            database,
            models.AiCredit,
            id=f"credit_{hours}",
            relationship_id=couple,
            user_id=user,
            transaction_type="usage",
            credits_amount=-10,
            credits_balance=balance,
            created_at=NOW - timedelta(hours=hours),
        )

    standing = read(database, couples.standing, couple)

    assert [row.id for row in standing.subscriptions] == [new, old]
    assert (standing.credits, standing.open_refunds, standing.payers) == (90, 2, {user})


def test_a_couple_that_does_not_exist_is_not_found(sqlite: Database) -> None:
    with pytest.raises(NotFound, match="There is no couple nobody"):
        read(sqlite, couples.one, "nobody")


def test_a_long_id_does_not_fill_the_screen(sqlite: Database) -> None:
    with pytest.raises(NotFound) as missing:
        read(sqlite, couples.one, "x" * 10_000)

    assert len(str(missing.value)) < 200


def test_what_a_couple_plans_is_masked_until_both_are_revealed(database: Database) -> None:
    one, other = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=one, user_2_id=other)
    write(
        database,
        models.SharedGoal,
        id="g1",
        relationship_id=couple,
        goal_name="Dance again",
        created_by_user_id=one,
    )
    agent = hired(database)
    before = read(database, couple_life.life, couple, by=agent).goals[0].goal_name
    act(database, people.reveal, (one, other), reason="legal_request", by=agent)

    after = read(database, couple_life.life, couple, by=agent).goals[0].goal_name

    assert (before, after) == ("•••", "Dance again")
