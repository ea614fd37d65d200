"""The way down: the rows behind a figure add up to it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.core.work import reading
from lib.metrics import mrr, revenue
from lib.metrics.behind import couples_behind, couples_in_mrr
from tests.factories import make_couple, make_plan, make_user
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, day, entry, fill

FINANCE = Actor("staff_f", "finance@example.org", Role.FINANCE)


@pytest.fixture
def company(database: Database) -> Database:
    """Two couples: one moves down on 06-05 and ends on 06-10, the other begins on 06-10 with two plans."""
    make_plan(database, id="try_it_out", plan_name="Try It Out")
    make_couple(database, id="c1", user_1_id=make_user(database, name="Anna Example"))
    make_couple(database, id="c2")
    entry(database, "06-01", MONTHLY, relationship_id="c1")
    entry(database, "06-05", ANNUAL, relationship_id="c1", billing_period="annual")
    entry(database, "06-10", ANNUAL, relationship_id="c1", status="canceled", cause="involuntary")
    entry(database, "06-10", MONTHLY, relationship_id="c2", subscription_id="s2")
    entry(database, "06-10", ANNUAL, relationship_id="c2", subscription_id="s3", set_to_cancel=True)
    fill(database, "06-01", "06-15")
    return database


def test_each_movement_shows_its_couple_what_it_had_and_what_it_has(company: Database) -> None:
    with reading(company, FINANCE, now=NOW) as view:
        page = couples_behind.page(view, since=day("06-01"), until=day("06-30"))

    rows = [(row.day.day, row.movement, row.relationship_id, row.change_arr_cents) for row in page.rows]
    assert rows == [
        (10, "new", "c2", 60_000),
        (10, "churn", "c1", -24_000),
        (5, "contraction", "c1", -12_000),
        (1, "new", "c1", 36_000),
    ]
    churn = page.rows[1]
    assert (churn.before_arr_cents, churn.after_arr_cents, churn.status, churn.cause, churn.known_from) == (
        *(24_000, 0),
        *("canceled", "involuntary", "event"),
    )
    assert churn.plan == "Try It Out"


def test_the_movements_of_a_time_add_up_to_the_change_of_mrr_in_it(company: Database) -> None:
    with reading(company, FINANCE, now=NOW) as view:
        rows = list(couples_behind.stream(view, since=day("06-04"), until=day("06-15")))
        days = revenue.mrr_by_day(view, day("06-03"), day("06-15")).days

    assert sum(row.change_arr_cents for row in rows) == days[-1].arr_cents - days[0].arr_cents


@pytest.mark.parametrize("movement", mrr.MOVEMENTS)
def test_the_couples_of_a_movement_add_up_to_its_figure(company: Database, movement: str) -> None:
    with reading(company, FINANCE, now=NOW) as view:
        rows = list(couples_behind.stream(view, since=day("06-01"), until=day("06-15"), movement=movement))
        (month,) = revenue.churn_by_month(view, day("06-01"), day("06-15")).months

    assert sum(abs(row.change_arr_cents) for row in rows) == getattr(month, f"{movement}_arr_cents")


def test_a_movement_shows_the_couples_last_entry_of_its_day(database: Database) -> None:
    entry(database, "06-01")
    entry(database, datetime(2026, 6, 5, 9, tzinfo=UTC), status="paused")
    entry(database, datetime(2026, 6, 5, 17, tzinfo=UTC), status="canceled", cause="voluntary")
    entry(database, "06-06", status="canceled", cause="involuntary")
    fill(database, "06-01", "06-15")
    with reading(database, FINANCE, now=NOW) as view:
        (churn,) = couples_behind.page(view, since=day("06-02"), until=day("06-30")).rows

    assert (churn.movement, churn.status, churn.cause) == ("churn", "canceled", "voluntary")


def test_one_kind_of_movement_can_be_chosen(company: Database) -> None:
    with reading(company, FINANCE, now=NOW) as view:
        page = couples_behind.page(view, since=day("06-01"), until=day("06-30"), movement="new")

    assert [(row.relationship_id, row.movement) for row in page.rows] == [("c2", "new"), ("c1", "new")]


def test_the_subscriptions_behind_mrr_add_up_to_it_on_any_day(company: Database) -> None:
    for on in ("06-01", "06-05", "06-10"):
        with reading(company, FINANCE, now=NOW) as view:
            rows = list(couples_in_mrr.stream(view, day=day(on)))
            (standing,) = mrr.mrr_at(view, day(on))

        assert sum(row.arr_cents for row in rows) == standing.arr_cents
        assert len({row.relationship_id for row in rows}) == standing.couples


def test_of_two_entries_of_one_moment_only_the_later_one_is_behind_mrr(database: Database) -> None:
    entry(database, "06-01", MONTHLY)
    entry(database, "06-01", ANNUAL)
    with reading(database, FINANCE, now=NOW) as view:
        rows = list(couples_in_mrr.stream(view, day=day("06-01")))

    assert [row.arr_cents for row in rows] == [24_000]


def test_one_plan_can_be_chosen(company: Database) -> None:
    with reading(company, FINANCE, now=NOW) as view:
        none = couples_in_mrr.page(view, day=day("06-15"), plan_id="premium_plus")
        both = couples_in_mrr.page(view, day=day("06-15"), plan_id="try_it_out")

    assert (none.total, both.total) == (0, 2)
    assert {row.set_to_cancel for row in both.rows} == {True, False}


def test_names_come_masked(company: Database) -> None:
    with reading(company, FINANCE, now=NOW) as view:
        page = couples_behind.page(view, since=day("06-01"), until=day("06-01"))

    assert page.rows[0].partner_1 == "Anna E."


def test_a_couple_that_is_gone_is_still_behind_its_figure(database: Database) -> None:
    entry(database, "06-01", relationship_id="deleted", plan_id="deleted")
    fill(database, "06-01", "06-01")
    with reading(database, FINANCE, now=NOW) as view:
        (row,) = couples_behind.page(view, since=day("06-01"), until=day("06-01")).rows

    assert (row.relationship_id, row.partner_1, row.plan) == ("deleted", None, None)


def test_product_sees_the_figures_and_not_the_couples(company: Database) -> None:
    product = Actor("staff_p", "product@example.org", Role.PRODUCT)

    with pytest.raises(NotAllowed, match="revenue:couples"), reading(company, product) as view:
        couples_in_mrr.page(view, day=day("06-15"))
    with pytest.raises(NotAllowed, match="revenue:couples"), reading(company, product) as view:
        couples_behind.page(view, since=day("06-01"), until=day("06-15"))


def test_a_movement_or_policy_that_does_not_exist_is_refused(company: Database) -> None:
    with reading(company, DESK, now=NOW) as view:
        with pytest.raises(Invalid, match="The movements are new, reactivation"):
            couples_behind.page(view, since=day("06-01"), until=day("06-15"), movement="up")
        with pytest.raises(Invalid, match="no metrics policy"):
            couples_in_mrr.page(view, day=day("06-15"), policy="guess")


def test_the_list_behind_mrr_is_read_newest_first_through_an_index(sqlite: Database) -> None:
    statement = couples_in_mrr.build(day=day("06-15")).limit(50)
    compiled = statement.compile(sqlite.primary, compile_kwargs={"render_postcompile": True})
    with sqlite.primary.connect() as connection:
        plan = [
            row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}".replace("?", "1")))
        ]

    assert any("subscription_changes USING INDEX idx_subscription_changes_begun" in line for line in plan)
    assert not any("TEMP B-TREE" in line or line.startswith("SCAN") for line in plan)
