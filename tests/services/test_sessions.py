from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from lib.core.access import Actor, Role, system
from lib.core.database import Database
from lib.core.errors import NotAllowed, NotFound, Refused
from lib.core.settings import Settings
from lib.core.work import reading, working
from lib.models import AdminSession, AdminUser, AuditEntry
from lib.services import sessions, staff
from lib.services.sessions import SignInState
from tests.factories import NOW

LIMITS = Settings.from_environment({"ADMIN_DEMO": "1"}).sign_in


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    for role in ("support", "admin"):
        with working(database, system("test"), now=NOW) as work:
            staff.grant(work, f"{role}@example.org", role)
    yield database
    database.dispose()


def claims(email: str = "support@example.org", **over: Any) -> dict[str, Any]:
    fresh = {"iss": "https://id.example.org", "sub": email, "nonce": "n1", "email": email}
    return fresh | {"exp": (NOW + timedelta(hours=1)).timestamp()} | over


def ask(database: Database, at: datetime = NOW, given: dict[str, Any] | None = None) -> Actor | SignInState:
    return sessions.recognise(database, given or claims(), LIMITS, user_agent="Firefox", now=at)


def signed_in(database: Database, at: datetime = NOW, given: dict[str, Any] | None = None) -> Actor:
    actor = ask(database, at, given)
    assert isinstance(actor, Actor), actor
    return actor


def rows(database: Database) -> list[Any]:
    with database.primary.connect() as connection:
        return list(connection.execute(select(AdminSession)).all())


def entries(database: Database, action: str) -> list[Any]:
    with database.primary.connect() as connection:
        return list(connection.execute(select(AuditEntry).where(AuditEntry.action == action)).all())


