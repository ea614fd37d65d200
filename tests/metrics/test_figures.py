"""Charts: what they draw, and that colour and background are never the message."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import plotly.graph_objects as go
import pytest

from lib.core.database import Database
from lib.core.work import View, reading
from lib.metrics import revenue, revenue_figures
from lib.metrics.figure import Basis
from lib.metrics.mrr import MOVEMENTS
from lib.metrics.policies import HOUSE
from lib.metrics.series import MonthSeries
from tests.factories import make_plan
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, day, entry, fill

BASIS = Basis(HOUSE, 1, "days", None)


@pytest.fixture
def view(sqlite: Database) -> Iterator[View]:
    make_plan(sqlite, id="try_it_out", plan_name="Try It Out")
    entry(sqlite, "04-10", MONTHLY)
    entry(sqlite, "05-10", ANNUAL, subscription_id="s2", relationship_id="c2")
    entry(sqlite, "06-10", status="canceled")
    fill(sqlite, "04-10", "06-15")
    with reading(sqlite, DESK, now=NOW) as view:
        yield view


@pytest.fixture
def charts(view: View) -> dict[str, go.Figure]:
    months = revenue.churn_by_month(view, day("04-01"), day("06-15"))
    return {
        "line": revenue_figures.mrr_line(revenue.mrr_by_day(view, day("06-13"), day("06-15"))),
        "plans": revenue_figures.plan_mix_bars(revenue.plan_mix(view, day("06-15"))),
        "churn": revenue_figures.churn_bars(months),
        "movements": revenue_figures.movement_bars(months),
    }


def test_the_line_is_dashed_where_the_day_is_not_over_and_says_so(charts: dict[str, go.Figure]) -> None:
    whole, running = charts["line"].data

    assert (whole.line.dash, list(whole.x), list(whole.y)) == (
        "solid",
        [day("06-13"), day("06-14")],
        [20.0, 20.0],
    )
    assert (running.line.dash, running.name) == ("dot", "Today, so far")
    assert list(running.x) == [day("06-14"), day("06-15")]


def test_plans_stand_with_amount_and_share(charts: dict[str, go.Figure]) -> None:
    (bars,) = charts["plans"].data

    assert list(bars.y) == ["Try It Out, monthly"]
    assert list(bars.text) == ["$20.00 (100.0 %)"]


def test_a_month_that_is_not_over_is_hatched_and_named(charts: dict[str, go.Figure]) -> None:
    voluntary, involuntary = charts["churn"].data

    # April has no churn: counting began in it
    assert list(voluntary.x) == ["May 2026", "Jun 2026, so far"]
    assert list(voluntary.text) == ["", "50.0 %"]
    assert list(voluntary.marker.pattern.shape) == ["", "/"]
    assert list(involuntary.y) == [0.0, 0.0]


def test_who_left_because_a_payment_failed_stands_apart(view: View) -> None:
    june = revenue.churn_by_month(view, day("04-01"), day("06-15")).months[-1]
    failed = replace(june, couples_at_start=4, churned_couples=3, churn=Fraction(3, 4))
    series = MonthSeries("USD", (replace(failed, involuntary_churned_couples=2),), BASIS, None)
    voluntary, involuntary = revenue_figures.churn_bars(series).data

    assert (voluntary.name, list(voluntary.text)) == ("Voluntary", ["25.0 %"])
    assert (involuntary.name, list(involuntary.text)) == ("Involuntary", ["50.0 %"])
    assert list(involuntary.hovertext) == ["2 of 4 couples"]
    assert voluntary.marker.pattern.shape != involuntary.marker.pattern.shape


def test_a_bar_carries_the_month_and_the_movement_of_its_couples(charts: dict[str, go.Figure]) -> None:
    bars = {trace.name: trace for trace in charts["movements"].data}

    assert list(bars["Reactivation"].customdata[1]) == ["2026-05", "reactivation", "moved", "Couples"]
    assert {bar.customdata[0][1] for bar in bars.values()} == set(MOVEMENTS)
    assert all(
        list(trace.customdata[-1]) == ["2026-06", "churn", "moved", "Couples"]
        for trace in charts["churn"].data
    )


def test_losses_stand_below_the_line_each_with_its_own_pattern(charts: dict[str, go.Figure]) -> None:
    bars = {trace.name: trace for trace in charts["movements"].data}

    assert list(bars["New"].y) == [30.0, 20.0, 0.0]
    assert list(bars["Churn"].y) == [0.0, 0.0, -30.0]
    assert len({trace.marker.pattern.shape for trace in bars.values()}) == 5


def test_the_value_axis_carries_the_currency(charts: dict[str, go.Figure]) -> None:
    assert charts["line"].layout.yaxis.tickprefix == "$"
    assert charts["line"].layout.yaxis.title.text == "MRR (USD)"
    assert charts["plans"].layout.xaxis.title.text == "MRR (USD)"


@pytest.mark.parametrize("name", ["line", "plans", "churn", "movements"])
def test_colours_and_background_are_left_to_the_theme(charts: dict[str, go.Figure], name: str) -> None:
    layout: dict[str, Any] = charts[name].to_plotly_json()["layout"]

    assert not {"paper_bgcolor", "plot_bgcolor", "font", "colorway", "updatemenus", "sliders"} & layout.keys()
    assert not charts[name].frames
    assert all(trace.marker.color is None for trace in charts[name].data)


def test_charts_of_nothing_are_empty_and_do_not_fail(view: View) -> None:
    months = revenue.churn_by_month(view, day("2025-01-01"), day("2025-02-01"))
    empty = revenue_figures.mrr_line(revenue.mrr_by_day(view, day("2025-01-01"), day("2025-02-01")))

    assert len(empty.data) == 0
    assert list(revenue_figures.churn_bars(months).data[0].x) == []
    assert list(revenue_figures.plan_mix_bars(revenue.plan_mix(view, day("2025-01-01"))).data[0].x) == []
