"""Cohorts of a few couples worked by hand: who stays, what recurs, what they brought in."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import NotAllowed, Refused
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import cohorts as counting
from lib.jobs import daily, runs
from lib.metrics import cohorts
from lib.metrics.policies import POLICIES
from lib.models import CohortCheck, CohortCouple, CohortMember, CohortMonth
from tests.factories import make_couple, make_payment, make_refund, make_subscription, make_user, write
from tests.filled import Dialect, Filled
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, day, entry
from tests.statements import counted

WRITING = Settings.from_environment({"ROLLUPS": "write"})
OBSERVING = Settings.from_environment({"ROLLUPS": "observe"})


def count(database: Database, *, now: datetime = NOW, settings: Settings = OBSERVING) -> counting.Counted:
    """Run the daily job and then the cohorts."""
    daily.run_daily(database, now.date(), settings, now=now)
    return counting.run(database, settings, now=now)


def retention(database: Database, **choice: Any) -> cohorts.Retention:
    with reading(database, DESK, now=NOW) as view:
        return cohorts.retention_by_cohort(view, **choice)


def worth(database: Database, **choice: Any) -> cohorts.RealisedLtv:
    with reading(database, DESK, now=NOW) as view:
        return cohorts.realised_ltv(view, **choice)


def rows_of(database: Database, model: Any) -> list[tuple[Any, ...]]:
    table = model.__table__
    with database.primary.connect() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]


def four_couples(database: Database) -> None:
    """Four couples; it is the 15th of June.

    |    | first paid | annualised | then                                      |
    |----|------------|------------|-------------------------------------------|
    | c1 | 03-05      |     36,000 | to 24,000 on 05-10                        |
    | c2 | 03-20      |     36,000 | ends on 04-15, comes back on 06-01        |
    | c3 | 03-25      |     24,000 | ends on 03-28                             |
    | c4 | 05-31      |     24,000 |                                           |
    """
    for couple, on, arr in (
        ("c1", "03-05", MONTHLY),
        ("c2", "03-20", MONTHLY),
        ("c3", "03-25", ANNUAL),
        ("c4", "05-31", ANNUAL),
    ):
        plan = "try_it_out" if arr == MONTHLY else "better_together"
        entry(database, on, arr, subscription_id=f"s_{couple}", relationship_id=couple, plan_id=plan)
    second = {"subscription_id": "s_c2", "relationship_id": "c2"}
    entry(database, "05-10", ANNUAL, subscription_id="s_c1", relationship_id="c1")
    entry(database, "04-15", **second, status="canceled")
    entry(database, "06-01", **second)
    entry(database, "03-28", subscription_id="s_c3", relationship_id="c3", status="canceled")


def counted_couples(database: Database) -> None:
    """The same, with their days and cohorts counted."""
    four_couples(database)
    count(database)


@pytest.fixture
def company(filled: Filled, dialect: Dialect) -> Database:
    """The four couples, on each engine in turn."""
    return filled.copy(dialect, four_couples)


@pytest.fixture
def counted_company(filled: Filled, dialect: Dialect) -> Database:
    """The four couples with their cohorts, on each engine in turn."""
    return filled.copy(dialect, counted_couples)


def test_a_cohort_is_who_first_paid_in_a_month_and_each_cell_who_still_pays(
    counted_company: Database,
) -> None:
    march, may = retention(counted_company).cohorts

    assert (march.cohort, march.joined, march.opening_arr_cents) == (day("03-01"), 3, 96_000)
    assert [(cell.age, cell.month, cell.couples, cell.arr_cents) for cell in march.cells] == [
        (0, day("03-01"), 2, 72_000),
        (1, day("04-01"), 1, 36_000),
        (2, day("05-01"), 1, 24_000),
        (3, day("06-01"), 2, 60_000),
    ]
    assert (may.cohort, may.joined, [cell.couples for cell in may.cells]) == (day("05-01"), 1, [1, 1])


def test_retention_is_an_exact_share_of_couples_and_of_opening_revenue(counted_company: Database) -> None:
    march = retention(counted_company).cohorts[0]

    assert [cell.logo for cell in march.cells] == [
        Fraction(2, 3),
        Fraction(1, 3),
        Fraction(1, 3),
        Fraction(2, 3),
    ]
    assert [cell.revenue for cell in march.cells] == [
        Fraction(3, 4),
        Fraction(3, 8),
        Fraction(1, 4),
        Fraction(5, 8),
    ]


def test_the_month_that_goes_on_is_not_mature_and_in_no_average(counted_company: Database) -> None:
    found = retention(counted_company)

    assert [[cell.mature for cell in cohort.cells] for cohort in found.cohorts] == [
        [True, True, True, False],
        [True, False],
    ]
    # Age 0: (2 + 1) of (3 + 1) couples; 72,000 + 24,000 of 96,000 + 24,000. Age 1: March alone.
    assert [(each.logo, each.revenue, each.cohorts, each.joined) for each in found.averages] == [
        (Fraction(3, 4), Fraction(4, 5), 2, 4),
        (Fraction(1, 3), Fraction(3, 8), 1, 3),
        (Fraction(1, 3), Fraction(1, 4), 1, 3),
        (None, None, 0, 0),
    ]


def test_a_month_that_was_over_when_it_was_counted_is_mature(company: Database) -> None:
    count(company, now=datetime(2026, 7, 1, tzinfo=UTC))
    march = retention(company).cohorts[0]

    assert [cell.mature for cell in march.cells] == [True, True, True, True, False]


def test_the_plan_and_the_way_to_the_app_part_the_couples_and_their_sums_are_the_whole(
    company: Database,
) -> None:
    for couple, via in (("c1", "referral"), ("c2", "referral"), ("c3", "social")):
        make_couple(company, id=couple)
        write(
            company,
            CohortMember,
            id=f"coh_{couple}",
            cohort_name="2026-03",
            cohort_date=day("03-01"),
            user_id=make_user(company),
            relationship_id=couple,
            joined_via=via,
        )
    count(company)
    whole = retention(company)
    by_via = [retention(company, joined_via=via) for via in ("referral", "social", "")]
    by_plan = [retention(company, plan_id=plan) for plan in ("try_it_out", "better_together")]

    assert [[each.joined for each in part.cohorts] for part in by_via] == [[2], [1], [1]]
    for parts in (by_via, by_plan):
        cells = [cell for part in parts for cohort in part.cohorts for cell in cohort.cells]
        assert sum(cell.arr_cents for cell in cells) == sum(
            cell.arr_cents for cohort in whole.cohorts for cell in cohort.cells
        )


def test_realised_value_is_money_in_less_refunds_for_each_couple_that_joined(company: Database) -> None:
    for couple in ("c1", "c2", "c3", "c4"):
        make_couple(company, id=couple)
    early = {"relationship_id": "c1", "transaction_type": "credits"}
    make_payment(company, **early, amount_cents=500, created_at=datetime(2026, 2, 3, tzinfo=UTC))
    made = [
        ("c1", 3_000, datetime(2026, 3, 5, tzinfo=UTC)),
        ("c2", 3_000, datetime(2026, 3, 20, tzinfo=UTC)),
        ("c3", 24_000, datetime(2026, 3, 25, tzinfo=UTC)),
        ("c1", 3_000, datetime(2026, 4, 5, tzinfo=UTC)),
    ]
    *_, annual, _ = (
        make_payment(company, relationship_id=couple, amount_cents=cents, created_at=at)
        for couple, cents, at in made
    )
    make_payment(company, relationship_id="c2", status="failed", created_at=datetime(2026, 4, 20, tzinfo=UTC))
    make_payment(company, relationship_id="c1", currency="EUR", created_at=datetime(2026, 4, 20, tzinfo=UTC))
    back = {"transaction_id": annual, "refund_amount_cents": 24_000}
    make_refund(company, **back, status="processed", processed_at=datetime(2026, 5, 1, tzinfo=UTC))
    make_refund(company, **back, status="pending")
    count(company)
    march = worth(company).cohorts[0]

    assert [(cell.paid_cents, cell.refunded_cents) for cell in march.cells] == [
        (30_500, 0),
        (33_500, 0),
        (33_500, 24_000),
        (33_500, 24_000),
    ]
    assert [cell.per_couple for cell in march.cells[:3]] == [
        Fraction(30_500, 3),
        Fraction(33_500, 3),
        Fraction(9_500, 3),
    ]
    assert worth(company).averages[0].per_couple == Fraction(30_500, 4)


def test_counting_a_month_again_changes_nothing(counted_company: Database) -> None:
    once = rows_of(counted_company, CohortMonth), rows_of(counted_company, CohortCouple)
    again = counting.run(counted_company, OBSERVING, now=NOW)

    assert (rows_of(counted_company, CohortMonth), rows_of(counted_company, CohortCouple)) == once
    assert (again.since, again.until) == (day("05-01"), day("06-01"))


def test_an_entry_that_is_noted_late_moves_a_couple_to_the_cohort_it_belongs_to(
    counted_company: Database,
) -> None:
    entry(
        counted_company,
        "04-02",
        subscription_id="s_c4b",
        relationship_id="c4",
        recorded_at=NOW + timedelta(hours=1),
    )
    later = NOW + timedelta(hours=2)
    again = count(counted_company, now=later)
    found = retention(counted_company)

    assert again.since == day("04-01")
    assert [(cohort.cohort, cohort.joined) for cohort in found.cohorts] == [
        (day("03-01"), 3),
        (day("04-01"), 1),
    ]


def test_a_run_that_was_killed_is_made_good_by_the_next_one(counted_company: Database) -> None:
    whole = rows_of(counted_company, CohortMonth)
    killed = runs.running(counted_company, counting.NAME, clock=lambda: NOW - timedelta(hours=1))
    killed.__enter__()
    with pytest.raises(Refused, match="running already"):
        counting.run(counted_company, OBSERVING, now=NOW - timedelta(hours=1))
    with counting.working(counted_company, counting.ACTOR, now=NOW) as work:
        counting.count_month(work, day("03-01"), POLICIES.values())
    halfway = rows_of(counted_company, CohortMonth)
    counting.run(counted_company, OBSERVING, now=NOW)

    assert len(halfway) < len(whole)
    assert rows_of(counted_company, CohortMonth) == whole


def test_cohorts_wait_while_the_days_are_being_counted(company: Database) -> None:
    with (
        runs.running(company, daily.NAME, clock=lambda: NOW),
        pytest.raises(Refused, match="being counted"),
    ):
        counting.run(company, OBSERVING, now=NOW)


def test_the_job_is_due_when_days_were_counted_and_at_most_once_an_hour(company: Database) -> None:
    before = counting.is_due(company, NOW)
    count(company)
    soon = counting.is_due(company, NOW + timedelta(minutes=59))
    daily.run_daily(company, day("06-15"), OBSERVING, now=NOW + timedelta(minutes=30))
    later = counting.is_due(company, NOW + timedelta(minutes=60))

    assert (before, soon, later) == (False, False, True)


def test_a_choice_without_cohorts_says_so_and_is_not_zero(counted_company: Database) -> None:
    found, money = retention(counted_company, currency="EUR"), worth(counted_company, currency="EUR")

    assert (found.cohorts, found.averages, found.why_not) == ((), (), cohorts.NOTHING_YET)
    assert (money.cohorts, money.why_not) == ((), cohorts.NOTHING_YET)


def test_the_figures_say_policy_couples_and_time(counted_company: Database) -> None:
    basis = retention(counted_company, since=day("04-01")).basis

    assert (basis.policy.name, basis.rows, basis.of_what, basis.computed_at) == ("house", 1, "couples", NOW)


def test_each_function_asks_one_question(counted_company: Database) -> None:
    with reading(counted_company, DESK, now=NOW) as view, counted(counted_company) as statements:
        cohorts.retention_by_cohort(view)
        cohorts.realised_ltv(view)

    assert len(statements) == 2


def test_product_reads_cohorts_and_support_does_not(company: Database) -> None:
    with reading(company, Actor("p", "product@example.org", Role.PRODUCT)) as view:
        assert cohorts.retention_by_cohort(view).cohorts == ()
    with (
        pytest.raises(NotAllowed),
        reading(company, Actor("s", "support@example.org", Role.SUPPORT)) as view,
    ):
        cohorts.retention_by_cohort(view)


@pytest.fixture
def stored_wrongly(database: Database) -> Database:
    """A couple with one wrong row in `user_cohorts`, and a partner who has none."""
    payer, partner = (make_user(database, id=key, created_at=NOW) for key in ("u1", "u2"))
    couple = make_couple(database, id="c1", user_1_id=payer, user_2_id=partner)
    make_subscription(database, user_id=payer, relationship_id=couple, created_at=NOW - timedelta(days=2))
    make_payment(database, user_id=payer, relationship_id=couple, amount_cents=3_000)
    write(
        database,
        CohortMember,
        id="coh_1",
        cohort_name="2026-06 social",
        cohort_date=day("06-01"),
        user_id=payer,
        relationship_id=couple,
        joined_via="social",
        total_revenue_cents=9_999,
        is_active=False,
    )
    return database


def people(database: Database) -> list[tuple[Any, ...]]:
    row = CohortMember
    columns = (
        row.user_id,
        row.joined_via,
        row.first_subscription_date,
        row.total_revenue_cents,
        row.is_active,
    )
    with database.primary.connect() as connection:
        return [tuple(found) for found in connection.execute(select(*columns).order_by(row.user_id))]


def test_what_the_app_stored_of_people_is_compared_and_left_alone_where_we_observe(
    stored_wrongly: Database,
) -> None:
    before = people(stored_wrongly)
    found = count(stored_wrongly)
    [check] = rows_of(stored_wrongly, CohortCheck)

    assert found.compared == 2
    assert check == (day("06-01"), 1, 1, 1, 9_999, 3_000, 0, 1, False, NOW)
    assert people(stored_wrongly) == before


def test_what_the_app_stored_of_people_is_corrected_where_we_write_and_the_difference_kept(
    stored_wrongly: Database,
) -> None:
    count(stored_wrongly, settings=WRITING)
    [check] = rows_of(stored_wrongly, CohortCheck)
    first = (NOW - timedelta(days=2)).date()

    assert people(stored_wrongly) == [("u1", "social", first, 3_000, True), ("u2", None, first, 0, True)]
    assert (check[4], check[5], check[-2]) == (9_999, 3_000, True)


def test_production_is_compared_once_a_day(stored_wrongly: Database) -> None:
    count(stored_wrongly, settings=WRITING)
    same_day = count(stored_wrongly, settings=WRITING, now=NOW + timedelta(hours=2))
    next_day = count(stored_wrongly, settings=WRITING, now=NOW + timedelta(days=1))

    assert (same_day.compared, next_day.compared) == (0, 0)
    assert rows_of(stored_wrongly, CohortCheck)[0][3] == 0
