"""A month is frozen once, restated with a reason, and says what came late."""

import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lib.core.access import Permission
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import Work, action
from lib.models import MonthClose, MonthCloseLine, Payment
from lib.services import month_close
from lib.services.month_close import late
from lib.services.month_close.files import csv_of, pdf_of
from lib.services.month_close.versions import MonthShown
from tests.metrics.ledger import ANNUAL, BOX, MONTHLY, NOW, entry, fill
from tests.payments.told import rows
from tests.services.desk import act, read, somebody

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
FINANCE = somebody("finance")
LATER = datetime(2026, 6, 16, 9, tzinfo=UTC)


@action(Permission.PAYMENTS_COLLECT, about="payment_transactions")
def collect_late(work: Work, payment_id: str) -> None:
    work.session.get_one(Payment, payment_id).status = "succeeded"


def freeze(database: Database, month: date = MAY, *, now: datetime = NOW, **over: Any) -> str:
    values = {"reason": "For the board"} | over
    close_id: str = act(database, month_close.freeze, month, by=FINANCE, now=now, **values)
    return close_id


def shown(database: Database, month: date = MAY, *, now: datetime = LATER, **over: Any) -> MonthShown:
    found: MonthShown = read(database, month_close.of_month, month, by=FINANCE, now=now, **over)
    return found


def values(found: MonthShown, policy: str = "house") -> dict[str, int | None]:
    return {
        each.measure: each.frozen
        for each in found.differences
        if each.section in {"recurring", "cash"} and each.policy in {"", policy} and each.currency == "USD"
    }


def a_late_event(database: Database) -> None:
    """On the 16th of June we hear that the couple of April had gone on the 25th of May."""
    entry(
        database,
        "05-25",
        0,
        status="canceled",
        cause="involuntary",
        recorded_at=datetime(2026, 6, 16, 8, tzinfo=UTC),
    )
    fill(database, "05-25", "06-15", now=datetime(2026, 6, 16, 8, 1, tzinfo=UTC))


def test_a_frozen_month_has_every_movement_and_the_cash(database: Database) -> None:
    freeze(database)
    found = values(shown(database))

    assert found["opening_arr_cents"] == 2 * MONTHLY + ANNUAL
    assert found["new_arr_cents"] == ANNUAL
    assert found["expansion_arr_cents"] == BOX - ANNUAL
    assert found["churn_arr_cents"] == MONTHLY
    assert found["closing_arr_cents"] == MONTHLY + ANNUAL + BOX
    assert (found["opening_couples"], found["new_couples"], found["churned_couples"]) == (3, 1, 1)
    assert (found["closing_couples"], found["closing_subscriptions"]) == (3, 3)
    assert (found["payments_cents"], found["payments"]) == (9000, 2)
    assert (found["refunds_cents"], found["disputes_cents"]) == (1000, 6000)


def test_what_is_not_known_is_none_with_a_reason_and_never_zero(database: Database) -> None:
    freeze(database)
    [fees] = [each for each in shown(database).differences if each.measure == "fees_cents"]

    assert (fees.frozen, fees.now) == (None, None)
    assert fees.remark is not None
    assert "reconciled with Stripe" in fees.remark


def test_freezing_twice_gives_the_same_close_and_writes_nothing(database: Database) -> None:
    first = freeze(database)
    again = freeze(database, now=LATER, reason="Once more")

    assert again == first
    [close] = rows(database, MonthClose)
    assert (close.version, close.reason) == (1, "For the board")


