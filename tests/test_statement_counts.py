"""What a screen asks of the database: few statements, and no more of them when there are more rows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import working
from lib.models import AdminUser
from lib.services import people
from lib.ui import resources
from tests.bench import company, desk
from tests.bench.screens import SCREENS, Screen, Which, address_of, rows_to_open
from tests.statements import counted

# The first look at somebody within 15 minutes is noted, which takes three of them: the chain's head is moved,
# the entries and what they are about are written.
AT_MOST = 12

Ask = Callable[[Screen, Which], tuple[list[str], list[str]]]
"""Gives what a screen sends when it is opened, and what when it is run again."""


@pytest.fixture(scope="session")
def small_and_large(tmp_path_factory: pytest.TempPathFactory) -> dict[Which, Path]:
    """A company of a few couples and one with several pages of everything."""
    return {
        "fewest": company.for_tests(tmp_path_factory, couples=30, months=6),
        "most": company.for_tests(tmp_path_factory, couples=80, months=6),
    }


@pytest.fixture(scope="session")
def opened(small_and_large: dict[Which, Path]) -> Iterator[dict[Which, Database]]:
    """Both companies."""
    databases = {which: Database(f"sqlite:///{path}") for which, path in small_and_large.items()}
    yield databases
    for database in databases.values():
        database.dispose()


@pytest.fixture(scope="session")
def ask(opened: dict[Which, Database]) -> Ask:
    """Open a screen; each role signs in once at each company, and goes from one screen to the next."""
    seated: dict[tuple[Which, Role], AppTest] = {}

    def asked(screen: Screen, which: Which) -> tuple[list[str], list[str]]:
        database = opened[which]
        settings = company.settings_for(database.primary.url.render_as_string())
        if (which, screen.role) not in seated:
            seated[which, screen.role] = desk.sit_down(settings, database, screen.role)
        resources.set_up(settings, database)
        app = seated[which, screen.role]
        address = address_of(screen, rows_to_open(database, which))
        with counted(database) as first:
            desk.go_to(app, screen.page, address)
        with counted(database) as again:
            desk.look_again(app)
        return _without_the_clock(first), _without_the_clock(again)

    return asked


def _without_the_clock(statements: list[str]) -> list[str]:
    """Once a minute a session is noted as in use, whatever the screen: not when a run falls into one."""
    return [each for each in statements if not each.startswith("UPDATE admin_sessions SET last_seen_at")]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.title)
def test_a_screen_asks_few_questions_however_many_rows_there_are(ask: Ask, screen: Screen) -> None:
    _, of_few = ask(screen, "fewest")
    first, of_many = ask(screen, "most")

    assert len(of_many) <= AT_MOST, "\n".join(of_many)
    assert len(first) <= AT_MOST, "\n".join(first)
    assert len(of_many) == len(of_few), "\n".join(set(of_many) ^ set(of_few))


@pytest.mark.parametrize(
    "screen",
    [screen for screen in SCREENS if screen.opens in {"couple", "person", "subscription", "refund"}],
    ids=lambda screen: screen.title,
)
def test_looking_at_revealed_people_takes_no_more_than_that(
    ask: Ask, opened: dict[Which, Database], screen: Screen
) -> None:
    reveal_everybody_of(opened["most"], rows_to_open(opened["most"], "most"), screen.role)

    _, again = ask(screen, "most")

    assert len(again) <= AT_MOST, "\n".join(again)


def reveal_everybody_of(database: Database, ids: dict[str, str], role: Role) -> None:
    with database.primary.connect() as connection:
        staff = connection.exec_driver_sql(
            f"SELECT id, email FROM {AdminUser.__tablename__} WHERE role = ?", (role.value,)
        ).one()
        wanted = connection.exec_driver_sql(
            "SELECT user_1_id FROM relationships WHERE id = ?1 UNION SELECT user_2_id FROM relationships "
            "WHERE id = ?1 UNION SELECT ?2 UNION SELECT user_id FROM subscriptions WHERE id = ?3 "
            "UNION SELECT user_1_id FROM relationships r JOIN subscriptions s ON s.relationship_id = r.id "
            "WHERE s.id = ?3 UNION SELECT user_2_id FROM relationships r JOIN subscriptions s "
            "ON s.relationship_id = r.id WHERE s.id = ?3 UNION SELECT user_id FROM refunds WHERE id = ?4",
            (ids["couple"], ids["person"], ids["subscription"], ids["refund"]),
        ).scalars()
        everybody = list(wanted)
    actor = Actor(staff.id, staff.email, role)
    for person in everybody:
        with working(database, actor) as work:
            people.reveal(work, (person,), reason="a_payment_is_in_question")
