"""The way down from a cell: its couples add up to it, whatever the choice."""

from typing import Any

import pytest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.core.work import reading
from lib.metrics import cohorts
from lib.metrics.cohort_couples import couples_of_cell
from lib.metrics.cohort_table import retention_rows, worth_rows
from tests.factories import make_couple, make_plan, make_user
from tests.filled import Dialect, Filled
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, day, entry
from tests.metrics.test_cohorts import count

FINANCE = Actor("staff_f", "finance@example.org", Role.FINANCE)


def three_couples(database: Database) -> None:
    """Three couples of March: one stays, one ends and comes back, one changes between two subscriptions."""
    make_plan(database, id="try_it_out", plan_name="Try It Out")
    for couple in ("c1", "c2", "c3"):
        make_couple(database, id=couple, user_1_id=make_user(database, name="Anna Example"))
    entry(database, "03-05", MONTHLY, subscription_id="s1", relationship_id="c1")
    entry(database, "03-06", MONTHLY, subscription_id="s2", relationship_id="c2")
    entry(database, "04-15", subscription_id="s2", relationship_id="c2", status="canceled")
    entry(database, "06-01", ANNUAL, subscription_id="s2", relationship_id="c2")
    entry(database, "03-07", MONTHLY, subscription_id="s3", relationship_id="c3")
    entry(database, "04-10", ANNUAL, subscription_id="s3b", relationship_id="c3", plan_id="better_together")
    entry(database, "04-30", subscription_id="s3", relationship_id="c3", status="canceled")
    count(database)


@pytest.fixture
def company(filled: Filled, dialect: Dialect) -> Database:
    """The three couples with their cohorts, on each engine in turn."""
    return filled.copy(dialect, three_couples)


def couples(database: Database, **cell: Any) -> list[Any]:
    with reading(database, FINANCE, now=NOW) as view:
        return list(couples_of_cell.stream(view, **cell))


def test_the_couples_of_every_cell_add_up_to_it(company: Database) -> None:
    with reading(company, DESK, now=NOW) as view:
        found = cohorts.retention_by_cohort(view)
    cells = [(cohort, cell) for cohort in found.cohorts for cell in cohort.cells]
    behind = [couples(company, cohort=cohort.cohort, month=cell.month) for cohort, cell in cells]

    assert [sum(row.arr_cents for row in rows) for rows in behind] == [cell.arr_cents for _, cell in cells]
    assert [sum(row.standing == "paying" for row in rows) for rows in behind] == [
        cell.couples for _, cell in cells
    ]
    assert {len(rows) for rows in behind} == {3}


def test_they_can_be_narrowed_down_to_who_paid_and_who_was_gone(company: Database) -> None:
    cell = {"cohort": day("03-01"), "month": day("05-01")}
    paying = couples(company, **cell, standing="paying")
    gone = couples(company, **cell, standing="gone")

    assert [(row.relationship_id, row.arr_cents) for row in paying] == [("c1", 36_000), ("c3", 24_000)]
    assert [(row.relationship_id, row.arr_cents, row.standing) for row in gone] == [("c2", 0, "gone")]


def test_names_are_masked_and_only_who_may_sees_couples(company: Database) -> None:
    cell = {"cohort": day("03-01"), "month": day("03-01")}
    product = Actor("staff_p", "product@example.org", Role.PRODUCT)

    assert couples(company, **cell)[0].partner_1 == "Anna E."
    with pytest.raises(NotAllowed), reading(company, product, now=NOW) as view:
        couples_of_cell.page(view, **cell)
    with pytest.raises(Invalid, match="paying or gone"):
        couples(company, **cell, standing="asleep")


def test_the_table_has_a_row_for_each_cell_the_newest_cohort_first(company: Database) -> None:
    with reading(company, DESK, now=NOW) as view:
        kept = retention_rows(cohorts.retention_by_cohort(view))
        worth = worth_rows(cohorts.realised_ltv(view))

    assert [(row.age, row.state, row.couples, row.joined) for row in kept] == [
        (0, "over", 3, 3),
        (1, "over", 2, 3),
        (2, "over", 2, 3),
        (3, "so_far", 3, 3),
    ]
    assert [(row.age, row.state, row.per_couple_cents) for row in worth][-1] == (3, "so_far", 0)
