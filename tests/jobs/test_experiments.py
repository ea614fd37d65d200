"""A/B tests are counted by a job; their page reads what was counted last."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import NotAllowed, Refused
from lib.core.settings import Settings
from lib.core.work import reading, working
from lib.jobs import experiments as job
from lib.jobs import runs, schedule
from lib.jobs.experiments import Recounted
from lib.models import Assignment
from lib.services import experiments
from lib.services.experiments import ExperimentCounts
from tests.factories import NOW, assign, make_arm, make_couple, make_user
from tests.staff import PRODUCT
from tests.statements import counted

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def price(database: Database) -> Database:
    """A test with two arms: a couple that is split over them, and a person without a couple who converted."""
    for arm in ("control", "treatment"):
        make_arm(database, "price", arm)
    for number in range(1, 4):
        make_user(database, id=f"u{number}")
    couple = make_couple(database, id="c1", user_1_id="u1", user_2_id="u2")
    assign(database, "price_control", "u1", couple)
    assign(database, "price_treatment", "u2", couple)
    assign(database, "price_treatment", "u3", None, converted=True, conversion_value_cents=3000)
    return database


def seen(database: Database, name: str = "price", *, at: datetime = NOW) -> ExperimentCounts:
    with reading(database, PRODUCT, now=at) as view:
        return experiments.one(view, name)


def convert(database: Database, assignment: str) -> None:
    """As the app does it: in place, and without a word about when."""
    with database.primary.begin() as connection:
        connection.execute(update(Assignment).where(Assignment.id == assignment).values(converted=True))


def test_what_the_job_counts_is_what_counting_on_the_spot_gives(price: Database) -> None:
    on_the_spot = seen(price)
    job.run(price, NOW)

    assert seen(price) == on_the_spot
    assert (on_the_spot.assigned, on_the_spot.exposure.split_couples) == (3, 1)
    assert [(arm.name, arm.assigned, arm.converted, arm.value_cents) for arm in on_the_spot.arms] == [
        ("control", 1, 0, 0),
        ("treatment", 2, 1, 3_000),
    ]


def test_the_page_reads_the_last_counts_and_says_how_old_they_are(price: Database) -> None:
    job.run(price, NOW)
    convert(price, "price_control_u1_c1")
    before = seen(price, at=LATER)
    job.run(price, LATER)
    after = seen(price, at=LATER)

    assert (before.counted_at, before.arms[0].converted) == (NOW, 0)
    assert (after.counted_at, after.arms[0].converted) == (LATER, 1)


def test_the_page_reads_no_assignment_once_they_are_counted(price: Database) -> None:
    job.run(price, NOW)
    with counted(price) as statements:
        seen(price)

    assert not [each for each in statements if "ab_test_assignments" in each]


def test_a_test_that_was_never_counted_is_counted_on_the_spot(price: Database) -> None:
    job.run(price, NOW)
    make_arm(price, "plan", "a")
    assign(price, "plan_a", "u1", None)
    plan = seen(price, "plan", at=LATER)

    assert (plan.assigned, plan.counted_at) == (1, LATER)


def test_a_test_that_ended_is_counted_while_people_may_convert_late_and_then_no_more(
    database: Database,
) -> None:
    ended = NOW - timedelta(days=1)
    make_arm(database, end_date=ended)
    make_arm(database, "goes on")
    soon, last = ended + timedelta(days=64), ended + timedelta(days=65)
    found = [job.run(database, now).tests for now in (NOW, soon, last, last)]

    assert [set(names) for names in found] == [{"goes on", "price"}] * 3 + [{"goes on"}]
    assert seen(database, at=last + timedelta(days=300)).counted_at == last


def test_a_test_that_nobody_was_put_into_has_counts_of_nothing(database: Database) -> None:
    make_arm(database)
    job.run(database, NOW)

    assert (seen(database, at=LATER).assigned, seen(database, at=LATER).counted_at) == (0, NOW)


def test_counting_is_due_hourly(database: Database) -> None:
    assert job.NAME in schedule.due(database, NOW)

    schedule.run(job.NAME, database, Settings.from_environment({}), now=NOW)

    assert job.NAME not in schedule.due(database, NOW + timedelta(minutes=59))
    assert job.NAME in schedule.due(database, NOW + timedelta(hours=1))


def test_two_workers_do_not_count_at_once(price: Database) -> None:
    with runs.running(price, job.NAME, clock=lambda: NOW), pytest.raises(Refused, match="running already"):
        job.run(price, NOW)


def test_counting_holds_up_nobody_who_writes(price: Database) -> None:
    """While one test is being counted, somebody else writes: on SQLite there is one writer at a time."""
    with reading(price, job.ACTOR, now=NOW) as view:
        once = job.count(view, "price")
        convert(price, "price_control_u1_c1")

    with working(price, job.ACTOR, now=NOW) as work:
        job.keep(work, {"price": once})

    assert seen(price, at=LATER).arms[0].converted == 0


def test_a_person_does_not_keep_counts(database: Database) -> None:
    admin = Actor("staff_1", "admin@example.org", Role.ADMIN)

    with pytest.raises(NotAllowed, match="Only the worker"), working(database, admin, now=NOW) as work:
        job.keep(work, {})


def test_a_run_says_which_tests_it_counted(price: Database) -> None:
    assert job.run(price, NOW) == Recounted(("price",))
    assert (run := runs.latest(price, job.NAME)) is not None
    assert run.summary == {"tests": ["price"]}
