"""Segments of MRR and of its movements add up to the whole."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.work import View, reading
from lib.metrics import revenue, segments
from tests.factories import make_plan
from tests.metrics.ledger import ANNUAL, MONTHLY, NOW, day, entry, fill
from tests.staff import FINANCE


@pytest.fixture
def view(database: Database) -> Iterator[View]:
    with reading(database, FINANCE, now=NOW) as opened:
        yield opened


@pytest.fixture
def told(database: Database) -> None:
    """A couple with a monthly plan that changes to the yearly one, and one with the yearly plan."""
    make_plan(database, id="try_it_out", plan_name="Try It Out")
    make_plan(database, id="better_together", plan_name="Better Together")
    entry(database, "06-02", MONTHLY)
    yearly = {"plan_id": "better_together", "billing_period": "annual"}
    entry(database, "06-03", ANNUAL, subscription_id="s2", relationship_id="c2", **yearly)
    entry(database, "06-10", ANNUAL, **yearly)
    fill(database, "06-01", "06-15")


@pytest.mark.parametrize("by", segments.CHOICES)
@pytest.mark.usefixtures("told")
def test_segments_add_up_to_mrr_on_every_day(view: View, by: str) -> None:
    parts = segments.mrr_by_segment(view, day("06-01"), day("06-15"), by)
    sums: Counter[date] = Counter()
    for part in parts.days:
        sums[part.day] += part.arr_cents
    whole = revenue.mrr_by_day(view, day("06-01"), day("06-15"))

    assert {each.day: each.arr_cents for each in whole.days if each.arr_cents} == {
        each: cents for each, cents in sums.items() if cents
    }


@pytest.mark.parametrize("by", segments.CHOICES)
@pytest.mark.usefixtures("told")
def test_movements_of_segments_add_up_to_those_of_the_month(view: View, by: str) -> None:
    parts = segments.movements_by_segment(view, day("06-01"), day("06-15"), by).months
    [june] = revenue.churn_by_month(view, day("06-01"), day("06-15")).months

    assert sum(part.net_arr_cents for part in parts) == june.net_arr_cents == 2 * ANNUAL
    assert sum(part.contraction_arr_cents for part in parts) == MONTHLY - ANNUAL


@pytest.mark.usefixtures("told")
def test_plans_are_named_the_largest_first(view: View) -> None:
    parts = segments.mrr_by_segment(view, day("06-01"), day("06-15"), "plan")

    assert parts.names[0] == "Better Together"


def test_what_is_no_segment_gets_a_sentence(view: View) -> None:
    with pytest.raises(Invalid, match="Segments are plan, billing period, source"):
        segments.mrr_by_segment(view, day("06-01"), day("06-15"), "weather")
