"""When a month's payments are compared with Stripe, and what becomes of it without a key."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Refused, StripeFailed
from lib.core.settings import Settings
from lib.core.work import working
from lib.jobs import payment_reconciliation, runs, schedule
from lib.models import JobRun, PaymentReconciliation
from lib.services.month_close import reconciliation
from tests.payments.scripted import KEY
from tests.payments.told import only, rows

NOW = moments.now()
LAST = moments.month_start(moments.month_start(NOW.date()) - timedelta(days=1))
WITHOUT_KEY = Settings.from_environment({"ADMIN_DEMO": "1"})
UNREACHABLE = Settings.from_environment(
    {"ADMIN_DEMO": "1", "STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": "http://127.0.0.1:9"}
)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def ask(database: Database, month: date = LAST) -> None:
    with working(database, system("test"), now=NOW) as work:
        reconciliation.reconcile(work, month, reason="Month end")


def is_due(database: Database) -> bool:
    return payment_reconciliation.NAME in schedule.due(database, moments.now())


def test_it_is_due_only_once_somebody_asked(database: Database) -> None:
    before = is_due(database)
    ask(database)

    assert (before, is_due(database)) == (False, True)


def test_without_a_key_it_fails_with_a_sentence_and_is_not_due_again(database: Database) -> None:
    ask(database)
    schedule.run(payment_reconciliation.NAME, database, WITHOUT_KEY)

    row = only(database, PaymentReconciliation)
    assert row.state == "failed"
    assert row.error is not None
    assert "STRIPE_SECRET_KEY" in row.error
    assert not is_due(database)


def test_while_stripe_cannot_be_reached_it_waits_and_is_tried_again_later(database: Database) -> None:
    ask(database)
    with pytest.raises(StripeFailed):
        schedule.run(payment_reconciliation.NAME, database, UNREACHABLE)

    row = only(database, PaymentReconciliation)
    assert row.state == "running"
    assert row.error
    assert not is_due(database)
    later = moments.now() + payment_reconciliation.AFTER_A_FAILURE
    assert payment_reconciliation.NAME in schedule.due(database, later)


def test_a_run_by_hand_asks_for_the_month_of_the_day_or_the_one_before(database: Database) -> None:
    schedule.run(payment_reconciliation.NAME, database, WITHOUT_KEY, day=NOW.date())
    schedule.run(payment_reconciliation.NAME, database, WITHOUT_KEY, day=LAST - timedelta(days=1))

    before = moments.month_start(LAST - timedelta(days=1))
    assert [row.month for row in rows(database, PaymentReconciliation)] == [LAST, before]


def test_it_is_not_run_twice_at_once(database: Database) -> None:
    ask(database)
    with (
        runs.running(database, payment_reconciliation.NAME),
        pytest.raises(Refused, match="running already"),
    ):
        schedule.run(payment_reconciliation.NAME, database, WITHOUT_KEY)

    assert only(database, PaymentReconciliation).state == "asked"
    assert len(rows(database, JobRun)) == 1
