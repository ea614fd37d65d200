"""The worker: does what is due, says that it lives, rests after errors, and ends when it is told to."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from lib.core.database import Database
from lib.core.settings import ROOT, Settings
from lib.core.work import reading
from lib.jobs import heartbeat, runs
from lib.jobs.worker import BEAT_EVERY, IDLE_PAUSE_S, Chore, Worker
from lib.models import Heartbeat, Operation
from lib.payments.gateway import Gateway
from lib.services import refunds
from tests.factories import make_refund
from tests.local_stripe import KEY, LocalStripe
from tests.staff import FINANCE, do, read

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings.from_environment({"DATABASE_URL": sqlite_url})


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def approved(database: Database, stripe: LocalStripe) -> str:
    refund = make_refund(database, transaction_id=stripe.payment(database), refund_amount_cents=1000)
    shown = read(database, FINANCE, refunds.one, refund).digest
    do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair")
    return refund


def status(database: Database, refund: str) -> str:
    return read(database, FINANCE, refunds.one, refund).status


def beats(database: Database) -> list[Heartbeat]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(Heartbeat)))


def until(true: Callable[[], object]) -> None:
    """Wait for something that another thread or process is doing."""
    gives_up_at = time.monotonic() + 60
    while not true():
        assert time.monotonic() < gives_up_at, "it never came to be"
        time.sleep(0.05)


def test_one_turn_pays_what_was_approved_and_runs_what_is_due(
    database: Database, settings: Settings, stripe: LocalStripe
) -> None:
    refund = approved(database, stripe)
    worker = Worker(database, stripe.gateway, settings)

    done = worker.tick()

    assert done >= 2
    assert status(database, refund) == "processed"
    assert runs.latest(database, "daily").state == "done"
    # What is made from the days follows them, at the latest with the weekly round.
    assert runs.latest(database, "cohorts").state == "done"
    assert worker.tick() == 0


def test_without_a_stripe_key_operations_wait_and_jobs_run(
    database: Database, settings: Settings, stripe: LocalStripe
) -> None:
    refund = approved(database, stripe)

    Worker(database, None, settings).tick()

    assert status(database, refund) == "approved"
    assert runs.latest(database, "daily").state == "done"


def test_a_worker_says_that_it_lives_every_few_seconds(database: Database, settings: Settings) -> None:
    clock = Clock()
    worker = Worker(database, None, settings, clock=clock)
    for seconds in (0, 1, BEAT_EVERY.total_seconds()):
        clock.now = NOW + timedelta(seconds=seconds)
        worker.look_after_money()

    [beat] = beats(database)
    assert (beat.name, beat.beat_at) == ("worker", NOW + BEAT_EVERY)
    assert json.loads(beat.details) == {"process": worker.name, "stripe": False}


def test_two_processes_of_one_name_share_a_heartbeat(database: Database) -> None:
    heartbeat.beat(database, "worker", NOW, process="a")
    heartbeat.beat(database, "worker", NOW + BEAT_EVERY, process="b")

    assert [(beat.beat_at, json.loads(beat.details)) for beat in beats(database)] == [
        (NOW + BEAT_EVERY, {"process": "b"})
    ]


def test_a_chore_that_fails_rests_longer_each_time_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[datetime] = []

    def fail(now: datetime) -> int:
        tried.append(now)
        raise OSError("the disk is full")

    chore = Chore("inbox", fail)
    with caplog.at_level(logging.ERROR):
        for seconds in range(20):
            chore.turn(NOW + timedelta(seconds=seconds))

    assert [(moment - NOW).seconds for moment in tried] == [0, 2, 6, 14]
    assert "inbox failed 4 times in a row" in caplog.text
    assert "the disk is full" in caplog.text


def test_a_chore_that_works_again_starts_afresh() -> None:
    outcomes = iter([OSError("once"), 3, OSError("again")])

    def do_it(_now: datetime) -> int:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    chore = Chore("inbox", do_it)
    done = [chore.turn(NOW + timedelta(seconds=seconds)) for seconds in (0, 1, 2, 3)]

    assert done == [0, 0, 3, 0]
    assert chore.failures == 1


def test_a_chore_with_nothing_to_do_rests_and_goes_on_at_once_while_there_is_more() -> None:
    asked, left = [], [2, 1, 0, 0]

    def work_off(now: datetime) -> int:
        asked.append((now - NOW).seconds)
        return left.pop(0)

    chore = Chore("jobs", work_off, timedelta(seconds=3))
    for seconds in range(6):
        chore.turn(NOW + timedelta(seconds=seconds))

    assert asked == [0, 1, 2, 5]


def test_one_chore_that_fails_holds_up_no_other(
    database: Database, settings: Settings, stripe: LocalStripe, caplog: pytest.LogCaptureFixture
) -> None:
    with database.primary.begin() as connection:
        connection.exec_driver_sql("DROP TABLE admin_inbox")
    refund = approved(database, stripe)

    Worker(database, stripe.gateway, settings).tick()

    assert status(database, refund) == "processed"
    assert "inbox failed 1 times in a row" in caplog.text


def test_an_operation_that_breaks_holds_up_no_other(
    database: Database, settings: Settings, stripe: LocalStripe, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = approved(database, stripe), approved(database, stripe)
    with database.primary.begin() as connection:
        connection.execute(
            Operation.__table__.update()
            .where(Operation.object_id == broken)
            .values(kind="no such kind", next_attempt_at=NOW - timedelta(days=1))
        )

    Worker(database, stripe.gateway, settings).look_after_money()

    assert status(database, whole) == "processed"
    assert status(database, broken) == "approved"
    assert "could not be run" in caplog.text


def test_what_is_approved_while_it_runs_is_paid_and_it_ends_when_told(
    database: Database, settings: Settings, stripe: LocalStripe
) -> None:
    stop = threading.Event()
    worker = Worker(database, stripe.gateway, settings)
    thread = threading.Thread(target=worker.run_forever, args=(stop,))
    thread.start()
    refund = approved(database, stripe)
    until(lambda: status(database, refund) == "processed")

    stop.set()
    thread.join(timeout=60)

    assert not thread.is_alive()
    assert IDLE_PAUSE_S <= 0.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_served_worker_ends_cleanly_when_it_is_signalled(
    database: Database, sqlite_url: str, stripe: LocalStripe, number: signal.Signals
) -> None:
    refund = approved(database, stripe)
    program = (
        "from lib.core.settings import Settings; from lib.jobs import worker; "
        "worker.serve(Settings.from_environment())"
    )
    told = {"DATABASE_URL": sqlite_url, "STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": stripe.url}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | told, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: status(database, refund) == "processed")
        process.send_signal(number)
        _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (0, "")


def test_an_unreachable_stripe_leaves_the_refund_in_doubt_and_ends_nothing(
    database: Database, settings: Settings, stripe: LocalStripe
) -> None:
    refund = approved(database, stripe)
    nobody = Gateway(KEY, api_base="http://127.0.0.1:9", retries=0)

    Worker(database, nobody, settings).look_after_money()

    [step] = read(database, FINANCE, refunds.progress, refund)
    assert step.state == "unknown"
    assert "could not be reached" in step.status
