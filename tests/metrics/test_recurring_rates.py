"""Retention, lifetime value and churn over 30 days, each by a formula that is named."""

from collections.abc import Iterator
from fractions import Fraction

import pytest

from lib.core.database import Database
from lib.core.work import View, reading
from lib.metrics.recurring_rates import recurring_rates
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, day, entry, fill


@pytest.fixture
def view(sqlite: Database) -> Iterator[View]:
    """Two couples from the start, one of which leaves; a third that comes later."""
    entry(sqlite, "04-10", MONTHLY)
    entry(sqlite, "04-10", ANNUAL, subscription_id="s2", relationship_id="c2")
    entry(sqlite, "06-01", MONTHLY, subscription_id="s3", relationship_id="c3")
    entry(sqlite, "06-10", status="canceled")
    fill(sqlite, "04-10", "06-15")
    with reading(sqlite, DESK, now=NOW) as view:
        yield view


def test_retention_and_the_quick_ratio_are_of_the_thirty_days(view: View) -> None:
    held = recurring_rates(view, day("06-15"))

    # 30.00 and 20.00 a month at the start; 30.00 left and 30.00 came.
    assert held.day == day("06-15")
    assert (held.grr.value, held.nrr.value) == (Fraction(2, 5), Fraction(2, 5))
    assert held.quick_ratio.value == 1


def test_churn_differs_by_formula_and_each_row_names_its_own(view: View) -> None:
    rows = {row.vendor: row for row in recurring_rates(view, day("06-15")).churn_rows}

    assert [row.value for row in rows.values()] == [
        Fraction(1, 2),
        Fraction(1, 3),
        Fraction(1, 3),
        Fraction(1, 2),
    ]
    assert all(row.definition for row in rows.values())


def test_lifetime_value_is_what_a_couple_brings_in_by_churn(view: View) -> None:
    assert recurring_rates(view, day("06-15")).ltv.value == Fraction(2_500) / Fraction(1, 2)


def test_without_churn_the_lifetime_has_no_end_and_that_is_said(view: View) -> None:
    ltv = recurring_rates(view, day("05-20")).ltv

    assert ltv.value is None
    assert ltv.why_not is not None


def test_less_than_thirty_days_give_no_rate_and_say_how_many_are_missing(view: View) -> None:
    held = recurring_rates(view, day("04-20"))

    assert held.nrr.value is None
    assert held.nrr.why_not == "Of the 31 days that it takes 20 were not counted."
    assert all(rate.why_not == held.nrr.why_not for rate in (held.grr, held.ltv, *held.churn))


def test_before_anything_was_counted_every_rate_says_so(view: View) -> None:
    held = recurring_rates(view, day("2025-01-01"))

    assert held.day is None
    assert "There are no daily figures" in (held.quick_ratio.why_not or "")
