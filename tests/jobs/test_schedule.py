from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, Refused
from lib.core.settings import Settings
from lib.jobs import daily, runs, schedule
from tests.metrics.ledger import NOW, day, entry

SETTINGS = Settings.from_environment({"ROLLUPS": "observe"})
MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.dispose()


def daily_is_due(database: Database, moment: datetime) -> bool:
    return "daily" in schedule.due(database, moment)


def filled_at(database: Database, moment: datetime) -> None:
    schedule.run("daily", database, SETTINGS, now=moment)


def test_the_daily_job_is_due_when_it_never_ran(database: Database) -> None:
    assert daily_is_due(database, NOW)


def test_it_is_not_due_again_right_after_it_ran(database: Database) -> None:
    filled_at(database, NOW)

    assert not daily_is_due(database, NOW + 2 * MINUTE)


def test_it_is_due_within_the_hour_whatever_happens(database: Database) -> None:
    filled_at(database, NOW)

    assert not daily_is_due(database, NOW + 59 * MINUTE)
    assert daily_is_due(database, NOW + 60 * MINUTE)


def test_it_is_due_a_minute_later_once_the_ledger_moved(database: Database) -> None:
    filled_at(database, NOW)
    entry(database, NOW + MINUTE / 2)

    assert not daily_is_due(database, NOW + MINUTE / 2)
    assert daily_is_due(database, NOW + MINUTE)


def test_it_is_due_after_midnight_utc(database: Database) -> None:
    midnight = datetime(2026, 6, 16, tzinfo=UTC)
    filled_at(database, midnight - MINUTE)

    assert not daily_is_due(database, midnight - MINUTE / 2)
    assert daily_is_due(database, midnight)


def test_it_is_not_due_while_it_runs(database: Database) -> None:
    with runs.running(database, daily.NAME, clock=lambda: NOW):
        assert not daily_is_due(database, NOW + MINUTE)


def test_it_rests_for_five_minutes_after_a_failure(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), runs.running(database, daily.NAME, clock=lambda: NOW):
        raise ZeroDivisionError

    assert not daily_is_due(database, NOW + 4 * MINUTE)
    assert daily_is_due(database, NOW + 5 * MINUTE)


def test_a_run_whose_process_died_is_due_again_when_its_lease_has_ended(database: Database) -> None:
    abandoned = runs.running(database, daily.NAME, clock=lambda: NOW)
    abandoned.__enter__()
    later = NOW + runs.LEASE + MINUTE
    was_due = daily_is_due(database, later)
    filled_at(database, later)
    run = runs.latest(database, daily.NAME, state="failed")

    assert was_due
    assert run is not None
    assert run.finished_at == later


def test_a_run_that_lost_its_lease_is_told_and_does_not_end_the_other_one(database: Database) -> None:
    clock = [NOW]
    with runs.running(database, daily.NAME, clock=lambda: clock[0]) as slow:
        clock[0] = NOW + runs.LEASE + MINUTE
        with runs.running(database, daily.NAME, clock=lambda: clock[0]) as fast:
            with pytest.raises(Refused, match="taken over"):
                slow.progress(1)
            fast.progress(1)
    states = [runs.latest(database, daily.NAME, state=state) for state in ("done", "failed", "running")]

    assert [run and run.started_at for run in states] == [clock[0], NOW, None]


def test_a_run_for_a_day_fills_up_to_that_day(database: Database) -> None:
    entry(database, "06-01")
    filled = schedule.run("daily", database, SETTINGS, day=day("06-03"), now=NOW)

    assert (filled.since, filled.until) == (day("06-01"), day("06-03"))


def test_an_unknown_job_is_refused_with_the_names_of_those_there_are(database: Database) -> None:
    with pytest.raises(Invalid, match=r"no job “dayly”.*daily"):
        schedule.run("dayly", database, SETTINGS, now=NOW)
