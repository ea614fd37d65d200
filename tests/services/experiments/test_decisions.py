"""Deciding on a test: with the card it is done, against it a second person has to agree, once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.jobs import experiments as job
from lib.models import AuditEntry, ExperimentDecision, ExperimentPlan, Variant
from lib.services import experiments
from lib.services.experiments import Deciding, Result
from lib.services.home import today
from tests.factories import NOW, make_arm
from tests.services.desk import act, read, somebody
from tests.trials import BROKEN, trial

PRODUCT = somebody("product")
ADMIN = somebody("admin")
WHY = {"reason": "Clear after 40 days"}


def result(database: Database) -> Result:
    found: Result = read(database, experiments.result, "price", by=PRODUCT)
    return found


def deciding(database: Database, by: Any = PRODUCT) -> Deciding:
    found: Deciding = read(database, experiments.deciding, result(database), by=by)
    return found


def stop(database: Database, winner: str | None = None, **over: Any) -> str:
    given = {"shown": deciding(database).shown, "by": PRODUCT, "winner": winner, **WHY} | over
    made: str = act(database, experiments.stop, "price", **given)
    return made


def arms(database: Database) -> dict[str, tuple[bool, datetime | None]]:
    with database.primary.connect() as connection:
        rows = connection.execute(select(Variant.variant_name, Variant.is_active, Variant.end_date))
        return {name: (bool(active), end) for name, active, end in rows}


def test_shipping_what_the_card_says_ends_the_test_at_once(sqlite: Database) -> None:
    trial(sqlite)
    stop(sqlite, "treatment")
    after = deciding(sqlite)

    assert arms(sqlite) == {"control": (False, NOW), "treatment": (True, NOW)}
    assert [(each.what, each.state, each.against) for each in after.decisions] == [
        ("Ship treatment", "done", False)
    ]
    assert after.why_not == "The test has ended."
    assert read(sqlite, experiments.listed, by=PRODUCT)[0].says == "treatment won"


def test_going_against_the_card_waits_for_a_second_person(sqlite: Database) -> None:
    trial(sqlite)
    key = stop(sqlite)
    waits = deciding(sqlite)

    assert arms(sqlite) == {"control": (True, None), "treatment": (True, None)}
    assert waits.asked is not None
    assert (waits.asked.id, waits.why_not) == (key, "A decision waits for a second person.")
    assert waits.asked.why_not == (
        "You decided this yourself against the card, so somebody else has to agree."
    )
    with pytest.raises(Refused, match="somebody else has to agree"):
        act(sqlite, experiments.confirm, key, by=PRODUCT, shown=waits.asked.digest, **WHY)
    with pytest.raises(Refused, match="waits for a second person"):
        stop(sqlite, "treatment")


def test_the_second_person_agrees_and_it_is_done_once(sqlite: Database) -> None:
    trial(sqlite)
    key = stop(sqlite)
    asked = deciding(sqlite, by=ADMIN).asked
    assert asked is not None
    act(sqlite, experiments.confirm, key, by=ADMIN, shown=asked.digest, reason="Agreed")

    assert arms(sqlite) == {"control": (False, NOW), "treatment": (False, NOW)}
    assert deciding(sqlite).decisions[0].decided_by_email == ADMIN.email
    with pytest.raises(Refused):
        act(sqlite, experiments.confirm, key, by=ADMIN, shown=asked.digest, reason="Again")


def test_the_second_person_refuses_and_the_test_goes_on(sqlite: Database) -> None:
    trial(sqlite)
    key = stop(sqlite, "control")
    asked = deciding(sqlite, by=ADMIN).asked
    assert asked is not None
    act(sqlite, experiments.deny, key, by=ADMIN, shown=asked.digest, reason="The card is right")

    assert arms(sqlite) == {"control": (True, None), "treatment": (True, None)}
    stop(sqlite, "treatment")
    assert arms(sqlite)["treatment"] == (True, NOW)


def test_no_winner_is_set_while_the_split_is_broken(sqlite: Database) -> None:
    trial(sqlite, BROKEN)

    with pytest.raises(Refused, match=r"No winner can be set: .*chi² test"):
        stop(sqlite, "treatment")
    assert (deciding(sqlite).why_no_winner or "").startswith("No winner can be set")
    assert deciding(sqlite).against_stop


def test_extending_follows_a_card_that_wants_more_time(sqlite: Database) -> None:
    trial(sqlite, {"control": (40, 8), "treatment": (40, 9)}, began=NOW - timedelta(days=5), lift=5000)
    shown, until = deciding(sqlite), date(2026, 7, 1)
    act(sqlite, experiments.extend, "price", by=PRODUCT, shown=shown.shown, until=until, **WHY)

    assert result(sqlite).card.decision == "keep_running"
    assert set(arms(sqlite).values()) == {(True, datetime(2026, 7, 2, tzinfo=NOW.tzinfo))}


@pytest.mark.parametrize("days", [0, 366])
def test_a_test_is_extended_to_a_day_that_is_ahead_and_within_a_year(sqlite: Database, days: int) -> None:
    trial(sqlite)
    until = NOW.date() + timedelta(days=days)

    with pytest.raises(Invalid, match="Choose a day"):
        act(
            sqlite,
            experiments.extend,
            "price",
            by=PRODUCT,
            shown=deciding(sqlite).shown,
            until=until,
            **WHY,
        )


def changed_arm(database: Database) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(Variant).values(traffic_percentage=40))


def changed_card(database: Database) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(ExperimentPlan).values(minimum_days=300))


@pytest.mark.parametrize("change", [changed_arm, changed_card])
def test_what_was_decided_on_must_still_be_so(sqlite: Database, change: Callable[[Database], None]) -> None:
    trial(sqlite)
    shown = deciding(sqlite).shown
    change(sqlite)

    with pytest.raises(Refused, match="have changed since they were shown"):
        stop(sqlite, "treatment", shown=shown)


def test_what_cannot_be_decided_is_refused(sqlite: Database) -> None:
    trial(sqlite)
    shown = deciding(sqlite).shown

    with pytest.raises(Invalid, match="no arm of this test"):
        stop(sqlite, "nobody")
    with pytest.raises(Invalid, match="Say why"):
        stop(sqlite, "treatment", reason=" ")
    with pytest.raises(NotAllowed, match="experiments:decide"):
        stop(sqlite, "treatment", by=somebody("finance"))
    with pytest.raises(NotFound):
        act(sqlite, experiments.stop, "nothing", by=PRODUCT, shown=shown, **WHY)
    with pytest.raises(NotFound, match="no decision"):
        act(sqlite, experiments.confirm, "nothing", by=ADMIN, shown=shown, **WHY)


def test_a_test_that_was_not_counted_waits(sqlite: Database) -> None:
    for arm in ("control", "treatment"):
        make_arm(sqlite, "price", arm)

    with pytest.raises(Refused, match="not counted yet"):
        stop(sqlite)


def test_a_decision_on_a_test_that_ended_meanwhile_can_only_be_denied(sqlite: Database) -> None:
    trial(sqlite)
    key = stop(sqlite)
    asked = deciding(sqlite, by=ADMIN).asked
    assert asked is not None
    with sqlite.primary.begin() as connection:
        connection.execute(update(Variant).values(end_date=NOW - timedelta(hours=1)))

    with pytest.raises(Refused, match="ended meanwhile"):
        act(sqlite, experiments.confirm, key, by=ADMIN, shown=asked.digest, **WHY)
    act(sqlite, experiments.deny, key, by=ADMIN, shown=asked.digest, **WHY)


def test_control_and_plan_are_set_with_a_reason_and_change_the_card(sqlite: Database) -> None:
    trial(sqlite)
    act(sqlite, experiments.choose_control, "price", by=PRODUCT, control="treatment", reason="It was live")
    plan = {"deciding": "revenue", "minimum_days": 60, "lift_percent": 20, "power_percent": 90}
    act(sqlite, experiments.set_plan, "price", by=PRODUCT, reason="Agreed in the team", **plan)
    found = result(sqlite)

    assert (found.control, found.reading.deciding, found.reading.lift) == ("treatment", "revenue", 0.2)
    assert (found.analysis.plan.primary, found.analysis.gate("run_time").state) == ("revenue", "failed")
    assert found.card.decision == "review"
    with pytest.raises(Invalid, match="no arm"):
        act(sqlite, experiments.choose_control, "price", by=PRODUCT, control="nobody", **WHY)
    for over in ({"deciding": "x"}, {"minimum_days": 0}, {"lift_percent": 0}, {"power_percent": 30}):
        with pytest.raises(Invalid):
            act(sqlite, experiments.set_plan, "price", by=PRODUCT, **WHY, **plan | over)


def test_every_decision_is_one_entry_of_the_audit(sqlite: Database) -> None:
    trial(sqlite)
    stop(sqlite, "treatment")
    job.run(sqlite, NOW + timedelta(hours=2))
    with sqlite.primary.connect() as connection:
        entry = connection.execute(
            select(AuditEntry.outcome, AuditEntry.object_type).where(AuditEntry.action == "experiments.stop")
        ).one()
        kept = connection.scalar(select(func.count()).select_from(ExperimentDecision))

    assert (tuple(entry), kept) == (("done", "admin_experiment_decisions"), 1)


def test_home_says_what_waits_for_a_decision_and_for_a_second_person(sqlite: Database) -> None:
    trial(sqlite)
    before = {each.title for each in read(sqlite, today, by=PRODUCT).waiting}
    stop(sqlite)
    own, other = (
        {each.title for each in read(sqlite, today, by=somebody_else).waiting}
        for somebody_else in (PRODUCT, ADMIN)
    )

    assert {"1 test to decide", "1 test running"} <= before
    assert "1 test to decide" not in own
    assert "1 decision on a test to agree to" in other - own
