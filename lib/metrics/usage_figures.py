"""Charts about use. Colour is never alone: lines have dashes, bars patterns, and each has its name."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle
from typing import Any, Final

import plotly.graph_objects as go

from lib.core import money
from lib.metrics.campaigns import Campaigns
from lib.metrics.drawing import HEIGHT, layout, units
from lib.metrics.drawing import chart as money_chart
from lib.metrics.dyads import WORDS, Days
from lib.metrics.engagement import PARTS, Scores
from lib.metrics.features import Features, Trend
from lib.metrics.figure import percent
from lib.metrics.partners import Performance
from lib.metrics.usage.raw import DEVICES
from lib.metrics.visits import Pages, Series

_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_PATTERNS: Final = ("", "/", ".", "x", "-", "+")
_BAR: Final = 30  # pixels of one horizontal bar
_LARGEST_PAGES: Final = 15


def adoption_bars(found: Features, unit: str) -> go.Figure:
    """Adoption of each feature, the largest on top; a click gives the feature."""
    shown = sorted(found.features, key=lambda each: each.adopted_by(unit) or 0)
    figure = _shares(
        [_words(each.feature) for each in shown],
        [each.adopted_by(unit) for each in shown],
        f"Of {unit} that did anything in 28 days",
    )
    figure.update_traces(customdata=[(each.feature,) for each in shown])
    figure.update_layout(clickmode="event+select", dragmode=False)
    return figure


def adoption_lines(found: Trend, unit: str) -> go.Figure:
    """Adoption in 28 days, day by day, a line for each feature."""
    figure = layout(go.Figure())
    dashes = cycle(_DASHES)
    for feature in sorted({day.feature for day in found.days}):
        days = [day for day in found.days if day.feature == feature]
        shares = [day.couple_adoption if unit == "couples" else day.adoption for day in days]
        figure.add_trace(
            go.Scatter(
                name=_words(feature),
                mode="lines",
                line_dash=next(dashes),
                x=[day.day for day in days],
                y=[None if share is None else float(share) for share in shares],
                hovertemplate="%{x|%Y-%m-%d}, %{fullData.name}: %{y:.1%}<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    return _of_shares(figure, "Adoption, 28 days")


def score_areas(found: Scores) -> go.Figure:
    """The mean score day by day, made up of its parts."""
    figure = layout(go.Figure())
    for (part, name), pattern in zip(PARTS.items(), cycle(_PATTERNS), strict=False):
        figure.add_trace(
            go.Scatter(
                name=name,
                mode="lines",
                stackgroup="parts",
                x=[day.day for day in found.days],
                y=[float(getattr(day, part)) for day in found.days],
                fillpattern=_over(pattern),
                hovertemplate="%{x|%Y-%m-%d}, %{fullData.name}: %{y:.1f} points<extra></extra>",
            )
        )
    figure.update_yaxes(title="Points of 100", rangemode="tozero")
    figure.update_layout(showlegend=True)
    return figure


def dyad_areas(found: Days) -> go.Figure:
    """Couples that pay by who of the two came, as shares of all, day by day."""
    figure = layout(go.Figure())
    for (state, name), pattern in zip(WORDS.items(), _PATTERNS, strict=False):
        figure.add_trace(
            go.Scatter(
                name=name,
                mode="lines",
                stackgroup="states",
                x=[day.day for day in found.days],
                y=[float(day.share(state)) for day in found.days],
                text=[f"{getattr(day, state):,} of {day.couples:,}" for day in found.days],
                fillpattern=_over(pattern),
                hovertemplate="%{x|%Y-%m-%d}, %{fullData.name}: %{y:.1%}, %{text} couples<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    return _of_shares(figure, "Couples that pay", top=1)


def visit_bars(found: Series) -> go.Figure:
    """Visits a day by device."""
    figure = layout(go.Figure())
    for device, pattern in zip(DEVICES, _PATTERNS, strict=False):
        if any(getattr(day, device) for day in found.days):
            figure.add_trace(
                go.Bar(
                    name=device.capitalize(),
                    x=[day.day for day in found.days],
                    y=[getattr(day, device) for day in found.days],
                    marker_pattern=_over(pattern),
                    hovertemplate="%{x|%Y-%m-%d}, %{fullData.name}: %{y:,}<extra></extra>",
                )
            )
    figure.update_layout(barmode="stack", bargap=0.1, showlegend=True)
    figure.update_yaxes(title="Visits", rangemode="tozero")
    return figure


def page_bars(found: Pages) -> go.Figure:
    """The fifteen pages with the most of the chosen measure, the largest on top."""
    shown = [page for page in found.pages if getattr(page, found.measure)][:_LARGEST_PAGES][::-1]
    numbers = [getattr(page, found.measure) for page in shown]
    figure = _horizontal([page.page for page in shown], numbers, [f"{number:,}" for number in numbers])
    figure.update_xaxes(rangemode="tozero")
    return figure


def click_lines(found: Campaigns) -> go.Figure:
    """Clicks of what was delivered by month, a line for each kind of campaign."""
    figure = layout(go.Figure())
    dashes = cycle(_DASHES)
    for kind in (each.kind for each in found.kinds):
        months = [each for each in found.months if each.kind == kind and each.click_rate is not None]
        figure.add_trace(
            go.Scatter(
                name=_words(kind),
                mode="lines+markers",
                line_dash=next(dashes),
                x=[each.month for each in months],
                y=[float(each.click_rate or 0) for each in months],
                text=[f"{each.clicked:,} of {each.delivered:,}" for each in months],
                hovertemplate="%{x|%b %Y}, %{fullData.name}: %{y:.1%}, %{text}<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    return _of_shares(figure, "Clicks / delivered")


def commission_bars(found: Performance) -> go.Figure:
    """Commission by partner, the largest on top; the amount stands beside each bar."""
    shown = found.partners[:_LARGEST_PAGES][::-1]
    currency = found.total.currency
    figure = money_chart(f"Commission ({currency})", currency, horizontal=True)
    texts = [money.show(each.commission_cents, currency) for each in shown]
    amounts = [units(each.commission_cents, currency) for each in shown]
    figure.add_trace(_bar([each.partner for each in shown], amounts, texts))
    figure.update_layout(height=max(HEIGHT, _BAR * len(shown) + 60))
    return figure


def partner_months(found: Performance) -> go.Figure:
    """Commission of all partners by month; the month that goes on is hatched."""
    currency = found.total.currency
    figure = money_chart(f"Commission ({currency})", currency)
    figure.add_trace(
        go.Bar(
            x=[f"{each.month:%b %Y}{'' if each.complete else ', so far'}" for each in found.months],
            y=[units(each.commission_cents, currency) for each in found.months],
            text=[money.show(each.commission_cents, currency) for each in found.months],
            marker_pattern_shape=["" if each.complete else "/" for each in found.months],
            hovertemplate="%{x}: %{text}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category")
    return figure


def _shares(names: Sequence[str], shares: Sequence[Fraction | None], title: str) -> go.Figure:
    texts = ["–" if share is None else percent(share) for share in shares]
    figure = _horizontal(names, [float(share or 0) for share in shares], texts)
    figure.update_xaxes(title=title, tickformat=".0%", rangemode="tozero")
    return figure


def _horizontal(names: Sequence[str], values: Sequence[float], texts: Sequence[str]) -> go.Figure:
    figure = layout(go.Figure())
    figure.add_trace(_bar(names, values, texts))
    figure.update_layout(height=_BAR * len(names) + 80)
    return figure


def _bar(names: Sequence[str], values: Sequence[float], texts: Sequence[str]) -> Any:
    return go.Bar(
        orientation="h",
        y=list(names),
        x=list(values),
        text=list(texts),
        textposition="auto",
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _over(pattern: str) -> dict[str, Any]:
    """A pattern drawn over the colour rather than instead of it."""
    return {"shape": pattern, "fillmode": "overlay", "fgopacity": 0.3}


def _of_shares(figure: go.Figure, title: str, *, top: float | None = None) -> go.Figure:
    figure.update_yaxes(title=title, tickformat=".0%", rangemode="tozero", range=[0, top] if top else None)
    return figure


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()
