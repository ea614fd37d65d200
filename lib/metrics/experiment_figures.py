"""Charts of A/B tests: intervals beside zero, and rates as they came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import plotly.graph_objects as go

from lib.metrics.drawing import layout
from lib.metrics.stats.wording import lift_text, share_text

_ROW: Final = 44  # pixels, of one interval
_FRAME: Final = 90  # pixels, of the axis and the margins
_ZERO: Final = "rgba(128, 128, 128, 0.8)"


@dataclass(frozen=True, slots=True)
class LiftRow:
    """An interval to draw: the relative lift and its ends, as fractions of 1."""

    label: str
    lift: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RatePoint:
    """The rate of an arm at a day's end, since the test began."""

    arm: str
    day: date
    rate: float
    units: int


def lift_intervals(rows: Sequence[LiftRow]) -> go.Figure:
    """Each lift as a dot within its interval, one under the other; clear of the line at 0 is a difference."""
    figure = layout(go.Figure())
    figure.add_trace(
        go.Scatter(
            mode="markers",
            marker_size=10,
            x=[row.lift for row in rows],
            y=[row.label for row in rows],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high - row.lift for row in rows],
                "arrayminus": [row.lift - row.low for row in rows],
                "thickness": 2,
            },
            text=[f"{lift_text(row.lift)} ({lift_text(row.low)} to {lift_text(row.high)})" for row in rows],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.add_vline(x=0, line_width=1, line_dash="dot", line_color=_ZERO)
    figure.update_layout(
        height=_FRAME + _ROW * len(rows),
        xaxis={"title": "Lift against the control", "tickformat": "+.0%", "zeroline": False},
        yaxis={"autorange": "reversed", "type": "category"},
        showlegend=False,
    )
    return figure


def rate_lines(points: Sequence[RatePoint]) -> go.Figure:
    """The conversion rate of each arm day by day, since the test began; the first days swing widely."""
    figure = layout(go.Figure())
    for number, arm in enumerate(dict.fromkeys(point.arm for point in points)):
        own = [point for point in points if point.arm == arm]
        figure.add_trace(
            go.Scatter(
                name=arm,
                mode="lines",
                line_dash=("solid", "dash", "dot", "dashdot")[number % 4],
                x=[point.day for point in own],
                y=[point.rate for point in own],
                text=[f"{share_text(point.rate)} of {point.units:,}" for point in own],
                hovertemplate="%{x|%Y-%m-%d}, %{fullData.name}: %{text}<extra></extra>",
            )
        )
    figure.update_layout(
        yaxis={"title": "Converted, since the beginning", "tickformat": ".0%", "rangemode": "tozero"},
        showlegend=True,
    )
    return figure
