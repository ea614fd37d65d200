"""Charts of the revenue series; with its neighbours, the only place that knows Plotly.

Backgrounds, fonts and the palette are left to the page's theme, so that a chart reads in light and dark.
What colour says is also said by a dash, a pattern, a sign or a word. What is not complete yet is drawn
differently and named so.
"""

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from lib.core import money
from lib.metrics.drawing import chart as _chart
from lib.metrics.drawing import layout as _layout
from lib.metrics.drawing import units as _units
from lib.metrics.figure import percent
from lib.metrics.series import Month, MonthSeries, MrrDay, MrrSeries, PlanMix

SO_FAR: Final = "so far"
_HATCHED: Final = "/"
# Gains stand above the line, losses below it; each has a pattern of its own as well.
_MOVEMENTS: Final = (
    ("new_arr_cents", "New", 1, ""),
    ("reactivation_arr_cents", "Reactivation", 1, "."),
    ("expansion_arr_cents", "Expansion", 1, "+"),
    ("contraction_arr_cents", "Contraction", -1, "-"),
    ("churn_arr_cents", "Churn", -1, "x"),
)


def mrr_line(series: MrrSeries) -> go.Figure:
    """MRR at the end of each day; the days that were not over when they were counted are dashed."""
    whole = [day for day in series.days if day.complete]
    running = [day for day in series.days if not day.complete]
    figure = _chart(f"MRR ({series.currency})", series.currency)
    if whole:
        figure.add_trace(_line(whole, "MRR", series.currency, dash="solid"))
    if running:
        # From the last whole day on, so that the line is not broken.
        figure.add_trace(_line([*whole[-1:], *running], f"Today, {SO_FAR}", series.currency, dash="dot"))
    return figure


def plan_mix_bars(mix: PlanMix) -> go.Figure:
    """MRR by plan and billing period, the largest on top; amount and share stand beside each bar."""
    figure = _chart(f"MRR ({mix.currency})", mix.currency, horizontal=True)
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=[f"{plan.plan}, {plan.billing_period}" for plan in mix.plans],
            x=[_units(plan.mrr_cents, mix.currency) for plan in mix.plans],
            text=[
                f"{money.show(plan.mrr_cents, mix.currency)} ({percent(plan.share or 0)})"
                for plan in mix.plans
            ],
            textposition="auto",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def churn_bars(series: MonthSeries) -> go.Figure:
    """Customer churn by month; one that is not over is hatched, one that cannot be computed has no bar."""
    known = [month for month in series.months if month.churn is not None]
    figure = _layout(go.Figure())
    figure.add_trace(
        go.Bar(
            x=[_month_name(month) for month in known],
            y=[float(month.churn or 0) for month in known],
            text=[percent(month.churn or 0) for month in known],
            customdata=[(month.churned_couples, month.couples_at_start) for month in known],
            marker_pattern_shape=["" if month.complete else _HATCHED for month in known],
            textposition="auto",
            hovertemplate="%{x}: %{customdata[0]:,} of %{customdata[1]:,} couples (%{text})<extra></extra>",
        )
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", title="Customer churn")
    return figure


def movement_bars(series: MonthSeries) -> go.Figure:
    """What moved MRR in each month: gains above the line, losses below it, each named and patterned."""
    figure = _chart(f"Change of MRR ({series.currency})", series.currency)
    for field, name, sign, pattern in _MOVEMENTS:
        amounts = [money.monthly(getattr(month, field)) for month in series.months]
        figure.add_trace(
            go.Bar(
                name=name,
                x=[_month_name(month) for month in series.months],
                y=[_units(sign * cents, series.currency) for cents in amounts],
                text=[money.show(sign * cents, series.currency) for cents in amounts],
                textposition="none",
                marker_pattern_shape=pattern,
                hovertemplate=f"%{{x}}, {name}: %{{text}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="relative", showlegend=True)
    figure.update_xaxes(type="category")
    return figure


def _line(days: Sequence[MrrDay], name: str, currency: str, *, dash: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        mode="lines" if dash == "solid" and len(days) > 1 else "lines+markers",
        line_dash=dash,
        x=[day.day for day in days],
        y=[_units(day.mrr_cents, currency) for day in days],
        text=[money.show(day.mrr_cents, currency) for day in days],
        customdata=[day.couples for day in days],
        hovertemplate=f"%{{x|%Y-%m-%d}}, {name}: %{{text}} from %{{customdata:,}} couples<extra></extra>",
    )


def _month_name(month: Month) -> str:
    name = f"{month.month:%b %Y}"
    return name if month.complete else f"{name}, {SO_FAR}"
