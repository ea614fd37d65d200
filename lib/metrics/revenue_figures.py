"""Charts of the revenue series, drawn as `lib.metrics.figures` says.

A click on a bar gives what the page needs to list what is behind it. Days and months with a remark carry a
sign, which says it; an earlier period that they are compared with is dashed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Final

import plotly.graph_objects as go

from lib.core import money
from lib.core.moments import month_start
from lib.metrics.comparison import DayBeside, MonthBeside
from lib.metrics.drawing import SO_FAR
from lib.metrics.drawing import chart as _chart
from lib.metrics.drawing import layout as _layout
from lib.metrics.drawing import units as _units
from lib.metrics.exchange import ReportedMonth
from lib.metrics.figure import percent
from lib.metrics.segments import SegmentMonth, SegmentSeries
from lib.metrics.series import Month, MonthSeries, MrrDay, MrrSeries, PlanMix

BEHIND: Final = "Couples"
"""The section of the Revenue page that lists the couples behind a bar."""
_HATCHED: Final = "/"
_EARLIER: Final = {"dash": "dash", "color": "rgba(128,128,128,.9)", "width": 1.5}
# Gains stand above the line, losses below it; each has a pattern of its own as well.
_MOVEMENTS: Final = (
    ("new_arr_cents", "New", 1, ""),
    ("reactivation_arr_cents", "Reactivation", 1, "."),
    ("expansion_arr_cents", "Expansion", 1, "+"),
    ("contraction_arr_cents", "Contraction", -1, "-"),
    ("churn_arr_cents", "Churn", -1, "x"),
)
# How a churned couple left, with the patterns of a month that is over and of one that goes on.
_CHURNED: Final = (("Voluntary", ("", _HATCHED)), ("Involuntary", ("x", "+")))
_PATTERNS: Final = ("", "/", "x", "-", "+", ".", "|", "\\")

Remarks = Mapping[date, str]


def mrr_line(
    series: MrrSeries, *, beside: Sequence[DayBeside] = (), remarks: Remarks | None = None
) -> go.Figure:
    """MRR at the end of each day; the days that were not over when they were counted are dotted.

    `beside` is drawn dashed, at the days that it is compared with. `remarks` are texts by day. A click on a
    day gives it and the section with the couples that count at its end.
    """
    whole = [day for day in series.days if day.complete]
    running = [day for day in series.days if not day.complete]
    figure = _chart(f"MRR ({series.currency})", series.currency)
    if whole:
        figure.add_trace(_line(whole, "MRR", series.currency, dash="solid"))
    if running:
        # From the last whole day on, so that the line is not broken.
        figure.add_trace(_line([*whole[-1:], *running], f"Today, {SO_FAR}", series.currency, dash="dot"))
    known = [each for each in beside if each.earlier_mrr_cents is not None]
    if known:
        figure.add_trace(
            go.Scatter(
                name="Compared with",
                mode="lines",
                line=_EARLIER,
                x=[each.day for each in known],
                y=[_units(each.earlier_mrr_cents or 0, series.currency) for each in known],
                text=[
                    f"{each.earlier_day}: {money.show(each.earlier_mrr_cents or 0, series.currency)}"
                    for each in known
                ],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    if remarks:
        at = {day.day: _units(day.mrr_cents, series.currency) for day in series.days}
        _remark(figure, {day: text for day, text in remarks.items() if day in at}, at)
    figure.update_layout(clickmode="event+select", dragmode=False)
    return figure


def segment_areas(series: SegmentSeries) -> go.Figure:
    """MRR at the end of each day, stacked by segment, the largest at the bottom."""
    figure = _chart(f"MRR ({series.currency})", series.currency)
    for name, pattern in zip(
        series.names, _PATTERNS * (len(series.names) // len(_PATTERNS) + 1), strict=False
    ):
        days = [each for each in series.days if each.segment == name]
        figure.add_trace(
            go.Scatter(
                name=name,
                mode="lines",
                stackgroup="all",
                fillpattern={"shape": pattern, "fillmode": "overlay", "fgopacity": 0.25},
                x=[each.day for each in days],
                y=[_units(each.mrr_cents, series.currency) for each in days],
                text=[money.show(each.mrr_cents, series.currency) for each in days],
                hovertemplate=f"%{{x|%Y-%m-%d}}, {name}: %{{text}}<extra></extra>",
            )
        )
    return figure


def segment_bars(months: Sequence[SegmentMonth], currency: str) -> go.Figure:
    """By how much each segment changed MRR in each month: gains above the line, losses below it.

    A click on one gives its month, and the section with the couples that moved in it.
    """
    figure = _chart(f"Net change of MRR ({currency})", currency)
    names = list(dict.fromkeys(each.segment for each in months))
    for number, name in enumerate(names):
        mine = [each for each in months if each.segment == name]
        figure.add_trace(
            go.Bar(
                name=name,
                x=[f"{each.month:%b %Y}" for each in mine],
                y=[_units(each.net_cents, currency) for each in mine],
                customdata=[(f"{each.month:%Y-%m}", None, "moved", BEHIND) for each in mine],
                text=[money.show(each.net_cents, currency) for each in mine],
                textposition="none",
                marker_pattern_shape=_PATTERNS[number % len(_PATTERNS)],
                hovertemplate=f"%{{x}}, {name}: %{{text}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="relative", showlegend=True, clickmode="event+select", dragmode=False)
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=_in_order(months))
    return figure


def plan_mix_bars(mix: PlanMix) -> go.Figure:
    """MRR by plan and billing period, the largest on top; amount and share stand beside each bar.

    A click on one gives its plan, how it is billed, and the section with the couples that count.
    """
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
            customdata=[(plan.plan_id, plan.billing_period, "counted", BEHIND) for plan in mix.plans],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(clickmode="event+select", dragmode=False)
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def churn_bars(
    series: MonthSeries, *, beside: Sequence[MonthBeside] = (), remarks: Remarks | None = None
) -> go.Figure:
    """Customer churn by month, who left of themselves below those whose payment failed.

    A month that is not over is hatched, one that cannot be computed has no bar. A click gives the same as
    on a bar of `movement_bars`.
    """
    known = [month for month in series.months if month.churn is not None]
    figure = _layout(go.Figure())
    for name, patterns in _CHURNED:
        couples = [
            month.involuntary_churned_couples
            if name == "Involuntary"
            else month.churned_couples - month.involuntary_churned_couples
            for month in known
        ]
        shares = [
            Fraction(number, month.couples_at_start or 1)
            for number, month in zip(couples, known, strict=True)
        ]
        figure.add_trace(
            go.Bar(
                name=name,
                x=[_month_name(month) for month in known],
                y=[float(share) for share in shares],
                text=[percent(share) if share else "" for share in shares],
                hovertext=[
                    f"{number:,} of {month.couples_at_start or 0:,} couples"
                    for number, month in zip(couples, known, strict=True)
                ],
                customdata=[_way_down(month, "churn") for month in known],
                # Over the colour rather than instead of it, so that the text on the bar can be read.
                marker_pattern={
                    "shape": [patterns[0 if month.complete else 1] for month in known],
                    "fillmode": "overlay",
                    "fgopacity": 0.3,
                },
                textposition="auto",
                hovertemplate=f"%{{x}}, {name}: %{{hovertext}}<extra></extra>",
            )
        )
    shown = [each for each in beside if each.earlier_churn is not None]
    _dashed(
        figure,
        [_name_among(series, each.month) for each in shown],
        [float(each.earlier_churn or 0) for each in shown],
        [f"{each.earlier_month:%b %Y}: {percent(each.earlier_churn or 0)}" for each in shown],
    )
    if remarks:
        _remark_months(figure, series, remarks)
    figure.update_layout(barmode="stack", showlegend=True, clickmode="event+select", dragmode=False)
    figure.update_xaxes(type="category")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", title="Customer churn")
    return figure


def movement_bars(
    series: MonthSeries, *, beside: Sequence[MonthBeside] = (), remarks: Remarks | None = None
) -> go.Figure:
    """What moved MRR in each month: gains above the line, losses below it, each named and patterned.

    A click on one gives its month, its movement and the section with the couples behind it.
    """
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
                customdata=[_way_down(month, name.lower()) for month in series.months],
                hovertemplate=f"%{{x}}, {name}: %{{text}}<extra></extra>",
            )
        )
    shown = [each for each in beside if each.earlier_net_cents is not None]
    _dashed(
        figure,
        [_name_among(series, each.month) for each in shown],
        [_units(each.earlier_net_cents or 0, series.currency) for each in shown],
        [
            f"{each.earlier_month:%b %Y}, net: {money.show(each.earlier_net_cents or 0, series.currency)}"
            for each in shown
        ],
    )
    if remarks:
        _remark_months(figure, series, remarks)
    figure.update_layout(barmode="relative", showlegend=True, clickmode="event+select", dragmode=False)
    figure.update_xaxes(type="category")
    return figure


def reported_bars(months: Sequence[ReportedMonth], currency: str) -> go.Figure:
    """What moved the MRR of all currencies in the reporting one, what the rates moved apart."""
    figure = _chart(f"Change of MRR ({currency})", currency)
    known = [month for month in months if month.closing_arr_cents is not None]
    for field, name, sign, pattern in (*_MOVEMENTS, ("fx_arr_cents", "Exchange rates", 1, "|")):
        amounts = [money.monthly(sign * (getattr(month, field) or 0)) for month in known]
        figure.add_trace(
            go.Bar(
                name=name,
                x=[f"{month.month:%b %Y}{_so_far(month.complete)}" for month in known],
                y=[_units(cents, currency) for cents in amounts],
                text=[money.show(cents, currency) for cents in amounts],
                textposition="none",
                marker_pattern_shape=pattern,
                hovertemplate=f"%{{x}}, {name}: %{{text}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="relative", showlegend=True, dragmode=False)
    figure.update_xaxes(type="category")
    return figure


def _line(days: Sequence[MrrDay], name: str, currency: str, *, dash: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        # A line by itself cannot be clicked: its days have marks, seen where there is little of a line.
        mode="lines+markers",
        marker={"size": 8, "opacity": 0 if dash == "solid" and len(days) > 1 else 1},
        line_dash=dash,
        x=[day.day for day in days],
        y=[_units(day.mrr_cents, currency) for day in days],
        text=[money.show(day.mrr_cents, currency) for day in days],
        hovertext=[f"from {day.couples:,} couples" for day in days],
        customdata=[(f"{day.day}", "counted", BEHIND) for day in days],
        hovertemplate=f"%{{x|%Y-%m-%d}}, {name}: %{{text}} %{{hovertext}}<extra></extra>",
    )


def _way_down(month: Month, movement: str) -> tuple[str, str, str, str]:
    return f"{month.month:%Y-%m}", movement, "moved", BEHIND


def _month_name(month: Month) -> str:
    name = f"{month.month:%b %Y}"
    return name if month.complete else f"{name}, {SO_FAR}"


def _so_far(complete: bool) -> str:
    return "" if complete else f", {SO_FAR}"


def _name_among(series: MonthSeries, month: date) -> str:
    return next(_month_name(each) for each in series.months if each.month == month)


def _in_order(months: Sequence[SegmentMonth]) -> list[str]:
    return [f"{month:%b %Y}" for month in sorted({each.month for each in months})]


def _dashed(figure: go.Figure, x: Sequence[str], y: Sequence[float], said: Sequence[str]) -> None:
    """The earlier period beside the bars."""
    if x:
        figure.add_trace(
            go.Scatter(
                name="Compared with",
                mode="lines+markers",
                line=_EARLIER,
                x=x,
                y=y,
                text=said,
                hovertemplate="%{text}<extra></extra>",
            )
        )


def _remark_months(figure: go.Figure, series: MonthSeries, remarks: Remarks) -> None:
    """The remarks about a month's days, on its place on the axis."""
    by_month: dict[str, list[str]] = {}
    names = {month.month: _month_name(month) for month in series.months}
    for day, text in sorted(remarks.items()):
        if month_start(day) in names:
            by_month.setdefault(names[month_start(day)], []).append(f"{day}: {text}")
    _remark(
        figure, {name: "<br>".join(texts) for name, texts in by_month.items()}, dict.fromkeys(by_month, 0.0)
    )


def _remark(figure: go.Figure, texts: Mapping[Any, str], at: Mapping[Any, float]) -> None:
    if texts:
        figure.add_trace(
            go.Scatter(
                name="Remark",
                mode="markers",
                marker={
                    "symbol": "diamond",
                    "size": 11,
                    "color": "#b7791f",
                    "line": {"width": 1, "color": "white"},
                },
                x=list(texts),
                y=[at[place] for place in texts],
                text=list(texts.values()),
                hovertemplate="%{text}<extra></extra>",
            )
        )