def test_two_who_freeze_at_the_same_moment_make_one_close(database: Database) -> None:
    both = threading.Barrier(2)
    made: list[str] = []
    refused: list[str] = []

    def close() -> None:
        both.wait()
        try:
            made.append(freeze(database))
        except Refused as refusal:
            refused.append(str(refusal))

    threads = [threading.Thread(target=close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rows(database, MonthClose)) == 1
    assert len(set(made)) == 1
    assert len(made) + len(refused) == 2


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        (JUNE, "June 2026 is not over yet"),
        (date(2026, 5, 2), "begins with its first day"),
        (date(2026, 3, 1), "No day of March 2026 was counted"),
    ],
)
def test_a_month_that_cannot_be_closed_says_why(database: Database, month: date, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        freeze(database, month)

    assert rows(database, MonthClose) == []
    assert sentence in (shown(database, month).now.why_not or "")


def test_days_that_were_not_counted_are_named(sqlite: Database) -> None:
    with sqlite.primary.begin() as connection:
        connection.exec_driver_sql("DELETE FROM admin_metric_daily WHERE day IN ('2026-05-12', '2026-05-13')")

    with pytest.raises(Refused, match=r"Days of May 2026 that were not counted: 2\."):
        freeze(sqlite)


def test_a_day_that_was_counted_before_it_was_over_is_named(sqlite: Database) -> None:
    fill(sqlite, "05-31", "05-31", now=datetime(2026, 5, 31, 20, tzinfo=UTC))

    with pytest.raises(Refused, match="2026-05-31 was counted before it was over"):
        freeze(sqlite)


def test_entries_that_are_not_counted_yet_hold_the_freeze_up(database: Database) -> None:
    entry(database, "05-25", 0, status="canceled", recorded_at=LATER)

    with pytest.raises(Refused, match="came after May 2026 was counted"):
        freeze(database, now=LATER)


def test_the_first_month_of_all_says_that_nobody_knows_how_it_opened(database: Database) -> None:
    freeze(database, date(2026, 4, 1))
    found = shown(database, date(2026, 4, 1))

    assert values(found)["opening_arr_cents"] is None
    assert values(found)["closing_arr_cents"] == 2 * MONTHLY + ANNUAL


def test_a_late_event_changes_only_what_the_month_would_say_now(database: Database) -> None:
    close_id = freeze(database)
    before = rows(database, MonthCloseLine)
    files = [read(database, file, close_id, by=FINANCE) for file in (csv_of, pdf_of)]
    same = shown(database)
    a_late_event(database)
    found = shown(database)

    assert (same.state, same.changed) == ("frozen", 0)
    assert found.state == "differs"
    [churn] = [
        each for each in found.differences if (each.policy, each.measure) == ("house", "churn_arr_cents")
    ]
    assert (churn.frozen, churn.now, churn.difference) == (MONTHLY, 2 * MONTHLY, MONTHLY)
    assert [(row.position, row.value) for row in rows(database, MonthCloseLine)] == [
        (row.position, row.value) for row in before
    ]
    assert [read(database, file, close_id, by=FINANCE) for file in (csv_of, pdf_of)] == files
    assert found.chosen is not None
    entries = read(
        database, late.late_entries.page, by=FINANCE, month=MAY, after=found.chosen.ledger_seq
    ).rows
    assert [(row.subscription_id, row.status) for row in entries] == [("s1", "canceled")]


def test_a_restatement_is_a_new_version_and_the_former_stays_with_its_files(database: Database) -> None:
    first = freeze(database)
    files = [read(database, file, first, by=FINANCE) for file in (csv_of, pdf_of)]
    a_late_event(database)
    found = shown(database)
    second = act(
        database,
        month_close.restate,
        first,
        by=FINANCE,
        now=LATER,
        shown=found.now.digest,
        reason="A late event",
    )

    newest = shown(database)
    assert newest.versions == (2, 1)
    assert newest.chosen is not None
    assert (newest.chosen.id, newest.chosen.reason) == (second, "A late event")
    assert newest.state == "frozen"
    assert values(newest)["churn_arr_cents"] == 2 * MONTHLY
    former = shown(database, version=1)
    assert values(former)["churn_arr_cents"] == MONTHLY
    assert former.why_not_restate == "A newer version stands. Look at that one."
    assert [read(database, file, first, by=FINANCE) for file in (csv_of, pdf_of)] == files
    assert freeze(database, now=LATER) == second


def test_a_month_is_not_restated_when_nothing_differs(database: Database) -> None:
    close_id = freeze(database)
    found = shown(database)

    assert found.why_not_restate is not None
    with pytest.raises(Refused, match="Nothing differs"):
        act(
            database,
            month_close.restate,
            close_id,
            by=FINANCE,
            now=LATER,
            shown=found.now.digest,
            reason="Again",
        )


def test_only_the_figures_that_were_shown_are_restated(database: Database) -> None:
    close_id = freeze(database)
    seen = shown(database).now.digest
    a_late_event(database)

    with pytest.raises(Refused, match="have moved on since they were shown"):
        act(database, month_close.restate, close_id, by=FINANCE, now=LATER, shown=seen, reason="Late")


def test_a_former_version_is_not_restated(database: Database) -> None:
    first = freeze(database)
    a_late_event(database)
    digest = shown(database).now.digest
    act(database, month_close.restate, first, by=FINANCE, now=LATER, shown=digest, reason="Late")

    with pytest.raises(Refused, match="newer version"):
        act(database, month_close.restate, first, by=FINANCE, now=LATER, shown=digest, reason="Late")


def test_a_payment_that_came_late_stands_behind_the_difference_of_the_cash(database: Database) -> None:
    freeze(database)
    act(database, collect_late, "pay_failed", by=FINANCE, now=LATER)
    found = shown(database)

    [payments] = [each for each in found.differences if each.measure == "payments_cents"]
    assert (payments.frozen, payments.now) == (9000, 12_000)
    assert found.chosen is not None
    behind = read(database, late.late_payments.page, by=FINANCE, month=MAY, after=found.chosen.audit_seq).rows
    assert [(row.payment_id, row.kind, row.cents) for row in behind] == [("pay_failed", "payment", 3000)]


def test_a_close_needs_a_reason_and_somebody_of_finance(database: Database) -> None:
    with pytest.raises(Invalid, match="Say why"):
        freeze(database, reason=" ")
    with pytest.raises(NotAllowed):
        act(database, month_close.freeze, MAY, by=somebody("product"), reason="Curious")
    with pytest.raises(NotAllowed):
        read(database, month_close.of_month, MAY, by=somebody("support"))

    assert rows(database, MonthClose) == []


def test_a_version_that_does_not_exist_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="no version 7"):
        shown(database, version=7)
    with pytest.raises(NotFound):
        read(database, csv_of, "nothing", by=FINANCE)
    with pytest.raises(NotFound):
        act(database, month_close.restate, "nothing", by=FINANCE, shown="", reason="Late")


def test_the_months_that_can_be_closed_are_those_of_the_ledger_that_are_over(database: Database) -> None:
    months = read(database, month_close.closable_months, by=FINANCE)

    assert months == [MAY, date(2026, 4, 1)]
