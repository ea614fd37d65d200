from collections.abc import Iterator
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from lib.core.access import Actor, Role, system
from lib.core.database import Database
from lib.core.errors import AdminError, Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading, working
from lib.models import AdminUser, AuditEntry
from lib.services import staff
from tests.factories import NOW

ROOT = system("command line")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def grant(database: Database, actor: Actor, email: str, role: str, name: str = "") -> Actor:
    with working(database, actor, now=NOW) as work:
        person_id = staff.grant(work, email, role, name)
    return Actor(person_id, email, Role(role), name)


def revoke(database: Database, actor: Actor, email: str) -> None:
    with working(database, actor, now=NOW) as work:
        staff.revoke(work, email, reason="left")


def person(database: Database, email: str) -> AdminUser:
    with database.primary.connect() as connection:
        return connection.execute(select(AdminUser).where(AdminUser.email == email)).one()  # type: ignore[return-value]


@pytest.fixture
def admin(database: Database) -> Actor:
    return grant(database, ROOT, "ada@example.org", "admin", "Ada Admin")


def test_somebody_is_let_in(database: Database, admin: Actor) -> None:
    grant(database, admin, "  Sam@Example.ORG ", "support", "Sam Support")
    sam = person(database, "sam@example.org")

    assert (sam.name, sam.role, sam.is_active) == ("Sam Support", "support", True)
    assert (sam.created_by, sam.created_at) == ("ada@example.org", NOW)


def test_a_role_is_changed_and_the_name_stays(database: Database, admin: Actor) -> None:
    first = grant(database, admin, "sam@example.org", "support", "Sam Support")
    second = grant(database, admin, "sam@example.org", "finance")
    sam = person(database, "sam@example.org")

    assert first.id == second.id
    assert (sam.name, sam.role) == ("Sam Support", "finance")


def test_a_change_is_noted_with_before_and_after(database: Database, admin: Actor) -> None:
    sam = grant(database, admin, "sam@example.org", "support")
    grant(database, admin, "sam@example.org", "finance")
    with database.primary.connect() as connection:
        entry = connection.execute(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()

    assert (entry.action, entry.object_type, entry.object_id) == ("staff.grant", "admin_users", sam.id)
    assert '"role":["support","finance"]' in entry.payload


def test_access_is_withdrawn_and_given_back(database: Database, admin: Actor) -> None:
    grant(database, admin, "sam@example.org", "support")
    revoke(database, admin, "Sam@example.org")
    withdrawn = person(database, "sam@example.org").is_active
    grant(database, admin, "sam@example.org", "support")

    assert withdrawn is False
    assert person(database, "sam@example.org").is_active is True


@pytest.mark.parametrize("email", ["", "sam", "sam@", "@example.org", "a b@example.org", "x" * 65 + "@e.org"])
def test_what_is_no_address_is_refused(database: Database, admin: Actor, email: str) -> None:
    with pytest.raises(Invalid, match="not an e-mail address"):
        grant(database, admin, email, "support")


@pytest.mark.parametrize("role", ["", "system", "owner", "ADMIN"])
def test_nobody_is_granted_a_role_that_is_none(database: Database, admin: Actor, role: str) -> None:
    with pytest.raises(Invalid, match="not a role"), working(database, admin) as work:
        staff.grant(work, "sam@example.org", role)


def test_a_very_long_name_is_refused(database: Database, admin: Actor) -> None:
    with pytest.raises(Invalid, match="at most"):
        grant(database, admin, "sam@example.org", "support", "x" * 101)


def test_nobody_changes_their_own_access(database: Database, admin: Actor) -> None:
    grant(database, admin, "bob@example.org", "admin")

    with pytest.raises(Refused, match="their own"):
        grant(database, admin, admin.email, "admin")
    with pytest.raises(Refused, match="their own"):
        revoke(database, admin, admin.email)


def test_the_last_admin_stays_unless_the_command_line_withdraws_them(
    database: Database, admin: Actor
) -> None:
    other = grant(database, ROOT, "bob@example.org", "admin")
    revoke(database, admin, "bob@example.org")

    with pytest.raises(Refused, match="last admin"):
        revoke(database, other, admin.email)
    with pytest.raises(Refused, match="last admin"):
        grant(database, other, admin.email, "support")
    revoke(database, ROOT, admin.email)
    assert person(database, admin.email).is_active is False


def test_two_admins_who_withdraw_each_other_at_once_do_not_both_succeed(
    database: Database, admin: Actor
) -> None:
    other = grant(database, ROOT, "bob@example.org", "admin")
    start, refused = Barrier(2), []

    def withdraw(actor: Actor, email: str) -> None:
        start.wait()
        try:
            revoke(database, actor, email)
        except AdminError as error:
            refused.append(str(error))

    threads = [Thread(target=withdraw, args=pair) for pair in ((admin, other.email), (other, admin.email))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert person(database, admin.email).is_active or person(database, other.email).is_active


def test_only_admins_manage_staff(database: Database, admin: Actor) -> None:
    sam = grant(database, admin, "sam@example.org", "support")

    with pytest.raises(NotAllowed):
        grant(database, sam, "eve@example.org", "admin")
    with pytest.raises(NotAllowed):
        revoke(database, sam, admin.email)


def test_who_is_unknown_or_out_already_cannot_be_withdrawn(database: Database, admin: Actor) -> None:
    grant(database, admin, "sam@example.org", "support")
    revoke(database, admin, "sam@example.org")

    with pytest.raises(NotFound, match="nobody@example"):
        revoke(database, admin, "nobody@example.org")
    with pytest.raises(Refused, match="no access already"):
        revoke(database, admin, "sam@example.org")


def test_a_reason_is_needed_to_withdraw_access(database: Database, admin: Actor) -> None:
    grant(database, admin, "sam@example.org", "support")

    with pytest.raises(Invalid, match="Say why"), working(database, admin) as work:
        staff.revoke(work, "sam@example.org", reason=" ")


def test_the_list_has_everybody_who_ever_had_access(database: Database, admin: Actor) -> None:
    grant(database, admin, "sam@example.org", "support")
    revoke(database, admin, "sam@example.org")
    with reading(database, admin) as view:
        page = staff.people.page(view)

    assert [(row.email, row.is_active) for row in page.rows] == [
        ("ada@example.org", True),
        ("sam@example.org", False),
    ]
