"""The weekly and the monthly round: when they are due, what they do, and what a killed one leaves."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import select, update

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, Refused
from lib.core.settings import Settings
from lib.jobs import payment_reconciliation, round_steps, rounds, runs, schedule
from lib.jobs.rounds import Going, Outcome, Round
from lib.models import CohortMonth, JobRun, MetricDay, PaymentReconciliation
from lib.payments.sandbox import server
from tests.metrics.ledger import NOW, day, entry
from tests.payments.scripted import KEY
from tests.payments.told import only, rows

SETTINGS = Settings.from_environment({"ROLLUPS": "observe"})
WEEKLY, MONTHLY = round_steps.WEEKLY, round_steps.MONTHLY
MONDAY = datetime(2026, 6, 15, 3, tzinfo=UTC)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def at_step(database: Database, *names: str, fails: str | None = None) -> tuple[Round, list[str]]:
    """A weekly round of these steps, which notes what it does; one step is refused."""
    did: list[str] = []

    def step(name: str) -> rounds.Step:
        def do(going: Going) -> Outcome:
            if name == fails:
                raise Refused("Not now.")
            did.append(f"{name} {going.first}")
            return {"name": name}

        return do

    steps = MappingProxyType({name: step(name) for name in names})
    return Round("weekly", WEEKLY.bounds, WEEKLY.begins_after, steps), did


def test_a_round_is_for_the_period_of_the_day_or_the_one_before_while_that_is_not_over() -> None:
    today = day("06-17")

    assert WEEKLY.over(today, today) == (day("06-08"), day("06-14"))
    assert WEEKLY.over(day("06-03"), today) == (day("06-01"), day("06-07"))
    assert MONTHLY.over(today, today) == (day("05-01"), day("05-31"))
    assert MONTHLY.over(day("2026-02-28"), today) == (day("02-01"), day("02-28"))


def test_a_day_that_has_not_come_is_refused(database: Database) -> None:
    with pytest.raises(Invalid, match="has not come"):
        WEEKLY.run_for_day(database, day("06-16"), SETTINGS, NOW)


def test_a_round_is_due_once_its_period_is_over_and_not_again_when_it_is_done(database: Database) -> None:
    weekly, _ = at_step(database, "one")
    weekly.run_for_day(database, day("06-15"), SETTINGS, MONDAY - timedelta(minutes=1))

    assert not weekly.is_due(database, MONDAY - timedelta(minutes=1))
    assert weekly.is_due(database, MONDAY)
    weekly.run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)
    assert not weekly.is_due(database, MONDAY + timedelta(days=6))
    assert weekly.is_due(database, MONDAY + timedelta(days=7))


def test_the_monthly_round_waits_a_day_for_what_comes_late(database: Database) -> None:
    MONTHLY.run_for_day(database, NOW.date(), SETTINGS, NOW)
    second_of_july = datetime(2026, 7, 2, 4, tzinfo=UTC)

    assert not MONTHLY.is_due(database, second_of_july - timedelta(minutes=1))
    assert MONTHLY.is_due(database, second_of_july)


def test_two_workers_do_not_go_the_same_round_at_once(database: Database) -> None:
    weekly, did = at_step(database, "one")
    with runs.running(database, "weekly"), pytest.raises(Refused, match="running already"):
        weekly.run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)

    assert did == []


def test_a_step_that_fails_keeps_no_other_from_being_done_and_alone_is_done_again(
    database: Database,
) -> None:
    failing, first = at_step(database, "one", "two", "three", fails="two")
    with pytest.raises(Refused, match=r"two: Not now\."):
        failing.run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)
    repaired, second = at_step(database, "one", "two", "three")
    gone = repaired.run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)

    assert first == ["one 2026-06-08", "three 2026-06-08"]
    assert second == ["two 2026-06-08"]
    assert [gone.steps[name]["name"] for name in ("one", "two", "three")] == ["one", "two", "three"]


def test_a_round_whose_process_was_killed_goes_on_with_the_steps_that_are_missing(
    database: Database, sqlite_url: str
) -> None:
    program = (
        "import os, sys; from tests.jobs.test_rounds import *;"
        "database = Database(sys.argv[1]);"
        "steps = {'one': lambda going: {'by': 'the first'}, 'two': lambda going: os._exit(9)};"
        "Round('weekly', WEEKLY.bounds, WEEKLY.begins_after, steps)"
        ".run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)"
    )
    killed = subprocess.run([sys.executable, "-c", program, sqlite_url], check=False)
    weekly, did = at_step(database, "one", "two")
    with pytest.raises(Refused, match="running already"):
        weekly.run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)
    with database.primary.begin() as connection:
        connection.execute(update(JobRun).values(lease_until=moments.now() - timedelta(seconds=1)))
    gone = weekly.run_for_day(database, MONDAY.date(), SETTINGS, MONDAY)

    assert killed.returncode == 9
    assert did == ["two 2026-06-08"]
    assert gone.steps["one"]["by"] == "the first"


def test_the_weekly_round_says_what_it_changes_before_and_counts_days_and_cohorts_anew(
    database: Database,
) -> None:
    entry(database, "06-01")
    schedule.run("daily", database, SETTINGS, now=NOW)
    with database.primary.begin() as connection:
        connection.execute(update(MetricDay).where(MetricDay.day == day("06-03")).values(arr_cents=1))
    gone = schedule.run("weekly", database, SETTINGS, now=NOW)
    with database.primary.connect() as connection:
        cohorts = connection.scalars(select(CohortMonth.month).distinct()).all()
        kept = json.loads(
            connection.scalars(select(JobRun.summary).where(JobRun.name == "weekly")).one() or ""
        )

    assert (gone.first, gone.last) == (day("06-08"), day("06-14"))
    assert kept["steps"]["recount"]["changed"] == 6
    assert kept["steps"]["recount"]["first_changes"][0]["stored_arr_cents"] == "1"
    assert cohorts == [day("06-01")]
    assert "STRIPE_SECRET_KEY" in gone.steps["drift"]["left_out"]
    assert WEEKLY.run_for_day(database, NOW.date(), SETTINGS, NOW).steps["recount"]["changed"] == 0


def test_the_monthly_round_says_whether_the_month_can_be_frozen(database: Database) -> None:
    entry(database, "05-10")
    schedule.run("daily", database, SETTINGS, now=NOW)
    steps = schedule.run("monthly", database, SETTINGS, now=NOW).steps

    assert steps["month-close"]["can_be_frozen"]
    assert steps["user-cohorts"]["people_wrong_or_missing"] == 0
    assert steps["payment-reconciliation"]["left_out"] == payment_reconciliation.NO_KEY
    assert rows(database, PaymentReconciliation) == []


def test_the_monthly_round_ties_the_months_payments_to_stripes_balance_once(
    database: Database, tmp_path: Path
) -> None:
    with server.running(tmp_path / "stripe.db") as url:
        key = {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": url, "ADMIN_DEMO": "1", "ROLLUPS": "observe"}
        settings = Settings.from_environment(key)
        first = schedule.run("monthly", database, settings, now=NOW).steps["payment-reconciliation"]
        again = schedule.run("monthly", database, settings, now=NOW).steps["payment-reconciliation"]
    tied = only(database, PaymentReconciliation)

    assert first["compared"] == 0
    assert (tied.month, tied.state, tied.asked_by_email) == (day("05-01"), "done", "worker@system")
    assert again["left_out"] == "The month's payments were compared before."