def counting(database: Database) -> list[str]:
    statements: list[str] = []

    @event.listens_for(database.primary, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    return statements


def test_the_first_run_opens_a_session_and_later_runs_find_it(database: Database) -> None:
    first, second = signed_in(database), signed_in(database, NOW + timedelta(minutes=2))
    (row,) = rows(database)

    assert first == second
    assert (first.email, first.role, first.session_id) == ("support@example.org", Role.SUPPORT, row.id)
    assert row.expires_at == NOW + LIMITS.absolute_limit
    assert [entry.outcome for entry in entries(database, "sessions.sign_in")] == ["done"]


def test_what_the_token_said_is_kept_as_a_digest_only(database: Database) -> None:
    signed_in(database, given=claims(nonce="a-secret-nonce"))

    assert "a-secret-nonce" not in rows(database)[0].claim


def test_a_run_takes_one_statement_and_a_second_one_once_a_minute(database: Database) -> None:
    signed_in(database)
    statements = counting(database)
    signed_in(database, NOW + timedelta(seconds=59))
    within_a_minute = len(statements)
    signed_in(database, NOW + timedelta(seconds=60))

    assert within_a_minute == 1
    assert len(statements) == 3
    assert rows(database)[0].last_seen_at == NOW + timedelta(seconds=60)


def test_being_idle_ends_a_session(database: Database) -> None:
    signed_in(database)
    just_in_time = ask(database, NOW + LIMITS.idle_limit - timedelta(seconds=1))
    too_late = ask(database, NOW + 2 * LIMITS.idle_limit)

    assert isinstance(just_in_time, Actor)
    assert too_late is SignInState.ENDED


def test_a_session_ends_in_the_end_however_busy_it_is(database: Database) -> None:
    signed_in(database)
    step = LIMITS.idle_limit / 2
    last = NOW
    while last + step < NOW + LIMITS.absolute_limit:
        last += step
        signed_in(database, last)

    assert ask(database, NOW + LIMITS.absolute_limit) is SignInState.ENDED


def test_the_token_has_to_be_fresh_only_when_the_session_opens(database: Database) -> None:
    given = claims(exp=(NOW + timedelta(minutes=5)).timestamp())
    signed_in(database, given=given)

    assert isinstance(ask(database, NOW + timedelta(minutes=30), given), Actor)
    assert ask(database, NOW + timedelta(minutes=30), given | {"nonce": "n2"}) is SignInState.STALE


def test_a_token_without_an_end_opens_nothing(database: Database) -> None:
    assert ask(database, given=claims(exp=None)) is SignInState.STALE


@pytest.mark.parametrize(
    "given",
    [{}, {"email": "support@example.org"}, claims(email=""), claims(email_verified=False)],
    ids=["nothing", "no sign-in", "no address", "unverified address"],
)
def test_claims_that_name_nobody_are_nobodys(database: Database, given: dict[str, Any]) -> None:
    assert sessions.recognise(database, given, LIMITS, now=NOW) is SignInState.SIGNED_OUT


def test_an_address_is_known_in_any_case(database: Database) -> None:
    assert signed_in(database, given=claims("Support@Example.ORG")).email == "support@example.org"


def test_an_unknown_address_is_noted_once_per_sign_in(database: Database) -> None:
    stranger = claims("stranger@example.com")
    states = {ask(database, NOW + timedelta(minutes=n), stranger) for n in range(3)}
    ask(database, NOW, stranger | {"nonce": "n2"})

    assert states == {SignInState.UNKNOWN}
    assert [entry.outcome for entry in entries(database, "sign_in")] == ["denied", "denied"]
    assert "stranger@example.com" in entries(database, "sign_in")[0].payload


def test_withdrawn_staff_are_out_on_the_next_run_and_let_in_again_need_a_new_sign_in(
    database: Database,
) -> None:
    signed_in(database)
    with working(database, system("test"), now=NOW) as work:
        staff.revoke(work, "support@example.org", reason="left")
    withdrawn = ask(database)
    with working(database, system("test"), now=NOW) as work:
        staff.grant(work, "support@example.org", "support")

    assert withdrawn is SignInState.WITHDRAWN
    assert ask(database) is SignInState.REVOKED
    assert isinstance(ask(database, given=claims(nonce="n2")), Actor)


def test_a_changed_role_counts_on_the_next_run(database: Database) -> None:
    before = signed_in(database)
    with working(database, system("test"), now=NOW) as work:
        staff.grant(work, "support@example.org", "finance")

    assert (before.role, signed_in(database).role) == (Role.SUPPORT, Role.FINANCE)


def test_a_revoked_session_is_out_on_the_next_run_and_other_sessions_stay(database: Database) -> None:
    admin = signed_in(database, given=claims("admin@example.org"))
    here, there = signed_in(database), signed_in(database, given=claims(nonce="n2"))
    assert here.session_id
    with working(database, admin, now=NOW) as work:
        sessions.revoke(work, here.session_id, reason="a lost laptop")

    assert ask(database) is SignInState.REVOKED
    assert signed_in(database, given=claims(nonce="n2")) == there
    assert entries(database, "sessions.revoke")[0].object_id == here.session_id


def test_a_session_cannot_be_ended_twice_nor_one_that_does_not_exist(database: Database) -> None:
    admin = signed_in(database, given=claims("admin@example.org"))
    session_id = signed_in(database).session_id
    assert session_id
    with working(database, admin, now=NOW) as work:
        sessions.revoke(work, session_id, reason="x")

    with pytest.raises(Refused, match="already ended"), working(database, admin, now=NOW) as work:
        sessions.revoke(work, session_id, reason="x")
    with pytest.raises(NotFound), working(database, admin, now=NOW) as work:
        sessions.revoke(work, "no-such-session", reason="x")


def test_only_who_manages_staff_ends_sessions(database: Database) -> None:
    support = signed_in(database)

    with pytest.raises(NotAllowed), working(database, support, now=NOW) as work:
        sessions.revoke(work, support.session_id or "", reason="x")


def test_the_cookie_of_a_signed_out_session_opens_nothing_any_more(database: Database) -> None:
    actor = signed_in(database)
    with working(database, actor, now=NOW) as work:
        sessions.sign_out(work)

    assert ask(database) is SignInState.REVOKED
    assert rows(database)[0].revoked_by == "support@example.org"


def test_somebody_elses_session_is_not_found_by_its_claim(database: Database) -> None:
    """The same nonce under another address is another sign-in: issuer and subject belong to the claim."""
    one, other = signed_in(database), signed_in(database, given=claims("admin@example.org"))

    assert one.session_id != other.session_id


def test_the_list_shows_who_is_here_now(database: Database) -> None:
    admin = signed_in(database, given=claims("admin@example.org"))
    signed_in(database, NOW + timedelta(minutes=1))
    signed_in(database, given=claims(nonce="n2"))
    with database.primary.begin() as connection:
        connection.execute(
            update(AdminSession)
            .where(AdminSession.signed_in_at == NOW, AdminSession.admin_user_id != admin.id)
            .values(last_seen_at=NOW - LIMITS.idle_limit)
        )
    with reading(database, admin, now=NOW) as view:
        page = sessions.live.page(view, idle_limit=LIMITS.idle_limit, now=NOW)

    assert [row.email for row in page.rows] == ["support@example.org", "admin@example.org"]


def test_a_user_agent_of_any_length_is_kept_short(database: Database) -> None:
    sessions.recognise(database, claims(), LIMITS, user_agent="x" * 10_000, now=NOW)

    assert len(rows(database)[0].user_agent) == 300


def test_a_person_without_a_row_of_their_own_cannot_act(database: Database) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(AdminUser).values(is_active=False))

    assert ask(database) is SignInState.WITHDRAWN
    assert rows(database) == []
