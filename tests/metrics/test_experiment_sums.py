"""What a test's units came to, from rows: who counts, in which arm, and which money is theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from lib.core.database import Database
from lib.metrics import experiment_cells, experiment_sums
from lib.metrics.experiment_cells import Cells
from lib.metrics.stats.samples import Unit
from lib.models import ErrorLog
from tests.factories import (
    assign,
    make_arm,
    make_couple,
    make_payment,
    make_plan,
    make_refund,
    make_subscription,
    make_user,
    write,
)

ASSIGNED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LONG_AFTER = ASSIGNED + timedelta(days=100)
CONTROL, TREATMENT = "price_control", "price_treatment"


@contextmanager
def prepared(url: str) -> Iterator[Database]:
    """A database with a test of two arms."""
    database = Database(url)
    for arm in ("control", "treatment"):
        make_arm(database, "price", arm, start_date=ASSIGNED)
    yield database
    database.dispose()


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    with prepared(sqlite_url) as database:
        yield database


def couple(database: Database, name: str, arm: str = CONTROL, **over: Any) -> str:
    """A couple with both partners in one arm, at the same moment."""
    partners = {f"user_{n}_id": make_user(database, id=f"{name}{n}") for n in (1, 2)}
    made = make_couple(database, id=name, created_at=over.pop("created_at", ASSIGNED), **partners)
    for partner in partners.values():
        assign(database, arm, partner, made, **{"assigned_at": ASSIGNED, **over})
    return made


def pay(database: Database, name: str, days: float, cents: int = 3000, **over: Any) -> str:
    """The first partner of a couple pays so many days after the assignment."""
    at = ASSIGNED + timedelta(days=days)
    return make_payment(
        database,
        **{"user_id": f"{name}1", "relationship_id": name, "amount_cents": cents, "processed_at": at, **over},
    )


def summed(database: Database, unit: Unit = "couple", now: datetime = LONG_AFTER) -> Cells:
    with Session(database.primary) as session:
        return experiment_cells.of_rows(experiment_sums.sums(session, "price", unit, now))


def of(cells: Cells, arm: str, *names: str) -> tuple[int, ...]:
    return tuple(cells.total(arm)[name] for name in names)


def test_a_couple_counts_once_and_converts_with_a_payment_of_its_30_days(database: Database) -> None:
    #   couple    paid after days    within 30
    #   first     29                 yes
    #   second    31                 no
    #   third     (nothing)          no
    for name, days in (("first", 29), ("second", 31), ("third", None)):
        couple(database, name)
        if days:
            pay(database, name, days)
    cells = summed(database)

    assert of(cells, CONTROL, "units", "conversions", "cents", "squares") == (3, 1, 3000, 9_000_000)
    assert of(cells, TREATMENT, "units", "conversions") == (0, 0)


def test_revenue_is_less_what_was_paid_back_whenever_that_was(database: Database) -> None:
    couple(database, "a")
    by_rows, by_total = pay(database, "a", 1), pay(database, "a", 2, refund_amount_cents=500)
    make_refund(database, transaction_id=by_rows, refund_amount_cents=1000, status="processed")
    make_refund(database, transaction_id=by_rows, refund_amount_cents=700, status="pending")
    make_refund(database, transaction_id=by_total, refund_amount_cents=500, status="processed")

    assert of(summed(database), CONTROL, "cents", "refunded") == (4500, 1)


def test_what_failed_and_what_is_a_refund_itself_is_no_revenue(database: Database) -> None:
    couple(database, "a")
    pay(database, "a", 1, status="failed")
    pay(database, "a", 1, transaction_type="refund")

    assert of(summed(database), CONTROL, "conversions", "cents") == (0, 0)


def test_a_payment_that_names_no_couple_is_that_of_whoever_paid(database: Database) -> None:
    couple(database, "a")
    pay(database, "a", 1, relationship_id=None)

    assert of(summed(database), CONTROL, "conversions", "cents") == (1, 3000)


def test_another_currency_converts_and_its_money_is_left_out(database: Database) -> None:
    couple(database, "a")
    pay(database, "a", 1, currency="EUR")

    assert of(summed(database), CONTROL, "conversions", "cents", "other_currency") == (1, 0, 1)


def test_more_paid_back_than_paid_is_less_than_nothing(database: Database) -> None:
    couple(database, "a")
    pay(database, "a", 1, refund_amount_cents=3500)

    assert of(summed(database), CONTROL, "cents", "squares", "negative") == (-500, 250_000, 1)


def test_the_period_before_goes_with_what_came_after(database: Database) -> None:
    couple(database, "a", created_at=ASSIGNED - timedelta(days=200))
    for days, cents in ((-31, 9999), (-2, 2000), (3, 5000)):
        pay(database, "a", days, cents)
    [cell] = summed(database).cells

    assert cell.arrival == "old"
    assert [cell.sums[name] for name in ("before_cents", "before_squares", "before_cross")] == [
        2000,
        4_000_000,
        10_000_000,
    ]


def test_kept_money_waits_for_the_first_renewal(database: Database) -> None:
    couple(database, "a")
    for days in (1, 32):
        pay(database, "a", days)
    early, late = (summed(database, now=ASSIGNED + timedelta(days=days)) for days in (64, 66))

    assert of(early, CONTROL, "kept_units", "kept_cents", "renewed") == (0, 0, 0)
    assert of(late, CONTROL, "kept_units", "kept_paid", "kept_cents", "renewed") == (1, 1, 6000, 1)


def test_a_split_couple_stays_in_its_first_arm_and_is_marked(database: Database) -> None:
    couple(database, "a")
    couple(database, "b", TREATMENT)
    assign(database, TREATMENT, "a2", "a", assigned_at=ASSIGNED + timedelta(days=1))
    cells = summed(database)

    assert of(cells, CONTROL, "units") + of(cells, TREATMENT, "units") == (1, 1)
    assert {cell.variant_id: cell.contaminated for cell in cells.cells} == {CONTROL: True, TREATMENT: False}


def test_users_are_summed_by_the_couples_that_they_sit_in(database: Database) -> None:
    couple(database, "a")
    couple(database, "b")
    pay(database, "a", 1)
    pay(database, "a", 1, 2000, user_id="a2")
    cells = summed(database, "user")

    assert of(cells, CONTROL, "units", "conversions", "cents", "squares") == (4, 2, 5000, 13_000_000)
    assert of(cells, CONTROL, "clusters", "users_squared", "conversions_squared") == (2, 8, 4)
    assert of(cells, CONTROL, "users_by_conversions", "cents_squared", "users_by_cents") == (
        4,
        25_000_000,
        10_000,
    )


def test_who_has_no_couple_is_one_of_their_own_and_visitors_are_none(database: Database) -> None:
    assign(database, CONTROL, make_user(database, id="alone"), None, assigned_at=ASSIGNED)
    assign(database, CONTROL, None, None, assigned_at=ASSIGNED)
    [cell] = summed(database).cells

    assert (cell.sums["units"], cell.arrival) == (1, "unpaired")


def test_clocks_in_the_future_and_assignments_without_a_time_are_left_out(database: Database) -> None:
    couple(database, "a", assigned_at=LONG_AFTER + timedelta(days=1))
    couple(database, "b", assigned_at=None)

    assert summed(database).cells == []


def test_guardrails_count_errors_and_cancelled_subscriptions(database: Database) -> None:
    plan = make_plan(database, plan_name="Premium")
    for name, cancelled in (("a", ASSIGNED + timedelta(days=5)), ("b", None)):
        couple(database, name)
        make_subscription(
            database,
            relationship_id=name,
            user_id=f"{name}1",
            plan_id=plan,
            created_at=ASSIGNED + timedelta(days=1),
            canceled_at=cancelled,
        )
    error = {"id": "e1", "error_type": "TypeError", "error_message": "no", "user_id": "a2"}
    write(database, ErrorLog, **error, created_at=ASSIGNED + timedelta(days=3))
    cells = summed(database)

    assert of(cells, CONTROL, "subscribed", "churned", "erred") == (2, 1, 1)
    assert cells.values("plan") == ["Premium"]


def test_days_and_cells_add_up_to_the_same(database: Database) -> None:
    for number in range(5):
        couple(database, f"c{number}", assigned_at=ASSIGNED + timedelta(days=number % 2))
        pay(database, f"c{number}", 3)
    cells = summed(database)

    assert [(day.day.day, day.units, day.cents) for day in cells.days] == [(1, 3, 9000), (2, 2, 6000)]
    assert of(cells, CONTROL, "units", "cents", "over") == (5, 15_000, 5)


@pytest.mark.postgres
@pytest.mark.parametrize("unit", ["couple", "user"])
def test_both_engines_sum_alike(sqlite_url: str, postgres_url: str, unit: Unit) -> None:
    found = []
    for url in (sqlite_url, postgres_url):
        with prepared(url) as database:
            for number, arm in enumerate((CONTROL, CONTROL, TREATMENT, TREATMENT)):
                couple(database, f"c{number}", arm, created_at=ASSIGNED - timedelta(days=number))
                for days, cents in ((-3, 900), (2, 3000 + number), (33, 4000)):
                    pay(database, f"c{number}", days, cents, refund_amount_cents=10 * number)
            assign(database, TREATMENT, "c01", "c0", assigned_at=ASSIGNED + timedelta(hours=1))
            assign(database, CONTROL, make_user(database, id="alone"), None, assigned_at=ASSIGNED)
            pay(database, "alone", 1, user_id="alone", relationship_id=None)
            found.append(summed(database, unit))

    assert sorted(map(repr, found[0].cells)) == sorted(map(repr, found[1].cells))
    assert found[0].days == found[1].days
