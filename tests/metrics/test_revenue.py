"""What the Revenue page reads, from a ledger of a few couples worked by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from sqlalchemy import delete, event

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.work import View, reading
from lib.metrics import revenue
from lib.metrics.figure import percent, rounded
from lib.metrics.policies import HOUSE
from lib.models import MetricDay
from tests.factories import make_plan
from tests.metrics.ledger import ANNUAL, BOX, DESK, MONTHLY, NOW, day, entry, fill


@pytest.fixture
def company(sqlite: Database) -> Database:
    """Four couples.

    |    | plan         | from  | until | annualised |
    |----|--------------|-------|-------|------------|
    | c1 | $30 monthly  | 04-10 |       |     36,000 |
    | c2 | $30 monthly  | 04-20 | 05-25 |     36,000 |
    | c3 | $240 a year  | 05-05 |       |     24,000 |
    | c4 | $289 a year  | 06-15 |       |     28,900 |
    """
    make_plan(sqlite, id="try_it_out", plan_name="Try It Out")
    couples = [
        ("c1", "04-10", MONTHLY),
        ("c2", "04-20", MONTHLY),
        ("c3", "05-05", ANNUAL),
        ("c4", "06-15", BOX),
    ]
    for couple, on, arr in couples:
        annual = {"plan_id": "better_together", "billing_period": "annual"} if arr != MONTHLY else {}
        entry(sqlite, on, arr, subscription_id=f"s_{couple}", relationship_id=couple, **annual)
    entry(sqlite, "05-25", subscription_id="s_c2", relationship_id="c2", status="canceled")
    fill(sqlite, "04-10", "06-15")
    return sqlite


@contextmanager
def desk(database: Database) -> Iterator[View]:
    with reading(database, DESK, now=NOW) as view:
        yield view


def test_the_series_has_each_day_with_its_movements(company: Database) -> None:
    with desk(company) as view:
        series = revenue.mrr_by_day(view, day("05-24"), day("05-26"))

    assert [(each.day, each.mrr_cents, each.couples, each.churned_couples) for each in series.days] == [
        (day("05-24"), 8_000, 3, 0),
        (day("05-25"), 5_000, 2, 1),
        (day("05-26"), 5_000, 2, 0),
    ]
    assert series.days[1].churn_arr_cents == 36_000
    assert series.days[1].net_arr_cents == -36_000


def test_the_running_day_is_marked_as_not_complete(company: Database) -> None:
    with desk(company) as view:
        series = revenue.mrr_by_day(view, day("06-14"), day("06-15"))

    assert [each.complete for each in series.days] == [True, False]


def test_a_series_says_its_policy_rows_and_time(company: Database) -> None:
    with desk(company) as view:
        basis = revenue.mrr_by_day(view, day("06-01"), day("06-15")).basis

    assert (basis.policy, basis.rows, basis.of_what, basis.computed_at) == (HOUSE, 15, "days", NOW)


def test_a_time_that_was_never_counted_says_so_and_is_not_zero(company: Database) -> None:
    with desk(company) as view:
        series = revenue.mrr_by_day(view, day("2025-01-01"), day("2025-01-31"))
        mix = revenue.plan_mix(view, day("2025-01-31"))
        months = revenue.churn_by_month(view, day("2025-01-01"), day("2025-01-31"))
        tiles = revenue.summary(view, day("2025-01-31"))

    assert (series.days, mix.plans, months.months, tiles.day) == ((), (), (), None)
    assert {each.why_not for each in (series, mix, months, tiles.mrr, tiles.growth)} == {revenue.NOTHING_YET}
    assert {tiles.mrr.text, tiles.couples.text, tiles.growth.text} == {"–"}


def test_the_summary_states_what_recurs_and_how_it_changed_in_30_days(company: Database) -> None:
    with desk(company) as view:
        tiles = revenue.summary(view, day("06-15"))

    # 06-15: 36,000 + 24,000 + 28,900 = 88,900 a year; 05-16: 36,000 + 36,000 + 24,000 = 96,000
    assert (tiles.day, tiles.complete) == (day("06-15"), False)
    assert (tiles.mrr.value, tiles.mrr.text) == (Fraction(88_900, 12), "$74.08")
    assert tiles.arr.text == "$889.00"
    assert tiles.couples.text == "3"
    assert (tiles.arpa.value, tiles.arpa.text) == (Fraction(88_900, 36), "$24.69")
    assert (tiles.change.value, tiles.change.text) == (Fraction(-7_100, 12), "−$5.92")
    assert (tiles.growth.value, tiles.growth.text) == (Fraction(-71, 960), "−7.4 %")
    assert (tiles.mrr.basis.rows, tiles.mrr.basis.of_what, tiles.mrr.basis.computed_at) == (
        3,
        "subscriptions",
        NOW,
    )


def test_the_summary_of_a_day_that_was_not_counted_yet_is_that_of_the_newest_before_it(
    company: Database,
) -> None:
    with desk(company) as view:
        tiles = revenue.summary(view, day("06-20"))

    assert (tiles.day, tiles.couples.value) == (day("06-15"), 3)


def test_without_a_day_to_compare_with_the_change_says_why(company: Database) -> None:
    with desk(company) as view:
        tiles = revenue.summary(view, day("05-01"))

    assert (tiles.change.value, tiles.growth.value) == (None, None)
    assert tiles.change.why_not == "2026-04-01 was not counted, so there is nothing to compare with."


def test_growth_from_nothing_and_an_average_of_nobody_are_not_figures(sqlite: Database) -> None:
    entry(sqlite, "05-01")
    entry(sqlite, "05-02", status="canceled")
    fill(sqlite, "05-01", "06-15")
    with desk(sqlite) as view:
        tiles = revenue.summary(view, day("06-15"))

    assert (tiles.mrr.text, tiles.arpa.value, tiles.growth.value) == ("$0.00", None, None)
    assert tiles.arpa.why_not == "No couple pays on this day, so there is no average."
    assert tiles.growth.why_not == "Nothing recurred 30 days ago, so there is no rate."


def test_the_plan_mix_has_the_largest_first_and_shares_that_add_up(company: Database) -> None:
    with desk(company) as view:
        mix = revenue.plan_mix(view, day("06-15"))

    assert [(each.plan, each.billing_period, each.arr_cents, each.subscriptions) for each in mix.plans] == [
        ("better_together", "annual", 52_900, 2),  # a plan that is not in the price list has its id
        ("Try It Out", "monthly", 36_000, 1),
    ]
    assert sum(each.share or 0 for each in mix.plans) == 1
    assert (mix.day, mix.basis.rows) == (day("06-15"), 3)


def test_customer_churn_is_churned_of_those_at_the_start(company: Database) -> None:
    with desk(company) as view:
        april, may, june = revenue.churn_by_month(view, day("04-01"), day("06-15")).months

    assert (may.month, may.couples_at_start, may.churned_couples, may.churn) == (
        day("05-01"),
        2,
        1,
        Fraction(1, 2),
    )
    assert (april.churn, april.why_not) == (
        None,
        "Counting began in this month, so nobody knows how many couples there were at its start.",
    )
    assert (june.churn, june.complete) == (Fraction(0), False)
    assert (april.complete, may.complete) == (True, True)


def test_every_month_ties_from_its_opening_to_its_closing(company: Database) -> None:
    with desk(company) as view:
        april, may, june = revenue.churn_by_month(view, day("04-01"), day("06-15")).months

    assert (may.opening_arr_cents, may.new_arr_cents, may.churn_arr_cents, may.closing_arr_cents) == (
        72_000,
        24_000,
        36_000,
        60_000,
    )
    assert (april.ties, may.ties, june.ties) == (None, True, True)


def test_a_month_with_days_that_were_not_counted_has_no_churn_and_does_not_claim_to_tie(
    company: Database,
) -> None:
    with company.primary.begin() as connection:
        connection.execute(delete(MetricDay).where(MetricDay.day == day("05-25")))
    with desk(company) as view:
        (may,) = revenue.churn_by_month(view, day("05-01"), day("05-31")).months

    assert (may.churn, may.ties, may.why_not) == (
        None,
        None,
        "Days of this month that were never counted: 1.",
    )


def test_a_month_that_opens_with_nobody_has_no_churn(sqlite: Database) -> None:
    entry(sqlite, "04-10")
    entry(sqlite, "04-12", status="canceled")
    fill(sqlite, "04-10", "05-31")
    with desk(sqlite) as view:
        (may,) = revenue.churn_by_month(view, day("05-01"), day("05-31")).months

    assert (may.couples_at_start, may.churn, may.why_not) == (0, None, "No couple was active at the start.")


def test_currencies_come_with_the_largest_first(sqlite: Database) -> None:
    entry(sqlite, "06-01", ANNUAL)
    entry(sqlite, "06-01", MONTHLY, subscription_id="s2", currency="EUR")
    fill(sqlite, "06-01", "06-15")
    with desk(sqlite) as view:
        found = revenue.currencies(view)
        euros = revenue.summary(view, day("06-15"), "EUR")

    assert found == ["EUR", "USD"]
    assert euros.mrr.text == "€30.00"


def test_the_page_needs_one_statement_for_each_function(company: Database) -> None:
    statements: list[str] = []
    event.listen(company.primary, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with desk(company) as view:
        revenue.currencies(view)
        revenue.summary(view, day("06-15"))
        revenue.mrr_by_day(view, day("04-01"), day("06-15"))
        revenue.plan_mix(view, day("06-15"))
        revenue.churn_by_month(view, day("04-01"), day("06-15"))

    assert len(statements) == 5
    assert not [one for one in statements if "subscription_changes" in one]


def test_the_exports_say_what_the_page_says(company: Database) -> None:
    with desk(company) as view:
        series = revenue.mrr_by_day(view, day("06-01"), day("06-15"))
        rows = list(revenue.days.stream(view, since=day("06-01"), until=day("06-15")))
        mix = revenue.plan_mix(view, day("06-15"))
        plans = list(revenue.plans.stream(view, day=day("06-15")))

    assert [(row.day, row.mrr_cents) for row in reversed(rows)] == [
        (each.day, each.mrr_cents) for each in series.days
    ]
    assert [(row.plan_id, row.mrr_cents) for row in plans] == [
        (each.plan_id, each.mrr_cents) for each in mix.plans
    ]


def test_product_reads_revenue_and_support_does_not(company: Database) -> None:
    with reading(company, Actor("p", "product@example.org", Role.PRODUCT)) as view:
        assert revenue.summary(view, day("06-15")).couples.value == 3
    with (
        pytest.raises(NotAllowed),
        reading(company, Actor("s", "support@example.org", Role.SUPPORT)) as view,
    ):
        revenue.summary(view, day("06-15"))


@pytest.mark.parametrize(
    ("value", "whole"), [(Fraction(28_900, 12), 2_408), (Fraction(5, 2), 3), (Fraction(-5, 2), -2), (7, 7)]
)
def test_a_figure_is_rounded_half_up(value: Fraction, whole: int) -> None:
    assert rounded(value) == whole


@pytest.mark.parametrize(
    ("share", "text"),
    [(Fraction(1, 24), "4.2 %"), (Fraction(-1, 24), "−4.2 %"), (Fraction(0), "0.0 %"), (12, "1,200.0 %")],
)
def test_a_share_is_shown_in_percent(share: Fraction, text: str) -> None:
    assert percent(share) == text


def test_a_day_counted_the_moment_it_ended_is_complete(sqlite: Database) -> None:
    entry(sqlite, "06-14")
    fill(sqlite, "06-14", "06-14", now=datetime(2026, 6, 15, tzinfo=UTC))
    with desk(sqlite) as view:
        series = revenue.mrr_by_day(view, day("06-14"), day("06-14"))

    assert [each.complete for each in series.days] == [True]
