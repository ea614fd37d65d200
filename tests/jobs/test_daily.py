import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, Refused
from lib.core.settings import Settings
from lib.core.work import working
from lib.jobs import daily, filling, recount, runs
from lib.jobs.daily import Filled
from lib.metrics.policies import HOUSE, POLICIES
from lib.models import CoupleMove, JobRun, MetricDay, RevenueDay
from tests.factories import make_payment, make_refund, make_subscription, write
from tests.metrics.ledger import ANNUAL, MONTHLY, NOW, day, entry, stored
from tests.sized import times

SETTINGS = Settings.from_environment({"ROLLUPS": "write"})
EVERY = tuple(POLICIES.values())
OBSERVING = replace(SETTINGS, rollups="observe")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def total(database: Database, on: str) -> dict[str, Any]:
    (row,) = [row for row in stored(database) if row["day"] == day(on) and not row["plan_id"]]
    return row


def revenue_day(database: Database, on: str) -> dict[str, Any]:
    table = RevenueDay.__table__
    with database.primary.connect() as connection:
        found = connection.execute(select(table).where(RevenueDay.analytics_date == day(on)))
        return dict(found.mappings().one())


def test_a_day_has_a_row_for_each_plan_and_one_total_with_couples_and_movements(database: Database) -> None:
    entry(database, "06-14", MONTHLY)
    entry(database, "06-15", ANNUAL, subscription_id="s2", plan_id="better_together", billing_period="annual")
    entry(database, "06-15", MONTHLY, subscription_id="s3", relationship_id="c2")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    rows = {
        (row["plan_id"], row["billing_period"]): (row["arr_cents"], row["subscriptions"], row["couples"])
        for row in stored(database)
        if row["day"] == day("06-15")
    }
    moved = total(database, "06-15")

    assert rows == {
        ("", ""): (96_000, 3, 2),
        ("try_it_out", "monthly"): (72_000, 2, None),
        ("better_together", "annual"): (24_000, 1, None),
    }
    assert (moved["new_arr_cents"], moved["new_couples"], moved["expansion_arr_cents"]) == (36_000, 1, 24_000)


def test_an_empty_ledger_fills_nothing(database: Database) -> None:
    assert daily.run_daily(database, day("06-15"), SETTINGS, now=NOW) == Filled(None, day("06-15"), 0)
    assert stored(database) == []


def test_the_first_run_begins_with_the_ledger(database: Database) -> None:
    entry(database, "06-03")

    assert daily.run_daily(database, day("06-15"), SETTINGS, now=NOW).since == day("06-03")
    assert {row["day"] for row in stored(database)} == {day(f"06-{n:02}") for n in range(3, 16)}


def test_running_twice_changes_nothing(database: Database) -> None:
    entry(database, "06-10")
    entry(database, "06-12", status="canceled")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    once = stored(database, without=())
    revenue = revenue_day(database, "06-15")
    second = daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert stored(database, without=()) == once
    assert revenue_day(database, "06-15") == revenue
    assert (second.since, second.until) == (day("06-15"), day("06-15"))


def test_later_only_the_last_day_is_filled_again(database: Database) -> None:
    entry(database, "06-10")
    daily.run_daily(database, day("06-14"), SETTINGS, now=NOW - timedelta(days=1))
    again = daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert (again.since, again.until) == (day("06-14"), day("06-15"))


def test_days_that_were_missed_are_caught_up(database: Database) -> None:
    entry(database, "06-01")
    daily.run_daily(database, day("06-02"), SETTINGS, now=NOW - timedelta(days=13))
    entry(database, "06-05", status="canceled")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert [total(database, on)["couples"] for on in ("06-04", "06-05", "06-15")] == [1, 0, 0]


def test_an_entry_that_is_noted_late_changes_its_day_and_those_after_it(database: Database) -> None:
    entry(database, "06-01")
    daily.run_daily(database, day("06-14"), SETTINGS, now=NOW - timedelta(days=1))
    entry(database, "06-05", status="canceled", recorded_at=NOW - timedelta(hours=1))
    caught_up = daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert caught_up.since == day("06-05")
    assert [total(database, on)["arr_cents"] for on in ("06-04", "06-05", "06-15")] == [36_000, 0, 0]


def test_a_day_of_the_past_brings_the_days_after_it_along(database: Database) -> None:
    entry(database, "06-01")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    before = stored(database)
    with database.primary.begin() as connection:
        connection.execute(update(MetricDay).where(MetricDay.day >= day("06-10")).values(arr_cents=1))
    daily.run_daily(database, day("06-10"), SETTINGS, now=NOW)

    assert stored(database) == before


def test_a_subscription_that_nobody_told_us_about_counts_from_its_start(database: Database) -> None:
    make_subscription(database, created_at=NOW - timedelta(days=3), price_cents=3000)
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert total(database, "06-12")["arr_cents"] == 36_000


def number_of_rows(database: Database) -> int:
    return sum(len(stored(database, policy=policy)) for policy in EVERY)


