"""A test read as a whole: the card, the control, the run without contaminated couples, segments and days."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lib.core.database import Database
from lib.core.errors import Invalid, NotFound
from lib.jobs import experiments as job
from lib.models import Assignment, ExperimentPlan
from lib.services import experiments
from lib.services.experiments import Result, rows
from tests.factories import NOW, make_arm
from tests.services.desk import read, somebody
from tests.statements import counted
from tests.trials import BROKEN, CLEAR, put_in, trial

PRODUCT = somebody("product")


def result(database: Database, name: str = "price", unit: str = "couple", **over: Any) -> Result:
    found: Result = read(database, experiments.result, name, unit, by=PRODUCT, **over)
    return found


def change(database: Database, table: Any, *where: Any, **values: Any) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(table).where(*where).values(**values))


def test_a_clear_test_at_its_size_says_ship_and_is_to_decide(sqlite: Database) -> None:
    trial(sqlite)
    found = result(sqlite)

    assert (found.card.decision, found.card.variant, found.state) == ("ship", "treatment", "to_decide")
    assert [(arm.name, arm.units, arm.conversions, arm.claimed) for arm in found.arms] == [
        ("control", 30, 8, 8),
        ("treatment", 30, 24, 24),
    ]
    assert [(arm.planned, arm.seen) for arm in found.arms] == [(0.5, 0.5)] * 2
    assert found.arms[1].cents == sum(3000 + number for number in range(24))


def test_a_broken_split_is_looked_into_before_anything_else(sqlite: Database) -> None:
    trial(sqlite, BROKEN)
    found = result(sqlite)

    assert (found.card.decision, found.state) == ("review", "running")
    assert found.analysis.gate("sample_ratio").state == "failed"


def test_users_are_compared_with_errors_that_respect_couples(sqlite: Database) -> None:
    trial(sqlite)
    found = result(sqlite, unit="user")
    [deciding] = [each for each in found.analysis.of("treatment", "conversion") if each.decides]

    assert [(arm.units, arm.conversions) for arm in found.arms] == [(60, 8), (60, 24)]
    assert deciding.effect.method.name == "clustered"
    assert found.kept is None


def test_the_control_is_the_one_of_that_name_else_the_oldest_else_the_chosen(sqlite: Database) -> None:
    for test, arms in (("named", ("a", "Control")), ("unnamed", ("b", "c"))):
        for number, arm in enumerate(arms):
            make_arm(sqlite, test, arm, created_at=NOW + timedelta(days=number))
    before = [result(sqlite, test).control for test in ("named", "unnamed")]
    write = {"test_name": "unnamed", "control_id": "unnamed_c", "set_by_email": "a@example.org"}
    with sqlite.primary.begin() as connection:
        connection.execute(ExperimentPlan.__table__.insert().values(**write, updated_at=NOW))

    assert before == ["Control", "b"]
    assert result(sqlite, "unnamed").control == "c"


def test_what_the_app_claims_decides_where_that_was_chosen(sqlite: Database) -> None:
    trial(sqlite)
    change(sqlite, Assignment, Assignment.variant_id == "price_control", converted=True)
    change(sqlite, ExperimentPlan, deciding="claimed")
    job.run(sqlite, NOW)

    assert [arm.conversions for arm in result(sqlite).arms] == [30, 24]


def test_the_run_without_contaminated_couples_leaves_them_out(sqlite: Database) -> None:
    trial(sqlite)
    change(sqlite, Assignment, Assignment.id == "price_control_0_2", variant_id="price_treatment")
    job.run(sqlite, NOW)
    found = result(sqlite)

    assert found.contaminated == 1
    assert found.clean is not None
    assert [arm.arm.units for arm in found.clean.arms] == [29, 30]
    assert result(sqlite, "price").analysis.gate("overlap").state == "failed"


def test_kept_money_is_compared_among_those_whose_65_days_are_over(sqlite: Database) -> None:
    trial(sqlite, began=NOW - timedelta(days=66))
    found = result(sqlite)

    assert found.kept is not None
    assert [arm.arm.units for arm in found.kept.arms] == [25, 25]  # one came each hour
    assert rows.deciding(found.kept, compared="revenue")[0].variant == "treatment"


def test_segments_and_days_add_up_to_the_whole(sqlite: Database) -> None:
    trial(sqlite)
    found = result(sqlite)
    segments, days = experiments.segments(found), experiments.timeline(found)

    for name in ("Plan", "Device", "New or old"):
        assert sum(each.units for each in segments if each.segment == name) == 30
    assert [(day.arm, day.units, day.conversions) for day in days[-2:]] == [
        ("control", 30, 8),
        ("treatment", 30, 24),
    ]
    assert days[-1].lift == pytest.approx(2.0)


def test_a_page_reads_few_rows_and_no_assignment(sqlite: Database) -> None:
    trial(sqlite)
    with counted(sqlite) as statements:
        result(sqlite)

    assert not [each for each in statements if "ab_test_assignments" in each or "payment_" in each]
    assert len([each for each in statements if each.startswith("SELECT")]) <= 8


def test_a_test_that_was_never_counted_is_summed_on_the_spot(sqlite: Database) -> None:
    since = NOW - timedelta(days=40)
    for arm in CLEAR:
        make_arm(sqlite, "new", arm, start_date=since)
    put_in(sqlite, "new", "control", 3, 1, since=since)

    assert [arm.units for arm in result(sqlite, "new").arms] == [3, 0]
    assert [arm.units for arm in result(sqlite, "new", anew=True).arms] == [3, 0]


def test_the_list_says_in_a_word_what_each_card_says(sqlite: Database) -> None:
    trial(sqlite)
    trial(sqlite, BROKEN, test="layout")
    make_arm(sqlite, "later", "control", start_date=NOW + timedelta(days=3))
    listed = read(sqlite, experiments.listed, by=PRODUCT)

    assert [(each.name, each.state, each.says, each.couples) for each in listed] == [
        ("price", "to_decide", "Ship treatment", 60),
        ("layout", "running", "Look closer", 60),
        ("later", "planned", "Not counted yet", 0),
    ]
    assert [each.name for each in read(sqlite, experiments.listed, by=PRODUCT, state="running")] == ["layout"]


def test_what_does_not_exist_is_said(sqlite: Database) -> None:
    with pytest.raises(NotFound, match="no test “nothing”"):
        result(sqlite, "nothing")
    with pytest.raises(Invalid, match="couple or user"):
        result(sqlite, unit="household")
