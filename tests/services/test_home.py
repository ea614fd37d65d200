"""Home opens with what there is to do, by role."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib import models
from lib.core.database import Database
from lib.core.work import digest
from lib.models import Refund
from lib.services import home, refunds
from tests.factories import (
    NOW,
    make_dispute,
    make_invoice,
    make_payment,
    make_refund,
    make_subscription,
    make_user,
    write,
)
from tests.services.desk import act, hired, read, somebody
from tests.statements import counted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def today(database: Database, role: str = "admin") -> home.Today:
    result: home.Today = read(database, home.today, by=somebody(role))
    return result


def titles(database: Database, role: str) -> list[str]:
    return [each.title for each in today(database, role).waiting]


def all_is_well(database: Database) -> None:
    write(database, models.Heartbeat, name="worker", beat_at=NOW)
    write(
        database,
        models.JobRun,
        id="run_1",
        name="daily",
        state="done",
        started_at=NOW,
        finished_at=NOW,
    )


def make_error(database: Database, **over: Any) -> str:
    values = {"id": "err_1", "error_type": "Timeout", "error_message": "slow", "severity": "critical"}
    return write(database, models.ErrorLog, **values | {"created_at": NOW, "resolved": False} | over)


def make_event(database: Database, **over: Any) -> str:
    values = {"event_id": "evt_1", "event_type": "invoice.paid", "state": "parked", "received_at": NOW}
    return write(database, models.InboxEvent, **values | over)


def make_finding(database: Database, name: str, **over: Any) -> str:
    values = {"id": name, "finding_key": name, "kind": "payment_unknown", "rank": 0, "state": "open"}
    values |= {"digest": "d", "first_seen_at": NOW, "last_seen_at": NOW}
    return write(database, models.DriftFinding, **values | over)


def test_critical_drift_waits_for_finance(database: Database) -> None:
    make_finding(database, "critical")
    make_finding(database, "high", rank=1)
    make_finding(database, "repaired", state="repaired")

    assert titles(database, "finance") == ["1 critical difference from Stripe"]
    assert titles(database, "support") == []


@pytest.mark.parametrize("role", ["support", "finance", "product", "admin"])
def test_on_a_quiet_day_nothing_waits_for_anybody(database: Database, role: str) -> None:
    all_is_well(database)

    assert titles(database, role) == []
    assert today(database, role).alerts == []


def test_finance_sees_how_many_refunds_wait_since_when_and_for_how_much(database: Database) -> None:
    payment = make_payment(database, currency="EUR", amount_cents=5000)
    make_refund(database, refund_amount_cents=1000, requested_at=NOW - timedelta(days=3))
    make_refund(database, refund_amount_cents=2000)
    make_refund(database, transaction_id=payment, refund_amount_cents=500)
    make_refund(database, status="denied")

    first = today(database, "finance").waiting[0]

    assert first.title == "3 refunds to decide"
    assert first.detail == "$30.00 + €5.00 in all. The oldest was requested 3 days ago."
    assert first.urgent
    assert (first.page, first.filters) == ("refunds", {"status": "pending"})
    assert not any("to decide" in title for title in titles(database, "support"))


def test_finance_sees_what_was_not_collected_and_which_disputes_wait(database: Database) -> None:
    make_invoice(database)
    make_invoice(database, currency="EUR", amount_remaining_cents=500, next_attempt_at=None)
    make_dispute(database, evidence_due_at=NOW + timedelta(days=2))
    make_dispute(database, status="won")

    disputes, failed = today(database, "finance").waiting

    assert (disputes.title, disputes.urgent, disputes.filters) == (
        "1 dispute to answer",
        True,
        {"show": "Disputes"},
    )
    assert disputes.detail == (
        "$30.00 asked back by banks. Evidence is taken until 2026-06-17 12:00 UTC at the earliest."
    )
    assert (failed.title, failed.page, failed.filters) == (
        "2 payments not collected",
        "payments",
        {"show": "Failed"},
    )
    assert failed.detail.endswith(" at stake. Stripe has given up on 1 of them.")
    assert titles(database, "support") == []


def test_a_dispute_with_much_time_left_is_not_urgent(database: Database) -> None:
    make_dispute(database, evidence_due_at=NOW + timedelta(days=20))

    assert [each.urgent for each in today(database, "finance").waiting] == [False]


def test_support_hears_what_became_of_the_refunds_they_asked_for(database: Database) -> None:
    agent, other, finance = hired(database), hired(database), hired(database, "finance")
    refund_id = act(
        database, refunds.request, make_payment(database), amount_cents=100, reason="duplicate", by=agent
    )
    shown = read(database, lambda view: digest(view.session.get(Refund, refund_id)))
    act(database, refunds.deny, refund_id, shown=shown, reason="It was used.", by=finance)

    mine = read(database, home.today, by=agent).waiting
    others = read(database, home.today, by=other).waiting

    assert [(each.title, each.page) for each in mine] == [("1 refund that you asked for: denied", "refunds")]
    assert others == []


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("support", {"critical error", "subscription", "payment operation", "Stripe event"}),
        ("finance", {"subscription", "payment operation", "Stripe event"}),
        ("product", {"critical error", "test"}),
        ("admin", {"critical error", "subscription", "payment operation", "Stripe event", "test"}),
    ],
)
def test_everybody_sees_what_their_role_is_about(database: Database, role: str, sees: set[str]) -> None:
    make_error(database)
    make_event(database)
    make_subscription(database, status="past_due")
    write(
        database,
        models.Variant,
        id="v1",
        test_name="pricing",
        variant_name="a",
        start_date=NOW,
        is_active=True,
    )
    write(
        database,
        models.Operation,
        id="op_1",
        kind="refund",
        object_type="refunds",
        object_id="r",
        params="{}",
        params_digest="d",
        state="failed",
        next_attempt_at=NOW,
        requested_by="s",
        requested_by_email="s@example.org",
        reason="x",
        prepared_at=NOW,
    )

    found = titles(database, role)

    assert {kind for kind in ("critical error", "subscription", "payment operation", "Stripe event", "test")
            if any(title.startswith(f"1 {kind}") for title in found)} == sees  # fmt: skip


def test_urgent_things_come_first(database: Database) -> None:
    make_subscription(database, status="past_due")
    make_event(database)

    assert [each.urgent for each in today(database).waiting] == [True, False]


def test_figures_carry_their_change(database: Database) -> None:
    for hours in (1, 2, 30):
        make_payment(database, status="failed", created_at=NOW - timedelta(hours=hours))

    failed = next(each for each in today(database).figures if each.title.startswith("Failed"))

    assert (failed.value, failed.change, failed.good) == ("2", "+1", "down")


def test_both_text_forms_of_a_moment_are_counted(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    user = make_user(database, created_at=NOW)
    with database.primary.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE users SET created_at = '2026-06-15T11:00:00.000Z' WHERE id = ?", (user,)
        )

    joined = next(each for each in today(database).figures if each.title.startswith("New people"))

    assert joined.value == "1"
    database.dispose()


def test_a_silent_worker_and_old_figures_are_alerts(database: Database) -> None:
    all_is_well(database)
    make_event(database, state="received", received_at=NOW - timedelta(minutes=30))
    with database.primary.begin() as connection:
        connection.exec_driver_sql("DELETE FROM admin_heartbeats")
        connection.exec_driver_sql("DELETE FROM job_runs")

    assert [each.title for each in today(database).alerts] == [
        "The worker does not answer",
        "Revenue figures are old",
        "1 Stripe event waiting for more than 10 minutes",
    ]


@pytest.mark.parametrize("role", ["support", "finance", "product", "admin"])
def test_home_takes_ten_statements_at_most(database: Database, role: str) -> None:
    make_refund(database)

    with counted(database) as statements:
        today(database, role)

    assert len(statements) <= 10


def test_a_decider_sees_what_was_handed_on_and_the_plans_that_wait_or_stopped(database: Database) -> None:
    refund, taken_further = make_refund(database), make_refund(database)
    hand_on = {"from_id": "staff_admin", "from_email": "admin@example.org", "message": "Please"}
    for number, (key, to) in enumerate(
        ((refund, "finance"), (taken_further, "finance"), (taken_further, "somebody_else"))
    ):
        write(
            database,
            models.RefundHandOn,
            id=f"hand_on_{number}",
            refund_id=key,
            at=NOW + timedelta(minutes=number),
            to_id=f"staff_{to}",
            to_email=f"{to}@example.org",
            **hand_on,
        )
    for state in ("proposed", "stopped", "done"):
        write(
            database,
            models.ActionPlan,
            id=state,
            relationship_id="rel",
            state=state,
            reason="Moving",
            requested_by="staff_support",
            requested_by_email="support@example.org",
            requested_at=NOW,
        )

    waiting = titles(database, "finance")

    assert {"1 refund handed on to you", "1 plan to decide", "1 plan stopped half-way"} <= set(waiting)
    assert not any("plan" in title for title in titles(database, "support"))
