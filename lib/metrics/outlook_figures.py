"""Charts of what may come: a line with its range shaded, beside what was or what would be."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import plotly.graph_objects as go

from lib.core import money
from lib.metrics.drawing import chart, units
from lib.metrics.forecast import Forecast
from lib.metrics.scenario import Projection

# A grey that reads on white and on black; the lines have the theme's colours.
_SHADE: Final = "rgba(128, 128, 128, 0.25)"


def forecast_line(forecast: Forecast) -> go.Figure:
    """MRR as it was counted, then as it is forecast (dashed), within its shaded range."""
    currency, coming = forecast.currency, forecast.coming
    counted = [month for month in forecast.months if month.kind == "counted"]
    figure = chart(f"MRR ({currency})", currency)
    if coming:
        lows, highs = ([m.low_cents or 0 for m in coming], [m.high_cents or 0 for m in coming])
        _shade(figure, "80 % range", [month.month for month in coming], lows, highs, currency)
    # The forecast starts at the last counted month, so that the line is not broken.
    for name, months, dash in (("MRR", counted, "solid"), ("Forecast", [*counted[-1:], *coming], "dash")):
        _line(figure, name, [m.month for m in months], [m.mrr_cents for m in months], currency, dash)
    figure.update_layout(showlegend=True)
    return figure


def projection_lines(projection: Projection) -> go.Figure:
    """MRR as wished within its shaded range, and beside it, dotted, as it goes now."""
    currency, rows = projection.currency, projection.months
    months = [row.month for row in rows]
    figure = chart(f"MRR ({currency})", currency)
    lows, highs = [row.low_cents for row in rows], [row.high_cents for row in rows]
    _shade(figure, "80 % range if changed", months, lows, highs, currency)
    _line(figure, "If changed", months, [row.mrr_cents for row in rows], currency, "solid")
    _line(figure, "As it goes now", months, [row.usual_cents for row in rows], currency, "dot")
    figure.update_layout(showlegend=True)
    return figure


def _line(
    figure: go.Figure, name: str, months: Sequence[date], cents: Sequence[int], currency: str, dash: str
) -> None:
    figure.add_trace(
        go.Scatter(
            name=name,
            mode="lines+markers",
            line_dash=dash,
            x=list(months),
            y=[units(each, currency) for each in cents],
            text=[money.show(each, currency) for each in cents],
            hovertemplate=f"%{{x|%b %Y}}, {name}: %{{text}}<extra></extra>",
        )
    )


def _shade(
    figure: go.Figure,
    name: str,
    months: Sequence[date],
    lows: Sequence[int],
    highs: Sequence[int],
    currency: str,
) -> None:
    """The area between two lines: out along the upper one, back along the lower one."""
    figure.add_trace(
        go.Scatter(
            name=name,
            mode="lines",
            line_width=0,
            fill="toself",
            fillcolor=_SHADE,
            hoverinfo="skip",
            x=[*months, *reversed(months)],
            y=[units(each, currency) for each in (*highs, *reversed(lows))],
        )
    )
