"""Who looks at a person is noted now and then; who asked to see them, and said why, sees them for a while."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Actor
from lib.core.database import Database
from lib.core.work import reading
from lib.models import AuditEntry, User
from lib.services import people
from tests.core import verbs
from tests.factories import NOW, make_user
from tests.services.desk import act, hired, read, somebody

MINUTE = timedelta(minutes=1)


def openings(database: Database) -> int:
    with Session(database.primary) as session:
        return len(session.scalars(select(AuditEntry.seq).where(AuditEntry.action == "open")).all())


def seen(
    database: Database, actor: Actor, user: str, *, after: timedelta, along: tuple[str, ...] = ()
) -> str:
    """The name that the actor reads of somebody, `after` a while."""
    with reading(database, actor, now=NOW + after) as view, view.revealing({user, along or user}):
        return str(view.session.scalar(select(User.name).where(User.id == user)))


def test_opening_a_person_is_noted_once_in_fifteen_minutes(database: Database) -> None:
    user, agent = make_user(database), somebody()

    noted = []
    for minute in (0, 5, 14, 16, 20):
        read(database, verbs.open_person, user, by=agent, now=NOW + minute * MINUTE)
        noted.append(openings(database))

    assert noted == [1, 1, 1, 2, 2]


def test_each_reader_and_each_person_is_noted(database: Database) -> None:
    for user in (make_user(database), make_user(database)):
        for role in ("support", "finance"):
            read(database, verbs.open_person, user, by=somebody(role))

    assert openings(database) == 4


def test_people_are_masked_until_they_are_revealed_and_again_after_half_an_hour(database: Database) -> None:
    user, agent = make_user(database, name="Ida Holm"), hired(database)
    before = seen(database, agent, user, after=timedelta())
    act(database, people.reveal, (user,), reason="legal_request", by=agent)

    during = seen(database, agent, user, after=29 * MINUTE)
    after = seen(database, agent, user, after=31 * MINUTE)

    assert (before, during, after) == ("Ida H.", "Ida Holm", "Ida H.")


def test_only_who_asked_sees_and_only_whom_they_asked_for(database: Database) -> None:
    user, partner = make_user(database, name="Ida Holm"), make_user(database, name="Bo Lind")
    agent, colleague = hired(database), hired(database)
    act(database, people.reveal, (user,), reason="legal_request", by=agent)

    assert seen(database, agent, user, after=MINUTE) == "Ida Holm"
    assert seen(database, colleague, user, after=MINUTE) == "Ida H."
    assert seen(database, agent, partner, after=MINUTE) == "Bo L."
    assert seen(database, agent, user, along=partner, after=MINUTE) == "Ida H."


def test_a_withdrawn_permission_hides_what_was_revealed(database: Database) -> None:
    user, agent = make_user(database, name="Ida Holm"), hired(database)
    act(database, people.reveal, (user,), reason="legal_request", by=agent)
    now_in_product = Actor(agent.id, agent.email, somebody("product").role)

    assert seen(database, now_in_product, user, after=MINUTE) == "Ida H."


def test_nothing_stays_unmasked_after_the_block(database: Database) -> None:
    user, agent = make_user(database, name="Ida Holm"), hired(database)
    act(database, people.reveal, (user,), reason="legal_request", by=agent)

    with reading(database, agent, now=NOW) as view:
        with view.revealing([user]) as shown:
            inside = view.session.scalar(select(User.name))
        outside = view.session.scalar(select(User.name))

    assert (shown, inside, outside) == (True, "Ida Holm", "Ida H.")