def moved(database: Database) -> list[tuple[Any, ...]]:
    """Every couple's movements under the house policy in the order of their key, with their entry."""
    table = CoupleMove.__table__
    mine = select(table).where(table.c.policies.bitwise_and(HOUSE.bit) != 0)
    with database.primary.connect() as connection:
        rows = connection.execute(mine.order_by(*table.primary_key.columns)).all()
    return [(row.day, row.currency, row.relationship_id, *row[4:]) for row in rows]


def test_the_couples_behind_a_days_movements_are_written_with_it(database: Database) -> None:
    entry(database, "06-14", MONTHLY)
    entry(database, "06-15", ANNUAL, subscription_id="s2")
    entry(database, "06-15", MONTHLY, subscription_id="s3", relationship_id="c2", currency="EUR")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert moved(database) == [
        (day("06-14"), "USD", "c1", "new", 0, 36_000, 1),
        (day("06-15"), "EUR", "c2", "new", 0, 36_000, 3),
        (day("06-15"), "USD", "c1", "expansion", 36_000, 60_000, 2),
    ]


def test_a_day_that_is_filled_again_has_the_couples_of_its_new_figures_only(database: Database) -> None:
    entry(database, "06-05")
    entry(database, "06-08", status="canceled")
    entry(database, "06-08", subscription_id="s2", relationship_id="c2")
    daily.run_daily(database, day("06-14"), SETTINGS, now=NOW - timedelta(days=1))
    entry(database, "06-05", status="canceled", recorded_at=NOW - timedelta(hours=1))
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert moved(database) == [(day("06-08"), "USD", "c2", "new", 0, 36_000, 3)]


def test_what_an_earlier_release_did_not_fill_is_filled_by_the_next_run(database: Database) -> None:
    entry(database, "06-01")
    daily.run_daily(database, day("06-14"), SETTINGS, now=NOW - timedelta(days=1))
    with database.primary.begin() as connection:
        connection.execute(delete(CoupleMove))
        summary = json.dumps({"settled_seq": 1, "newest_seq": 1})
        connection.execute(update(JobRun).values(summary=summary))
    caught_up = daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    assert caught_up.since == day("06-01")
    assert [row[0] for row in moved(database)] == [day("06-01")]


@pytest.mark.sized
def test_a_long_backfill_gives_what_the_days_gave(database: Database) -> None:
    for month in range(1, 13):
        couple = {"subscription_id": f"s{month}", "relationship_id": f"c{month}"}
        entry(database, f"2025-{month:02}-15", **couple)
        entry(database, f"2026-{(month + 1) // 2:02}-0{1 + month % 7}", **couple, status="canceled")
    until = day("2026-06-15")
    days = [until - timedelta(days=offset) for offset in reversed(range(times(120, 517)))]
    checked = days[-times(10, 60) :]
    for on in checked:
        with working(database, filling.ACTOR, now=NOW) as work:
            filling.roll_up_days(work, on, on, EVERY)
    one_by_one, moved_one_by_one = stored(database), moved(database)
    with database.primary.begin() as connection:
        connection.execute(delete(MetricDay))
    filled = recount.backfill(database, days[0], days[-1], SETTINGS, now=NOW)

    assert one_by_one[0]["day"] == checked[0]
    assert [row for row in stored(database) if row["day"] >= checked[0]] == one_by_one
    assert [row for row in moved(database) if row[0] >= checked[0]] == moved_one_by_one != []
    assert (filled.since, filled.until, filled.rows) == (days[0], days[-1], number_of_rows(database))


def test_a_backfill_goes_by_the_ledger_whatever_was_stored(database: Database) -> None:
    entry(database, "06-01")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    right = stored(database)
    with database.primary.begin() as connection:
        connection.execute(update(MetricDay).values(arr_cents=1, couples=7))
    recount.backfill(database, day("06-10"), day("06-15"), SETTINGS, now=NOW)

    assert [row for row in stored(database) if row["day"] >= day("06-10")] == [
        row for row in right if row["day"] >= day("06-10")
    ]


def test_a_run_that_was_killed_leaves_whole_days_and_the_next_one_goes_on(database: Database) -> None:
    entry(database, "2024-01-01")
    interrupted = NOW - timedelta(hours=1)
    killed = runs.running(database, daily.NAME, clock=lambda: interrupted)
    killed.__enter__()
    filling.fill(database, day("2024-01-01"), day("2024-12-31"), EVERY, now=interrupted)
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)

    days = {row["day"] for row in stored(database)}
    assert len(days) == (day("06-15") - day("2024-01-01")).days + 1


def test_two_workers_do_not_fill_at_once(database: Database) -> None:
    entry(database, "06-01")
    with runs.running(database, daily.NAME, clock=lambda: NOW):
        with pytest.raises(Refused, match="running already"):
            daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
        with pytest.raises(Refused, match="running already"):
            recount.backfill(database, day("06-01"), day("06-15"), SETTINGS, now=NOW)

    assert stored(database) == []


