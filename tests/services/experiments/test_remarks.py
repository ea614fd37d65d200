"""Bad input is shown and explained: every oddity is a sentence, and the result is still worked out."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from lib.core.database import Database
from lib.jobs import experiments as job
from lib.metrics.experiment_cells import SEGMENTS
from lib.models import Assignment, Payment, Variant
from lib.services import experiments
from lib.services.experiments import Result
from tests.factories import NOW, assign, make_arm, make_user
from tests.services.desk import read, somebody
from tests.trials import CLEAR, trial

PRODUCT = somebody("product")
SINCE = NOW - timedelta(days=40)


def result(database: Database, name: str = "price") -> Result:
    found: Result = read(database, experiments.result, name, by=PRODUCT, anew=True)
    return found


def set_arm(database: Database, arm: str, **values: object) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(Variant).where(Variant.id == f"price_{arm}").values(**values))


def one_arm(database: Database) -> None:
    trial(database, {"control": (4, 1)})


def no_assignments(database: Database) -> None:
    trial(database, dict.fromkeys(CLEAR, (0, 0)))


def overlapping_names(database: Database) -> None:
    trial(database)
    make_arm(database, "Price ", "control")


def overlapping_arms(database: Database) -> None:
    trial(database)
    make_arm(database, "price", "Control ", traffic_percentage=0)


def traffic_not_100(database: Database) -> None:
    trial(database, traffic_percentage=45)


def no_traffic(database: Database) -> None:
    trial(database, traffic_percentage=0)


def end_before_start(database: Database) -> None:
    trial(database)
    set_arm(database, "treatment", end_date=SINCE - timedelta(days=5))


def arm_added(database: Database) -> None:
    trial(database)
    set_arm(database, "treatment", created_at=NOW - timedelta(days=20))


def traffic_changed(database: Database) -> None:
    trial(database)
    set_arm(database, "treatment", traffic_percentage=80)
    job.run(database, NOW + timedelta(days=1))


def arms_start_apart(database: Database) -> None:
    trial(database)
    set_arm(database, "treatment", start_date=SINCE + timedelta(days=5))


def zero_variance(database: Database) -> None:
    trial(database, dict.fromkeys(CLEAR, (9, 0)))


def negative_revenue(database: Database) -> None:
    trial(database)
    with database.primary.begin() as connection:
        paid_twice_back = update(Payment).where(Payment.id == "pay_price_control_0")
        connection.execute(paid_twice_back.values(refund_amount_cents=9000))


def clocks_ahead(database: Database) -> None:
    trial(database)
    assign(database, "price_control", make_user(database), None, assigned_at=NOW + timedelta(days=9))


def without_time(database: Database) -> None:
    trial(database)
    assign(database, "price_control", make_user(database), None, assigned_at=None)


def arm_of_another(database: Database) -> None:
    trial(database)
    make_arm(database, "other", "control")
    with database.primary.begin() as connection:
        moved = update(Assignment).where(Assignment.id == "price_control_0_1")
        connection.execute(moved.values(variant_id="other_control"))


def outside_its_dates(database: Database) -> None:
    trial(database)
    assign(database, "price_control", make_user(database), None, assigned_at=SINCE - timedelta(days=1))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (one_arm, "The test has one arm, control: there is nothing to compare it with."),
        (no_assignments, "Nobody was put into an arm yet."),
        (overlapping_names, "Another test has nearly the same name: “Price ”."),
        (overlapping_arms, "Arms have nearly the same name: “control”, “Control ”."),
        (traffic_not_100, "The planned shares add up to 90 %, not 100 %: they are taken in proportion."),
        (no_traffic, "No arm has a share of the traffic planned"),
        (end_before_start, "treatment ends (2026-05-01) before it starts (2026-05-06)"),
        (arm_added, "treatment was added on 2026-05-26, after the first assignment (2026-05-06)"),
        (traffic_changed, "The share of treatment was changed from 50 % to 80 % by 2026-06-16"),
        (arms_start_apart, "The arms start on different days"),
        (zero_variance, "Every couple in control came to nothing: its revenue has no spread"),
        (negative_revenue, "1 couple came to less than nothing: more was paid back than paid."),
        (clocks_ahead, "1 assignment dated in the future: left out until that time comes."),
        (without_time, "1 assignment without a time: left out of all results."),
        (arm_of_another, "1 assignment into an arm of another test: left out."),
        (outside_its_dates, "1 assignment from before the arm started: counted like others."),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_what_is_odd_is_said_and_the_rest_is_worked_out(
    sqlite: Database, make: Callable[[Database], None], sentence: str
) -> None:
    make(sqlite)
    found = result(sqlite)

    assert [remark for remark in found.remarks if sentence in remark], found.remarks
    assert found.card.headline
    assert len(experiments.segments(found)) == len(found.arms[1:]) * sum(
        len(found.cells.values(segment)) for segment in SEGMENTS
    )
    assert read(sqlite, experiments.listed, by=PRODUCT)


def test_a_test_in_order_has_no_remark(sqlite: Database) -> None:
    trial(sqlite)

    assert result(sqlite).remarks == ()
