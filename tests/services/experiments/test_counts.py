from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import NotAllowed, NotFound
from lib.core.work import View, reading
from lib.metrics.experiment_counts import Exposure
from lib.services import experiments
from tests.factories import NOW, assign, make_arm, make_couple, make_user
from tests.staff import PRODUCT, SUPPORT


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def view(database: Database) -> Iterator[View]:
    with reading(database, PRODUCT, now=NOW) as view:
        yield view


def test_tests_come_newest_first_with_their_arms(database: Database, view: View) -> None:
    make_arm(database, "old", "control", start_date=NOW - timedelta(days=90))
    make_arm(database, "new", "a")
    make_arm(database, "new", "b", created_at=NOW)

    assert [(each.name, each.arm_names) for each in experiments.experiments(view)] == [
        ("new", "a, b"),
        ("old", "control"),
    ]


@pytest.mark.parametrize(
    ("over", "state"),
    [
        ({}, "running"),
        ({"start_date": NOW + timedelta(days=1)}, "planned"),
        ({"end_date": NOW - timedelta(days=1)}, "ended"),
        ({"end_date": NOW + timedelta(days=1)}, "running"),
        ({"is_active": False}, "off"),
        ({"is_active": False, "end_date": NOW - timedelta(days=1)}, "ended"),
    ],
)
def test_a_test_says_where_it_stands(
    database: Database, view: View, over: dict[str, Any], state: str
) -> None:
    make_arm(database, **over)

    assert experiments.experiments(view)[0].state == state


def test_a_test_ends_with_its_last_arm(database: Database, view: View) -> None:
    make_arm(database, "price", "a", end_date=NOW - timedelta(days=3))
    make_arm(database, "price", "b", end_date=NOW - timedelta(days=1))
    make_arm(database, "plan", "a", end_date=NOW - timedelta(days=3))
    make_arm(database, "plan", "b")
    found = {each.name: each.ended_at for each in experiments.experiments(view)}

    assert found == {"price": NOW - timedelta(days=1), "plan": None}


def test_arms_carry_their_counts_and_shares(database: Database, view: View) -> None:
    make_arm(database, "price", "control")
    make_arm(database, "price", "treatment", created_at=NOW)
    make_arm(database, "price", "empty", created_at=NOW + timedelta(days=1))
    for number in range(4):
        converted = {"converted": True, "conversion_value_cents": 3000} if number == 0 else {}
        arm = "price_control" if number < 3 else "price_treatment"
        assign(database, arm, make_user(database, id=f"u{number}"), None, **converted)
    found = experiments.one(view, "price")

    assert [(arm.name, arm.assigned, arm.converted, arm.value_cents) for arm in found.arms] == [
        ("control", 3, 1, 3_000),
        ("treatment", 1, 0, 0),
        ("empty", 0, 0, 0),
    ]
    assert [arm.share for arm in found.arms] == [0.75, 0.25, 0.0]
    assert [arm.rate for arm in found.arms] == [1 / 3, 0.0, None]
    assert found.assigned == 4


def test_a_test_that_nobody_was_put_into_has_no_shares(database: Database, view: View) -> None:
    make_arm(database)

    assert [(arm.share, arm.rate) for arm in experiments.one(view, "price").arms] == [(None, None)]


def test_split_couples_and_people_in_two_arms_are_counted(database: Database, view: View) -> None:
    #   couple      partners           arms                  split
    #   together    u1, u2             control, control      no
    #   apart       u3, u4             control, treatment    yes
    #   (none)      u5                 control, treatment    a person in two arms
    for arm in ("control", "treatment"):
        make_arm(database, "price", arm)
    for number in range(1, 6):
        make_user(database, id=f"u{number}")
    together = make_couple(database, user_1_id="u1", user_2_id="u2")
    apart = make_couple(database, user_1_id="u3", user_2_id="u4")
    assign(database, "price_control", "u1", together)
    assign(database, "price_control", "u2", together)
    assign(database, "price_control", "u3", apart)
    assign(database, "price_treatment", "u4", apart)
    assign(database, "price_control", "u5", None)
    assign(database, "price_treatment", "u5", None)

    assert experiments.one(view, "price").exposure == Exposure(
        people=5, people_in_several_arms=1, couples=2, split_couples=1, without_couple=2
    )


def test_a_test_without_assignments_exposes_nobody(database: Database, view: View) -> None:
    make_arm(database)

    assert experiments.one(view, "price").exposure == Exposure(0, 0, 0, 0, 0)


def test_a_test_that_is_gone_is_not_found(view: View) -> None:
    with pytest.raises(NotFound, match="no test “nothing”"):
        experiments.one(view, "nothing")


def test_support_does_not_read_experiments(database: Database) -> None:
    with pytest.raises(NotAllowed, match="experiments:read"), reading(database, SUPPORT) as view:
        experiments.experiments(view)