def test_a_day_that_has_not_begun_is_refused(database: Database) -> None:
    with pytest.raises(Invalid, match="has not begun"):
        daily.run_daily(database, day("06-16"), SETTINGS, now=NOW)
    with pytest.raises(Invalid, match="not a range"):
        recount.backfill(database, day("06-15"), day("06-14"), SETTINGS, now=NOW)


def test_a_person_does_not_run_the_job(database: Database) -> None:
    admin = Actor("staff_1", "admin@example.org", Role.ADMIN)

    with pytest.raises(NotAllowed, match="Only the worker"), working(database, admin, now=NOW) as work:
        filling.roll_up_days(work, day("06-15"), day("06-15"), EVERY)


def test_the_run_is_kept_with_what_it_filled(database: Database) -> None:
    entry(database, "06-14")
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    run = runs.latest(database, daily.NAME)

    assert run is not None
    assert (run.state, run.argument, run.lease_until) == ("done", "2026-06-15", NOW + runs.LEASE)
    assert run.summary == {
        "newest_seq": 1,
        "settled_seq": 1,
        "fills": [
            "admin_couple_moves",
            "admin_metric_daily",
            *map(repr, POLICIES.values()),
        ],
        "since": "2026-06-14",
        "until": "2026-06-15",
        "rows": 4 * len(POLICIES),
        "production_differed": 4,
    }


def test_productions_own_roll_up_follows_where_we_are_asked_to_write_it(database: Database) -> None:
    entry(database, "06-10", MONTHLY)
    entry(database, "06-15", ANNUAL, subscription_id="s2", relationship_id="c2")
    entry(database, "06-15", ANNUAL, subscription_id="s3", relationship_id="c3", status="canceled")
    entry(database, "06-15", ANNUAL, subscription_id="s3", relationship_id="c3", status="canceled")
    make_subscription(database, id="s2", price_cents=24_000, billing_period="annual", created_at=NOW)
    on_the_day = {"created_at": NOW, "processed_at": NOW}
    make_payment(database, amount_cents=24_000, **on_the_day)
    make_payment(database, amount_cents=4_900, transaction_type="box", **on_the_day)
    make_payment(database, amount_cents=9_900, transaction_type="coaching", **on_the_day)
    make_payment(database, amount_cents=500, transaction_type="credits", status="refunded", **on_the_day)
    make_payment(database, amount_cents=28_900, transaction_type="gift", **on_the_day)
    make_payment(database, amount_cents=77_700, status="failed", **on_the_day)
    make_payment(database, amount_cents=66_600, currency="EUR", **on_the_day)
    paid = make_payment(database, created_at=NOW - timedelta(days=1))
    for status, moment in (("processed", NOW), ("pending", None), ("processed", NOW - timedelta(days=1))):
        make_refund(
            database, transaction_id=paid, refund_amount_cents=700, status=status, processed_at=moment
        )
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    found = revenue_day(database, "06-15")

    assert {name: value for name, value in found.items() if name not in {"id", "created_at"}} == {
        "analytics_date": day("06-15"),
        "subscription_revenue_cents": 24_000,
        "credits_revenue_cents": 500,
        "addons_revenue_cents": 14_800,
        "gift_revenue_cents": 28_900,
        "total_revenue_cents": 68_200,
        "new_subscriptions": 1,
        "canceled_subscriptions": 1,
        "refunds_cents": 700,
        "mrr_cents": 5_000,
        "arr_cents": 60_000,
    }


def test_productions_own_roll_up_is_left_alone_where_the_app_fills_it(database: Database) -> None:
    entry(database, "06-15")
    write(database, RevenueDay, id="r1", analytics_date=date(2026, 6, 15), mrr_cents=1)
    daily.run_daily(database, day("06-15"), OBSERVING, now=NOW)

    assert revenue_day(database, "06-15")["mrr_cents"] == 1


def test_a_row_that_the_app_wrote_is_corrected_in_place(database: Database) -> None:
    entry(database, "06-15")
    write(database, RevenueDay, id="r1", analytics_date=date(2026, 6, 15), mrr_cents=1)
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    row = revenue_day(database, "06-15")

    assert (row["id"], row["mrr_cents"], row["arr_cents"]) == ("r1", 3_000, 36_000)


def test_payments_in_both_forms_of_a_moment_fall_on_their_day(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    entry(database, "06-14")
    for moment in ("2026-06-14T23:59:59.999Z", "2026-06-15T00:00:00.000Z", "2026-06-15 23:59:59"):
        payment = make_payment(database, amount_cents=100)
        with database.primary.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE payment_transactions SET created_at = ? WHERE id = ?", (moment, payment)
            )
    daily.run_daily(database, day("06-15"), SETTINGS, now=NOW)
    found = [revenue_day(database, on)["total_revenue_cents"] for on in ("06-14", "06-15")]
    database.dispose()

    assert found == [100, 200]
