"""What every chart of money has in common: its size, its axis, and amounts as an axis wants them."""

from typing import Any, Final

import plotly.graph_objects as go

from lib.core import money

HEIGHT: Final = 320
SO_FAR: Final = "so far"
"""What is said beside a period that is not over."""


def chart(title: str, currency: str, *, horizontal: bool = False) -> go.Figure:
    """An empty chart whose value axis is in whole units of a currency."""
    figure = layout(go.Figure())
    axis: dict[str, Any] = {
        "title": title,
        "tickprefix": money.SYMBOLS.get(currency.lower(), ""),
        "tickformat": "~s",
        "rangemode": "tozero",
    }
    figure.update_layout(**{"xaxis" if horizontal else "yaxis": axis})
    return figure


def layout(figure: go.Figure) -> go.Figure:
    """Give a chart the height, the margins and the legend that all have."""
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="closest",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1},
        uirevision="kept",
    )
    return figure


def units(cents: int, currency: str) -> float:
    """Minor units as the axis wants them, $12.34 -> 12.34: for drawing only."""
    return float(money.units(cents, currency))
